"""Writes schedules.json: the learning rates that transformers 5.23.0 gives over 100 steps, 10 of them warm-up.

    pip install torch==2.15.0 transformers==5.23.0 && python make.py
"""

import json
import os
import warnings

import torch
from transformers import get_scheduler

TOTAL, WARMUP, RATE = 100, 10, 1e-4
SPECIFIC = {
    "cosine_with_min_lr": {"min_lr_rate": 0.1},
    "cosine_warmup_with_min_lr": {"min_lr_rate": 0.1},
    "warmup_stable_decay": {"num_decay_steps": TOTAL - WARMUP - (TOTAL - WARMUP) // 3},
}
NAMES = [
    "constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial", "inverse_sqrt",
    "cosine_with_min_lr", "cosine_warmup_with_min_lr", "warmup_stable_decay",
]


def rates(name):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    scheduler = get_scheduler(
        name, optimizer, num_warmup_steps=WARMUP, num_training_steps=TOTAL,
        scheduler_specific_kwargs=SPECIFIC.get(name, {}),
    )
    result = []
    for _ in range(TOTAL):
        result.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return result


warnings.simplefilter("ignore")
folder = os.path.dirname(os.path.abspath(__file__))
with open(f"{folder}/schedules.json", "w") as file:
    json.dump({name: rates(name) for name in NAMES}, file, indent=0)
