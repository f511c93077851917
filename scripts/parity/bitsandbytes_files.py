#!/usr/bin/env python3
"""Holds NF4 files against bitsandbytes: `bitsandbytes_files.py FACET FOLDER`.

What `facet quantize` writes has the very bytes that bitsandbytes makes of the same weights, and
transformers loads it; what bitsandbytes wrote, facet answers from as the formula says, bit for bit
as from its own files.
"""

import glob
import json
import os
import shutil
import subprocess
import sys

import bitsandbytes
import torch
import transformers
from safetensors.torch import load_file

import nf4
import tiny
from checkpoints import BASE, Case, cases, make
from serve import expectation, reference, stored_weights
from server import Server

NAMES = ["llama.v4", "llama.tied-head-dim", "mistral.window-v4", "qwen2.v4", "qwen3.tied",
         "phi3.v4", "gemma2.v4", "gemma3.scaled", "smollm3.v4", "granite.v4"]
#: Rows of whole blocks, which bitsandbytes' CPU kernels get right.
EVEN = Case("llama.even", transformers.LlamaConfig(**{**BASE, "intermediate_size": 128}))


def tensors(folder):
    found = {}
    for path in glob.glob(f"{folder}/*.safetensors"):
        found.update(load_file(path))
    return found


def quantize(source, folder, nested):
    """bitsandbytes' own checkpoint of the same weights."""
    config = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=nested)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        source, quantization_config=config, device_map="cpu")
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(f"{source}/{name}", folder)


def compare(ours, theirs, nested):
    """Matrices, those whose codes and scales differ, and the greatest difference of a scale."""
    matrices = [n for n in ours if n.endswith(".quant_map")]
    assert sorted(matrices) == sorted(n for n in theirs if n.endswith(".quant_map"))
    different, worst = 0, 0.0
    for name in (n.removesuffix(".quant_map") for n in matrices):
        same = torch.equal(ours[name], theirs[name])
        if nested:
            scales = [decoded(t, name) for t in (ours, theirs)]
            worst = max(worst, ((scales[0] - scales[1]).abs() / scales[1].abs()).max().item())
        else:
            same = same and torch.equal(ours[f"{name}.absmax"], theirs[f"{name}.absmax"])
        different += not same
    return len(matrices), different, worst


def decoded(tensors, name):
    state = json.loads(bytes(tensors[f"{name}.quant_state.bitsandbytes__nf4"].tolist()))
    codes = tensors[f"{name}.absmax"].long()
    scales = tensors[f"{name}.nested_absmax"].repeat_interleave(state["nested_blocksize"])
    return tensors[f"{name}.nested_quant_map"][codes] * scales[:len(codes)] + state["nested_offset"]


def loaded(folder, prompt):
    """transformers on a file of ours: the greatest difference of a weight from the formula, and its
    log probabilities; None where bitsandbytes' CPU kernels are wrong."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, device_map="cpu")
    for parameter in model.parameters():
        if parameter.is_floating_point():
            parameter.data = parameter.data.float()
    found, worst, is_sound = tensors(folder), 0.0, True
    for name, module in model.named_modules():
        if not isinstance(module, bitsandbytes.nn.Linear4bit):
            continue
        state = module.weight.quant_state
        state.dtype = torch.float32
        expected = nf4.stored(found, f"{name}.weight", state.shape)
        if state.shape[-1] % 64:
            is_sound = False
            continue
        values = bitsandbytes.functional.dequantize_4bit(module.weight.data, state).float()
        worst = max(worst, (values - expected).abs().max().item())
    model.train()  # in eval mode the CPU rounds scales to bf16
    return worst, expectation(model, prompt) if is_sound else None


def difference(a, b):
    return max(abs(x - y) for x, y in zip(a, b))


def check(facet, folder, case, seed):
    path = f"{folder}/{case.name}"
    make(case, path, seed)
    prompt = tiny.prompts(case.config.vocab_size, [60], seed)[0]
    result = True
    for nested in (False, True):
        ours, theirs = f"{path}.ours-{nested}", f"{path}.theirs-{nested}"
        subprocess.run([facet, "quantize", path, ours] + ["--double-quant"] * nested,
                       check=True, capture_output=True)
        quantize(path, theirs, nested)
        matrices, different, scales = compare(tensors(ours), tensors(theirs), nested)
        weights, scores = loaded(ours, prompt)
        answers = {}
        for name, location in (("ours", ours), ("theirs", theirs)):
            expected = expectation(stored_weights(reference(path), location), prompt)
            with Server(facet, location, f"{location}.data") as server:
                answers[name] = server.scores("base", prompt)
            answers[f"{name} off"] = difference(answers[name], expected)
        there = "–" if scores is None else f"{difference(scores, answers['ours']):.1e}"
        same = answers["ours"] == answers["theirs"]
        kind = "nested" if nested else "plain"
        print(f"| {case.name} | {kind} | {matrices - different} of {matrices} | {scales:.1e} | "
              f"{weights:.1e} | {there} | {answers['ours off']:.1e} | {answers['theirs off']:.1e} | "
              f"{'yes' if same else 'no'} |", flush=True)
        result &= different == 0 and (nested or same) and weights < 1e-6
        result &= max(answers["ours off"], answers["theirs off"]) < 1e-3
        result &= scores is None or difference(scores, answers["ours"]) < 1e-3
    return result


def main(facet, folder):
    os.makedirs(folder, exist_ok=True)
    print("| checkpoint | scales | same codes | scales differ | weights in bitsandbytes | "
          "log-prob there | ours served | theirs served | same bits |")
    print("|---|---|---|---|---|---|---|---|---|")
    known = {case.name: (seed, case) for seed, case in enumerate([*cases(), EVEN])}
    names = [EVEN.name, *NAMES]
    return [name for name in names if not check(facet, folder, known[name][1], known[name][0])]


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    failed = main(*sys.argv[1:])
    sys.exit(f"differs: {', '.join(failed)}" if failed else 0)
