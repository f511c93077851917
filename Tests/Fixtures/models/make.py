#!/usr/bin/env python3
"""Makes the fixtures beside it: tiny random checkpoints, PEFT adapters, and what transformers and
PEFT compute with them in fp32 on NF4-dequantized weights. Versions are pinned in requirements.txt.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make.py
"""

import os
import shutil

import torch
import transformers
from safetensors.torch import load_file
from peft import LoraConfig, PeftModel

import adapters
import nf4
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
            for kind, nested in (("nf4", False), ("nf4-nested", True)):
                make_quantized(folder, f"{folder}-{kind}", prompts, nested)
        if name == "qwen2":
            biased = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "o_proj"], bias="all",
                                task_type="CAUSAL_LM")
            adapters.record(model, folder, "biased", biased, prompts[1:], 70)


def make_quantized(source, folder, prompts, nested):
    """What transformers and bitsandbytes save, and what the stored numbers mean by the formula."""
    shutil.rmtree(folder, ignore_errors=True)
    config = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=nested)
    transformers.AutoModelForCausalLM.from_pretrained(
        source, quantization_config=config, dtype=torch.bfloat16).save_pretrained(folder)
    stored = load_file(f"{folder}/model.safetensors")
    model = transformers.AutoModelForCausalLM.from_pretrained(
        source, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        for name, module in model.named_modules():
            if tiny.is_nf4(name, module):
                weight = nf4.stored(stored, f"{name}.weight", module.weight.shape)
                module.weight.copy_(weight)
    tiny.write(folder, "expected-base", prompts, tiny.log_probabilities(model, prompts))


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
