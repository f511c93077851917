#!/usr/bin/env python3
"""Makes the fixtures beside it: tiny random checkpoints, PEFT adapters, and what transformers and
PEFT compute with them in fp32 on NF4-dequantized weights. Versions are pinned in requirements.txt.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make.py
"""

import os
import shutil

import torch
import transformers
from peft import LoraConfig, PeftModel

import adapters
import tiny

HERE = os.path.dirname(os.path.abspath(__file__))

LLAMA3 = dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0,
              high_freq_factor=4.0, original_max_position_embeddings=32)


def models():
    yield "llama-gqa", transformers.LlamaConfig(**tiny.COMMON, rope_parameters=LLAMA3), None
    yield "llama-tied", transformers.LlamaConfig(
        **{**tiny.COMMON, "hidden_size": 48, "num_key_value_heads": 4, "num_hidden_layers": 3},
        tie_word_embeddings=True, head_dim=16), None
    yield "qwen2", transformers.Qwen2Config(**tiny.COMMON), None
    yield "llama-sharded", transformers.LlamaConfig(
        **{**tiny.COMMON, "num_key_value_heads": 1, "intermediate_size": 128}), "60KB"


def main():
    torch.use_deterministic_algorithms(True)
    for seed, (name, config, shard) in enumerate(models()):
        folder = f"{HERE}/{name}"
        shutil.rmtree(folder, ignore_errors=True)
        model = tiny.build(config, seed)
        tiny.save(model, folder, shard)
        tiny.dequantize(model)
        prompts = tiny.prompts(config.vocab_size, [1, 7, 40], seed)
        tiny.write(folder, "expected-base", prompts, tiny.log_probabilities(model, prompts))
        if name == "llama-gqa":
            make_adapters(model, folder, prompts[1:])
        if name == "qwen2":
            biased = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "o_proj"], bias="all",
                                task_type="CAUSAL_LM")
            adapters.record(model, folder, "biased", biased, prompts[1:], 70)


def make_adapters(model, folder, prompts):
    for seed, (name, config) in enumerate(adapters.standard().items()):
        peft = adapters.record(model, folder, name, config, prompts, 40 + seed)
        if name in ("everything", "dora"):
            adapters.gradients(peft, folder, name, prompts[1], first=9)
    mixed = PeftModel.from_pretrained(model, f"{folder}/adapters/attention", "attention")
    mixed.load_adapter(f"{folder}/adapters/everything", "everything")
    mixed.base_model.set_adapter(["attention", "everything"])
    tiny.write(folder, "expected-attention+everything", prompts,
               tiny.log_probabilities(mixed.eval(), prompts))


if __name__ == "__main__":
    main()
