#!/usr/bin/env python3
"""Writes NAME.json and NAME/: 50 optimizer steps of PEFT + torch AdamW on NF4-dequantized weights.

The models are those of ../models; the order of examples is facet's own (`CounterRandom`), rebuilt here.

    pip install -r ../models/requirements.txt && python make.py
"""

import json
import os
import shutil
import sys

import torch
import transformers
from peft import LoraConfig, get_peft_model

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../models")

import adapters  # noqa: E402
import tiny  # noqa: E402
from order import permutation  # noqa: E402

EPOCHS, BATCH, SEED = 10, 4, 42


def examples(vocabulary):
    generator = torch.Generator().manual_seed(5)
    result = []
    for length in torch.randint(5, 31, (20,), generator=generator).tolist():
        tokens = torch.randint(3, vocabulary, (length,), generator=generator).tolist()
        result.append({"tokens": tokens, "prompt": max(1, length // 3)})
    return result


def train(name):
    model = transformers.AutoModelForCausalLM.from_pretrained(f"{HERE}/../models/{name}", dtype=torch.float32)
    model.config._attn_implementation = "eager"
    tiny.dequantize(model)
    torch.manual_seed(3)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=adapters.LINEAR, lora_dropout=0.0, task_type="CAUSAL_LM")
    peft = get_peft_model(model, config)
    # PEFT takes the folder the model was read from, which is nobody else's.
    peft.peft_config["default"].base_model_name_or_path = name
    shutil.rmtree(f"{HERE}/{name}", ignore_errors=True)
    adapters.save(peft, f"{HERE}/{name}")
    data = examples(model.config.vocab_size)
    parameters = [p for p in peft.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-2, weight_decay=0.01, betas=(0.9, 0.999), eps=1e-8)
    steps = EPOCHS * len(data) // BATCH
    schedule = transformers.get_scheduler("cosine", optimizer, num_warmup_steps=5, num_training_steps=steps)
    losses, accuracies, norms = [], [], []
    for epoch in range(EPOCHS):
        order = permutation(len(data), epoch, SEED)
        for first in range(0, len(order), BATCH):
            chosen = [data[i] for i in order[first:first + BATCH]]
            count = sum(len(e["tokens"]) - e["prompt"] for e in chosen)
            total, correct = 0.0, 0
            optimizer.zero_grad()
            for example in chosen:
                ids = torch.tensor([example["tokens"]])
                logits = peft(ids).logits[0].float()[example["prompt"] - 1:-1]
                wanted = ids[0, example["prompt"]:]
                loss = torch.nn.functional.cross_entropy(logits, wanted, reduction="sum") / count
                loss.backward()
                total += loss.item()
                correct += (logits.argmax(-1) == wanted).sum().item()
            norms.append(torch.nn.utils.clip_grad_norm_(parameters, 1.0).item())
            optimizer.step()
            schedule.step()
            losses.append(total)
            accuracies.append(correct / count)
    print(f"{name}: loss {losses[0]:.4f} -> {losses[-1]:.4f}")
    with open(f"{HERE}/{name}.json", "w") as file:
        json.dump({"examples": data, "epochs": EPOCHS, "batch_size": BATCH, "seed": SEED, "losses": losses,
                   "accuracies": accuracies, "gradient_norms": norms}, file)


for name in ["llama-gqa", "qwen2"]:
    train(name)
