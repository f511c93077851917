#!/usr/bin/env python3
"""Loads NF4 checkpoints that facet wrote with transformers and bitsandbytes, and compares every
dequantized matrix with the formula and the model's answers with the unquantized one's:
`check_written.py WRITTEN MODELS`, where WRITTEN holds folders NAME-plain and NAME-nested."""

import json
import os
import sys

import bitsandbytes
import torch
import transformers
from safetensors.torch import load_file

import nf4


def check(written, models, folder):
    name = folder.rsplit("-", 1)[0]
    path = f"{written}/{folder}"
    stored = load_file(f"{path}/model.safetensors")
    model = transformers.AutoModelForCausalLM.from_pretrained(path)
    for parameter in model.parameters():
        if parameter.dtype == torch.bfloat16:
            parameter.data = parameter.data.float()
    worst, matrices = 0.0, 0
    for module_name, module in model.named_modules():
        if not isinstance(module, bitsandbytes.nn.Linear4bit):
            continue
        state = module.weight.quant_state
        state.dtype = torch.float32
        theirs = bitsandbytes.functional.dequantize_4bit(module.weight.data, state)
        ours = nf4.stored(stored, f"{module_name}.weight", state.shape)
        matrices += 1
        if state.shape[-1] % 64 == 0:  # bitsandbytes on CPU is wrong for others
            worst = max(worst, (theirs.float() - ours).abs().max().item())
    with open(f"{models}/{name}/expected-base.json") as file:
        prompt = json.load(file)["prompts"][1]
    expected = load_file(f"{models}/{name}/expected-base.safetensors")["1"]
    # In eval mode bitsandbytes repacks weights for the CPU with scales rounded to bf16; in training
    # mode it multiplies with what is stored.
    model.train()
    found = torch.log_softmax(model(torch.tensor([prompt])).logits[0].float(), -1)
    difference = (found - expected).abs().max().item()
    limit = 1e-3 if folder.endswith("plain") else 0.2
    print(f"{folder}: {matrices} matrices, max difference of weights {worst:.1e}, "
          f"of log probabilities {difference:.1e}")
    return worst < 1e-7 and difference < limit


if __name__ == "__main__":
    folders = sorted(os.listdir(sys.argv[1]))
    sys.exit(0 if folders and all([check(*sys.argv[1:], f) for f in folders]) else 1)
