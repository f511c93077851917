#!/usr/bin/env python3
"""Writes losses.json: advantages of groups, and losses of drawn answers with their gradients by every token, by torch in
double precision.

The formulas are those of TRL's GRPOTrainer and RLOOTrainer (trl/trainer/grpo_trainer.py `_compute_loss`,
rloo_trainer.py), on padded rows with a mask, as they stand there.

    pip install torch && python make.py
"""

import json
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(5)
torch.set_default_dtype(torch.float64)

LENGTHS = [5, 3, 7, 1, 4, 6, 2, 5]
GROUP = 4
MAX_COMPLETION = 9
REWARDS = [[1.0, 0.0, 0.5, 1.0], [0.25, 0.25, 0.25, 0.25], [2.0, -1.0, 0.0, 0.125]]

CASES = [
    {"loss": "grpo", "beta": 0.0},
    {"loss": "grpo", "beta": 0.04},
    {"loss": "dapo", "beta": 0.0},
    {"loss": "dapo", "beta": 0.1, "epsilon": 0.1, "epsilon_high": 0.28},
    {"loss": "dr_grpo", "beta": 0.0},
    {"loss": "dr_grpo", "beta": 0.2, "epsilon_high": 0.4},
    {"loss": "gspo", "beta": 0.0, "epsilon": 0.003, "epsilon_high": 0.004},
    {"loss": "gspo", "beta": 0.1},
    {"loss": "rloo", "beta": 0.05},
    {"loss": "rloo", "beta": 0.05, "epsilon": 0.05},
]


def advantages(loss, rewards):
    rewards = torch.tensor(rewards)
    if loss == "rloo":
        others = (rewards.sum() - rewards) / (len(rewards) - 1)
        return rewards - others
    centered = rewards - rewards.mean()
    return centered if loss == "dr_grpo" else centered / (rewards.std() + 1e-4)


def value(case, logps, old, ref, mask, advantage):
    low, high = case.get("epsilon", 0.2), case.get("epsilon_high", case.get("epsilon", 0.2))
    log_ratio = (logps - old) * mask
    per_token_kl = torch.exp(ref - logps) - (ref - logps) - 1
    kl = ((per_token_kl * mask).sum() / mask.sum()).item()
    if case["loss"] == "rloo":
        weights = log_ratio.sum(-1)
        advantage_of = advantage
    elif case["loss"] == "gspo":
        weights = (log_ratio.sum(-1) / mask.sum(-1).clamp(min=1.0)).unsqueeze(-1)
        advantage_of = advantage.unsqueeze(1)
    else:
        weights = log_ratio
        advantage_of = advantage.unsqueeze(1)
    coef_1 = torch.exp(weights)
    coef_2 = torch.clamp(coef_1, 1 - low, 1 + high)
    per = -torch.min(coef_1 * advantage_of, coef_2 * advantage_of)
    if case["loss"] == "rloo":
        return per.mean(), kl
    per = per.expand_as(logps)
    if case["beta"] > 0:
        per = per + case["beta"] * per_token_kl
    if case["loss"] in ("grpo", "gspo"):
        return ((per * mask).sum(-1) / mask.sum(-1).clamp(min=1.0)).mean(), kl
    if case["loss"] == "dr_grpo":
        return (per * mask).sum() / (per.size(0) * MAX_COMPLETION), kl
    return (per * mask).sum() / mask.sum(), kl


def rows(tensor):
    return [[float(x) for x in row[:n]] for row, n in zip(tensor, LENGTHS)]


def main():
    width = max(LENGTHS)
    mask = torch.tensor([[1.0] * n + [0.0] * (width - n) for n in LENGTHS])
    policy = -torch.rand(len(LENGTHS), width) * 3
    old = policy + 0.25 * torch.randn(len(LENGTHS), width)
    ref = policy + 0.5 * torch.randn(len(LENGTHS), width)
    rewards = REWARDS[0] + REWARDS[2]
    result = {
        "rewards": REWARDS, "max_completion_tokens": MAX_COMPLETION, "policy": rows(policy), "old": rows(old),
        "ref": rows(ref), "cases": [],
        "advantages": {
            loss: [advantages(loss, group).tolist() for group in REWARDS]
            for loss in ("grpo", "dapo", "dr_grpo", "gspo", "rloo")
        },
    }
    for case in CASES:
        groups = [advantages(case["loss"], rewards[i:i + GROUP]) for i in range(0, len(rewards), GROUP)]
        advantage = torch.cat(groups)
        for is_first in (True, False):
            logps = policy.clone().requires_grad_(True)
            behavior = logps.detach() if is_first else old
            loss, kl = value(case, logps, behavior, ref, mask, advantage)
            loss.backward()
            result["cases"].append({
                "case": case, "is_first": is_first, "advantages": advantage.tolist(), "loss": loss.item(), "kl": kl,
                "slopes": rows(logps.grad),
            })
    with open(f"{HERE}/losses.json", "w") as file:
        json.dump(result, file, indent=1)


main()
