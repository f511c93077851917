#!/usr/bin/env python3
"""Writes losses.json: losses of pairs and marked answers with their gradients, by torch in double precision;
and steps.json: five optimizer steps of PEFT + torch AdamW on the pairs and marks of a tiny model.

The formulas are those of TRL's DPOTrainer and KTOTrainer and of LLaMA-Factory's (train/dpo/trainer.py,
train/kto/trainer.py). Models, starting adapter and the order of examples are those of ../training.

    pip install -r ../models/requirements.txt && python make.py
"""

import json
import os
import sys

import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../models")

PAIR_CASES = [
    {},
    {"label_smoothing": 0.2},
    {"loss": "robust", "label_smoothing": 0.2},
    {"loss": "hinge", "beta": 0.7},
    {"loss": "ipo"},
    {"loss": "orpo"},
    {"loss": "simpo", "beta": 2.0, "simpo_gamma": 0.4},
    {"loss": "kto_pair", "beta": 0.5},
    {"ftx": 0.3},
    {"ld_alpha": 0.4},
    {"loss": "ipo", "ld_alpha": 0.0},
    {"bco_weight": 0.6},
    {"loss": "hinge", "bco_weight": 0.5, "ftx": 0.1, "ld_alpha": 0.5},
    {"loss": "orpo", "ftx": 0.2},
]
MARK_CASES = [{}, {"beta": 0.5, "desirable_weight": 2.0, "undesirable_weight": 0.5}, {"ftx": 0.3}]


def sums(logps, case, head, averaged):
    """A list of tensors to log pi of each, as the loss takes it."""
    result = []
    for tokens, first in zip(logps, head):
        total = tokens.sum()
        if case.get("ld_alpha") is not None:
            total = tokens[:first].sum() + case["ld_alpha"] * tokens[first:].sum()
        result.append(total / len(tokens) if averaged else total)
    return torch.stack(result)


def pair_loss(case, chosen, rejected, ref_chosen, ref_rejected, baseline=None):
    """The mean loss of pairs; each argument a list of tensors of token log-probabilities."""
    kind, beta = case.get("loss", "sigmoid"), case.get("beta", 0.1)
    smoothing, averaged = case.get("label_smoothing", 0.0), kind in ("ipo", "orpo", "simpo")
    head = [min(len(a), len(b)) for a, b in zip(chosen, rejected)]
    pi_c, pi_r = sums(chosen, case, head, averaged), sums(rejected, case, head, averaged)
    ref_c, ref_r = sums(ref_chosen, case, head, averaged), sums(ref_rejected, case, head, averaged)
    up, down = pi_c - ref_c, pi_r - ref_r
    d = up - down
    if kind == "sigmoid":
        losses = -F.logsigmoid(beta * d) * (1 - smoothing) - F.logsigmoid(-beta * d) * smoothing
    elif kind == "robust":
        losses = (-F.logsigmoid(beta * d) * (1 - smoothing) + F.logsigmoid(-beta * d) * smoothing) / (1 - 2 * smoothing)
    elif kind == "hinge":
        losses = torch.relu(1 - beta * d)
    elif kind == "ipo":
        losses = (d - 1 / (2 * beta)) ** 2
    elif kind == "kto_pair":
        kl_c, kl_r = up.mean().clamp(min=0), down.mean().clamp(min=0)
        losses = torch.cat((1 - torch.sigmoid(beta * (up - kl_r)), 1 - torch.sigmoid(beta * (kl_c - down))))
    elif kind == "orpo":
        odds = (pi_c - pi_r) - (torch.log1p(-torch.exp(pi_c)) - torch.log1p(-torch.exp(pi_r)))
        losses = -pi_c - beta * F.logsigmoid(odds)
    elif kind == "simpo":
        losses = -F.logsigmoid(beta * (pi_c - pi_r) - case.get("simpo_gamma", 0.5))
    mean = torch.cat((beta * up, beta * down)).mean().detach()
    if case.get("bco_weight"):
        delta = mean if baseline is None else baseline(mean)
        bco = -F.logsigmoid(beta * up - delta) - F.logsigmoid(-(beta * down - delta))
        losses = (losses + bco * case["bco_weight"]) / (1 + case["bco_weight"])
    loss = losses.mean()
    if case.get("ftx"):
        loss = loss - case["ftx"] * torch.stack([tokens.mean() for tokens in chosen]).mean()
    return loss, (beta * (up - down)).mean().item()


def mark_loss(case, answers, ref_answers, others, ref_others, marks):
    beta = case.get("beta", 0.1)
    total = lambda logps: torch.stack([tokens.sum() for tokens in logps])
    kl = (total(others) - total(ref_others)).mean().detach().clamp(min=0)
    ratio, good = total(answers) - total(ref_answers), torch.tensor(marks)
    losses = torch.where(
        good,
        case.get("desirable_weight", 1.0) * (1 - torch.sigmoid(beta * (ratio - kl))),
        case.get("undesirable_weight", 1.0) * (1 - torch.sigmoid(beta * (kl - ratio))),
    )
    loss = losses.mean()
    if case.get("ftx") and any(marks):
        means = torch.stack([tokens.mean() for tokens, mark in zip(answers, marks) if mark])
        loss = loss - case["ftx"] * means.mean() / len(means) * len(marks)
    return loss, kl.item()


def random_logps(generator, lengths):
    return [-4 * torch.rand(n, generator=generator, dtype=torch.float64) ** 2 - 1e-3 for n in lengths]


def as_lists(logps):
    return [[round(value, 9) for value in tokens.tolist()] for tokens in logps]


def losses():
    generator = torch.Generator().manual_seed(11)
    long, short = [5, 4, 8, 1], [6, 3, 10, 7]
    named = {
        "chosen": random_logps(generator, long), "rejected": random_logps(generator, short),
        "ref_chosen": random_logps(generator, long), "ref_rejected": random_logps(generator, short),
    }
    named = {name: [torch.tensor(t, dtype=torch.float32).double() for t in as_lists(logps)] for name, logps in named.items()}
    marks = [True, False, True, False]
    cases = []
    for method, options in [("dpo", PAIR_CASES), ("kto", MARK_CASES)]:
        for case in options:
            policy = {name: [t.clone().requires_grad_() for t in named[name]] for name in ("chosen", "rejected")}
            if method == "dpo":
                loss, _ = pair_loss(case, policy["chosen"], policy["rejected"], named["ref_chosen"], named["ref_rejected"])
            else:
                loss, _ = mark_loss(case, policy["chosen"], named["ref_chosen"], named["rejected"], named["ref_rejected"], marks)
            loss.backward()
            zero = lambda t: torch.zeros_like(t) if t.grad is None else t.grad
            slopes = {name: [zero(t).tolist() for t in policy[name]] for name in policy}
            cases.append({"method": method, "case": case, "loss": loss.item(), "slopes": slopes})
    with open(f"{HERE}/losses.json", "w") as file:
        json.dump({"logps": {name: as_lists(t) for name, t in named.items()}, "marks": marks, "cases": cases}, file)


STEP_CASES = [
    ("dpo", {}), ("dpo", {"loss": "ipo", "ftx": 0.1}), ("dpo", {"loss": "orpo", "beta": 0.5}),
    ("dpo", {"loss": "simpo", "beta": 2.0}), ("dpo", {"loss": "kto_pair", "beta": 0.5}),
    ("dpo", {"bco_weight": 0.5, "ld_alpha": 0.5}), ("kto", {"beta": 0.5, "undesirable_weight": 0.5}),
]
NAME, BATCH, RATE = "llama-gqa", 4, 1e-2


def pairs(vocabulary):
    generator = torch.Generator().manual_seed(7)
    draw = lambda n: torch.randint(3, vocabulary, (n,), generator=generator).tolist()
    result = []
    for index in range(20):
        prompt, better, worse = torch.randint(3, 12, (3,), generator=generator).tolist()
        result.append({"prompt": draw(prompt), "chosen": draw(better), "rejected": draw(worse), "good": index % 3 != 0})
    return result


def steps():
    import transformers
    from peft import PeftModel

    import tiny
    sys.path.insert(0, f"{HERE}/../training")
    from order import permutation

    runs = []
    for method, case in STEP_CASES:
        model = transformers.AutoModelForCausalLM.from_pretrained(f"{HERE}/../models/{NAME}", dtype=torch.float32)
        model.config._attn_implementation = "eager"
        tiny.dequantize(model)
        peft = PeftModel.from_pretrained(model, f"{HERE}/../training/{NAME}", is_trainable=True)
        data = pairs(model.config.vocab_size)

        def logps(prompt, answer):
            ids = torch.tensor([prompt + answer])
            table = peft(ids).logits[0].float().log_softmax(-1)[len(prompt) - 1:-1]
            return table.gather(1, torch.tensor(answer)[:, None])[:, 0]

        parameters = [p for p in peft.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.0)
        order, found, running = permutation(len(data), 0, seed=42), [], []

        def baseline(mean):
            running.append(mean)
            return torch.stack(running).mean()

        for first in range(0, len(order), BATCH):
            chosen = [data[i] for i in order[first:first + BATCH]]
            if method == "dpo":
                sides = [[(e["prompt"], e[name]) for e in chosen] for name in ("chosen", "rejected")]
            else:
                own = [(e["prompt"], e["chosen"]) for e in chosen]
                sides = [own, [(e["prompt"], data[(i - 1) % len(data)]["chosen"]) for i, e in zip(order[first:], chosen)]]
            with torch.no_grad(), peft.disable_adapter():
                reference = [[logps(*answer) for answer in side] for side in sides]
            policy = [[logps(*answer) for answer in side] for side in sides]
            if method == "dpo":
                loss, shown = pair_loss(case, *policy, *reference, baseline=baseline)
            else:
                loss, shown = mark_loss(case, policy[0], reference[0], policy[1], reference[1], [e["good"] for e in chosen])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            found.append([loss.item(), shown])
        print(method, case, [round(loss, 4) for loss, _ in found])
        runs.append({"method": method, "case": case, "steps": found})
    with open(f"{HERE}/steps.json", "w") as file:
        json.dump({"model": NAME, "batch_size": BATCH, "learning_rate": RATE, "pairs": data, "runs": runs}, file)


losses()
steps()
