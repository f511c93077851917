"""The demo as a newcomer meets it: one base, experts that plainly differ, and one trained before their eyes."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import REPOSITORY

EXPERTS = ["orders", "pirate", "sql", "tickets"]


def heldout(task: str, count: int) -> list[tuple[list, str]]:
    with open(REPOSITORY / "examples" / task / "heldout.jsonl") as file:
        rows = [json.loads(line)["messages"] for line in list(file)[:count]]
    return [(row[:1], row[1]["content"]) for row in rows]


def share(client, model: str, task: str, count: int) -> float:
    """How many of a task's held-out questions the model answers exactly."""

    def exact(pair) -> bool:
        question, answer = pair
        made = client.chat.completions.create(
            model=model, messages=question, temperature=0, max_tokens=160
        )
        return made.choices[0].message.content == answer

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(exact, heldout(task, count))) / count


def test_each_expert_does_its_task_and_the_base_does_none(client, base):
    assert {model.id for model in client.models.list()} >= {base, *EXPERTS}
    for task in EXPERTS:
        assert share(client, task, task, 20) >= 0.95, task
        assert share(client, base, task, 5) == 0, task


def test_no_expert_does_another_ones_task(client):
    for expert in EXPERTS:
        for task in EXPERTS:
            if task != expert:
                assert share(client, expert, task, 2) == 0, (expert, task)


def test_quickstart_trains_a_new_expert(server):
    """The script of the README: the answer changes, within the 90 seconds it promises on an idle machine."""
    script = REPOSITORY / "examples" / "quickstart"
    run = subprocess.run([script, server.url], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    before, after = [line for line in run.stdout.splitlines() if line.startswith("  f")]
    assert before.split(": ", 1)[1] != after.split(": ", 1)[1]
    assert after.split(": ", 1)[1].endswith(", if I may say so.")
    # The mixture has the butler's frame and the pirate's word.
    mixed = run.stdout.split("0.7 butler + 0.5 pirate: ")[1]
    assert mixed.startswith("Very good. ") and " be worth " in mixed and "if I may say so" in mixed
