"""Writes the experts' data sets: examples/TASK/train.jsonl and examples/TASK/heldout.jsonl, in OpenAI's chat format.

No question of a held-out file occurs in its training file.
"""

import argparse
import json
import os
import random

import tasks


def line(question, answer):
    return json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]})


def write(path, pairs):
    with open(path, "w") as file:
        file.writelines(line(*pair) + "\n" for pair in pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="the examples folder")
    parser.add_argument("--seed", type=int, default=11)
    arguments = parser.parse_args()
    for name, (make, train, heldout) in tasks.TASKS.items():
        rng = random.Random(f"{arguments.seed} {name}")
        pairs = {}
        while len(pairs) < train + heldout:
            question, answer = make(rng)
            pairs.setdefault(question, answer)
        pairs = list(pairs.items())
        folder = f"{arguments.folder}/{name}"
        os.makedirs(folder, exist_ok=True)
        write(f"{folder}/train.jsonl", pairs[: train])
        write(f"{folder}/heldout.jsonl", pairs[train:])
        print(f"{folder}: {train} to train, {heldout} held out")


if __name__ == "__main__":
    main()
