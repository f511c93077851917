#!/usr/bin/env python3
"""Makes `merged` beside it: what PEFT's `add_weighted_adapter` makes of two small random adapters.

For each method the product B A of every module, by its scale. PEFT 0.21.2, torch 2.15.0:

    PYTHONPATH=. python3 merge.py
"""

import shutil
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

here = Path(__file__).parent / "merged"
shutil.rmtree(here, ignore_errors=True)
config = LlamaConfig(
    vocab_size=16, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
)
torch.manual_seed(1)
base = LlamaForCausalLM(config)
shapes = {"a": (4, 8, ["q_proj", "down_proj"]), "b": (4, 6, ["q_proj", "down_proj"]), "c": (3, 5, ["q_proj"])}
model = None
for name, (rank, alpha, targets) in shapes.items():
    lora = LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets, use_rslora=name == "b")
    if model is None:
        model = get_peft_model(base, lora, adapter_name=name)
    else:
        model.add_adapter(name, lora)
    for key, parameter in model.named_parameters():
        if f".{name}." in key:
            parameter.data.normal_(0, 0.3)
    model.save_pretrained(here, selected_adapters=[name])

expected = {}
cases = {
    "linear": (["a", "b"], [0.7, 0.3], {}), "negative": (["a", "b"], [0.7, -0.3], {}),
    "cat": (["a", "c"], [0.7, -0.5], {}), "svd": (["a", "c"], [0.7, 0.5], {}),
    "ties": (["a", "b"], [0.7, 0.3], {"density": 0.5}),
}
for case, (names, weights, options) in cases.items():
    method = "linear" if case == "negative" else case
    model.add_weighted_adapter(names, weights, case, combination_type=method, **options)
    for key, module in model.named_modules():
        if hasattr(module, "lora_A") and case in module.lora_A:
            path = key.removeprefix("base_model.model.")
            expected[f"{case}.{path}"] = module.get_delta_weight(case).contiguous()
save_file(expected, here / "expected.safetensors")
for path in here.rglob("README.md"):
    path.unlink()
