"""A QLoRA step, or greedy decoding, with transformers + PEFT + bitsandbytes; prints one JSON object.

    python torch_peer.py train|decode MODEL THREADS
"""

import json
import re
import sys
import time

import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoModelForCausalLM, BitsAndBytesConfig


def peak_bytes():
    with open("/proc/self/status") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) * 1024


def fastest_dtype():
    """bf16 where the processor multiplies it, else fp32: torch's own bf16 is slower."""
    flags = open("/proc/cpuinfo").read().split()
    fast = {"avx512_bf16", "amx_bf16", "bf16"}.intersection(flags)
    return torch.bfloat16 if fast else torch.float32


def load(path):
    dtype = fastest_dtype()
    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
    return AutoModelForCausalLM.from_pretrained(
        path, quantization_config=quantization, dtype=dtype, device_map="cpu"
    )


def train(path):
    model = prepare_model_for_kbit_training(load(path), use_gradient_checkpointing=True)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    seconds = []
    for _ in range(3):
        tokens = torch.randint(0, model.config.vocab_size, (4, 256))
        start = time.perf_counter()
        model(input_ids=tokens, labels=tokens).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - start)
    return {"train": 1024 / sorted(seconds)[1], "train memory": peak_bytes()}


@torch.inference_mode()
def decode(path, count=16):
    model = load(path).eval()
    tokens = torch.randint(0, model.config.vocab_size, (1, 64))
    answer = model(input_ids=tokens, use_cache=True)
    start = time.perf_counter()
    for _ in range(count):
        token = answer.logits[:, -1:].argmax(-1)
        answer = model(input_ids=token, past_key_values=answer.past_key_values, use_cache=True)
    return {"decode 1": count / (time.perf_counter() - start)}


torch.set_num_threads(int(sys.argv[3]))
print(json.dumps({"train": train, "decode": decode}[sys.argv[1]](sys.argv[2])))
