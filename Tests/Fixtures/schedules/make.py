"""Writes schedules.json: the learning rates that transformers 5.24.0 gives over 100 steps, 10 of them warm-up.

    pip install torch==2.15.0 transformers==5.24.0 && python make.py
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


# Arguments, over 20 steps with 4 of warm-up.
WITH_ARGUMENTS = [
    ("cosine", {"num_cycles": 1.5}),
    ("cosine_with_restarts", {"num_cycles": 3}),
    ("polynomial", {"lr_end": 1e-5, "power": 2.0}),
    ("inverse_sqrt", {"timescale": 50}),
    ("cosine_with_min_lr", {"min_lr": 2e-5}),
    ("cosine_with_min_lr", {"min_lr_rate": 0.3, "num_cycles": 1.0}),
    ("cosine_warmup_with_min_lr", {"min_lr_rate": 0.2, "warmup_lr_rate": 0.5}),
    ("warmup_stable_decay", {"num_stable_steps": 3, "num_decay_steps": 8, "min_lr_ratio": 0.25}),
]


def rates(name, total=TOTAL, warmup=WARMUP, arguments=None):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    scheduler = get_scheduler(
        name, optimizer, num_warmup_steps=warmup, num_training_steps=total,
        scheduler_specific_kwargs=arguments or SPECIFIC.get(name, {}),
    )
    result = []
    for _ in range(total):
        result.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return result


warnings.simplefilter("ignore")
folder = os.path.dirname(os.path.abspath(__file__))
with open(f"{folder}/schedules.json", "w") as file:
    more = [
        {"name": name, "arguments": arguments, "rates": rates(name, 20, 4, dict(arguments))}
        for name, arguments in WITH_ARGUMENTS
    ]
    json.dump({**{name: rates(name) for name in NAMES}, "with_arguments": more}, file, indent=0)
