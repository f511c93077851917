#!/usr/bin/env python3
"""Writes rewards.json, value_head.safetensors and classifier/: reward models by PEFT and torch on the
NF4-dequantized tiny model of ../models, starting from the adapter of ../training.

value_head.safetensors is a score head as LLaMA-Factory stores TRL's; rewards.json has five optimizer steps of
-log sigma(r+ - r-) with torch's AdamW from there, and what the head says of pairs before and after them.
classifier/ is what PEFT saves of a sequence classifier with one label, as TRL's RewardTrainer trains.

    pip install -r ../models/requirements.txt && python make.py
"""

import json
import os
import shutil
import sys

import torch
import torch.nn.functional as F
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../models")
sys.path.insert(0, f"{HERE}/../training")

import adapters  # noqa: E402
import tiny  # noqa: E402
from order import permutation  # noqa: E402

NAME, BATCH, RATE = "llama-gqa", 4, 1e-2


def pairs(vocabulary):
    generator = torch.Generator().manual_seed(19)
    draw = lambda n: torch.randint(3, vocabulary, (n,), generator=generator).tolist()
    result = []
    for _ in range(20):
        prompt, better, worse = torch.randint(3, 12, (3,), generator=generator).tolist()
        result.append({"prompt": draw(prompt), "chosen": draw(better), "rejected": draw(worse)})
    return result


def steps():
    model = transformers.AutoModelForCausalLM.from_pretrained(f"{HERE}/../models/{NAME}", dtype=torch.float32)
    model.config._attn_implementation = "eager"
    tiny.dequantize(model)
    peft = PeftModel.from_pretrained(model, f"{HERE}/../training/{NAME}", is_trainable=True)
    torch.manual_seed(23)
    head = torch.nn.Linear(model.config.hidden_size, 1)
    names = {"v_head.summary.weight": head.weight, "v_head.summary.bias": head.bias}
    save_file({name: p.detach().contiguous() for name, p in names.items()}, f"{HERE}/value_head.safetensors")
    data = pairs(model.config.vocab_size)

    def score(ids):
        states = peft(torch.tensor([ids]), output_hidden_states=True).hidden_states[-1]
        return head(states[0, -1])[0]

    def scores(some):
        return [torch.stack([score(e["prompt"] + e[name]) for e in some]) for name in ("chosen", "rejected")]

    parameters = [p for p in peft.parameters() if p.requires_grad] + list(head.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.0)
    with torch.no_grad():
        before = [side.tolist() for side in scores(data)]
    found, order = [], permutation(len(data), 0, seed=42)
    for first in range(0, len(order), BATCH):
        chosen, rejected = scores([data[i] for i in order[first:first + BATCH]])
        margins = chosen - rejected
        loss = -F.logsigmoid(margins).mean()
        optimizer.zero_grad()
        loss.backward()
        # The same score for all moves no difference: what is left of its gradient is rounding.
        head.bias.grad.zero_()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        found.append({
            "loss": loss.item(), "accuracy": (margins > 0).float().mean().item(), "margin": margins.mean().item(),
            "chosen": chosen.mean().item(), "rejected": rejected.mean().item(), "norm": norm.item()})
    with torch.no_grad():
        after = [side.tolist() for side in scores(data)]
    print([round(step["loss"], 4) for step in found])
    return {"pairs": data, "before": before, "steps": found, "after": after}


def classifier(data):
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        f"{HERE}/../models/{NAME}", dtype=torch.float32, num_labels=1)
    model.config._attn_implementation = "eager"
    torch.manual_seed(29)
    score = torch.nn.init.uniform_(torch.empty_like(model.score.weight), -0.125, 0.125)
    tiny.dequantize(model)
    with torch.no_grad():
        model.score.weight.copy_(score)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], lora_dropout=0.0,
                        task_type="SEQ_CLS")
    peft = adapters.attach(model, config, seed=31)
    peft.peft_config["default"].base_model_name_or_path = NAME
    shutil.rmtree(f"{HERE}/classifier", ignore_errors=True)
    adapters.save(peft, f"{HERE}/classifier")
    with torch.no_grad():
        return [peft(torch.tensor([e["prompt"] + e["chosen"]])).logits[0, 0].item() for e in data]


result = {"model": NAME, "batch_size": BATCH, "learning_rate": RATE, **steps()}
result["classifier"] = classifier(result["pairs"])
with open(f"{HERE}/rewards.json", "w") as file:
    json.dump(result, file)
