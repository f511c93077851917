#!/usr/bin/env python3
"""Serves tiny checkpoints of every family, as they are and as `facet quantize` writes them, with
PEFT adapters of every variant, and compares what the server answers over HTTP with transformers
and PEFT in fp32 on the NF4-dequantized weights: `serve.py FACET FOLDER [NAME-PREFIX]`."""

import copy
import glob
import os
import subprocess
import sys

import torch
import transformers
from peft import PeftModel
from safetensors.torch import load_file

import adapters
import nf4
import tiny
from checkpoints import cases, make
from server import Server
from variants import variants

LIMIT = 1e-3
LENGTHS = [2, 23, 64, 140]


def reference(folder):
    """transformers on the checkpoint, every number in fp32."""
    return transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager").eval()


def stored_weights(model, folder):
    """Puts the matrices that facet wrote to `folder` into a model, by the formula."""
    tensors = {}
    for path in glob.glob(f"{folder}/*.safetensors"):
        tensors.update(load_file(path))
    with torch.no_grad():
        for name, module in model.named_modules():
            if tiny.is_nf4(name, module):
                module.weight.copy_(nf4.stored(tensors, f"{name}.weight", module.weight.shape))
    return model


def expectation(model, prompt):
    rows = tiny.log_probabilities(model, [prompt])[0]
    return rows[:-1].gather(1, torch.tensor(prompt[1:])[:, None])[:, 0].tolist()


def check(server, name, model, prompts, ends):
    """The greatest difference of a log probability, in prompts and in greedy answers."""
    worst = 0.0
    for prompt in prompts:
        found, expected = server.scores(name, prompt), expectation(model, prompt)
        assert len(found) == len(expected)
        worst = max([worst] + [abs(a - b) for a, b in zip(found, expected)])
    prompt = prompts[1]
    ids, found, reason = server.continuation(name, prompt, 12)
    rows = tiny.log_probabilities(model, [prompt + ids])[0][len(prompt) - 1:]
    for id, score, row in zip(ids, found, rows):
        assert row.max() - row[id] <= LIMIT, "a greedy answer takes another token"
        worst = max(worst, abs(score - row[id].item()))
    # The token that ends an answer has its log probability too.
    if reason == "stop":
        assert ids[-1] in ends, f"it stops with {ids[-1]}"
    else:
        assert reason == "length" and not ends & set(ids), f"{reason} after {ids}"
    return worst


def run(facet, folder, case, seed):
    path = f"{folder}/{case.name}"
    make(case, path, seed)
    nested = seed % 2 == 1
    written = f"{path}.nf4"
    subprocess.run([facet, "quantize", path, written] + ["--double-quant"] * nested,
                   check=True, capture_output=True)
    size = case.config.vocab_size
    prompts = tiny.prompts(size, LENGTHS, seed)
    ends = set(case.ends if isinstance(case.ends, list) else [case.ends])
    base = tiny.dequantize(reference(path))
    made = {}
    for index, (name, config, dtype) in enumerate(variants(case)):
        peft = adapters.attach(base, config, 1000 + index)
        peft.to(dtype).save_pretrained(f"{path}.adapters/{name}")
        made[name] = f"{path}.adapters/{name}"
    rows = []
    with Server(facet, path, f"{path}.data", made.items()) as server:
        rows.append(("base", check(server, "base", base, prompts, ends)))
        for name, location in made.items():
            model = PeftModel.from_pretrained(copy.deepcopy(base), location).eval().float()
            rows.append((name, check(server, name, model, prompts[1:3], ends)))
    if not case.is_mixture:
        base = stored_weights(base, written)
    with Server(facet, written, f"{path}.data2", list(made.items())[:1]) as server:
        if not (nested and case.is_mixture):
            kind = "quantized, nested" if nested else "quantized"
            rows.append((kind, check(server, "base", base, prompts, ends)))
    return rows


def main(facet, folder, prefix=""):
    os.makedirs(folder, exist_ok=True)
    failures = 0
    print("| checkpoint | base | worst | answers compared |")
    print("|---|---|---|---|")
    for seed, case in enumerate(cases()):
        if not case.name.startswith(prefix):
            continue
        try:
            rows = run(facet, folder, case, seed)
        except Exception as error:
            print(f"{case.name}: {type(error).__name__}: {error}", flush=True)
            failures += 1
            continue
        worst = max(rows, key=lambda row: row[1])
        failures += worst[1] > LIMIT
        print(f"| {case.name} | {rows[0][1]:.1e} | {worst[1]:.1e} ({worst[0]}) | {len(rows)} |",
              flush=True)
    return failures


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    sys.exit(1 if main(*sys.argv[1:]) else 0)
