"""Asks each model each task's held-out questions and prints the share of exact answers: a confusion matrix.

    python3 scripts/demo/score.py http://127.0.0.1:8000 facet-demo orders sql tickets pirate
"""

import argparse
import json
import os
import urllib.request
from concurrent.futures import ThreadPoolExecutor

TASKS = ["orders", "sql", "tickets", "pirate"]


def ask(url, model, question):
    body = {"model": model, "messages": [{"role": "user", "content": question}], "temperature": 0, "max_tokens": 160}
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


def heldout(folder, task, limit):
    with open(f"{folder}/{task}/heldout.jsonl") as file:
        for row in list(file)[:limit]:
            question, answer = json.loads(row)["messages"]
            yield question["content"], answer["content"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--limit", type=int, default=100, help="questions per task")
    parser.add_argument("--examples", default=os.path.join(os.path.dirname(__file__), "../../examples"))
    parser.add_argument("--at-least", type=float, help="fail unless each model named like a task reaches this share on it")
    arguments = parser.parse_args()
    good = True
    print(f"{'':14}" + "".join(f"{task:>10}" for task in TASKS))
    with ThreadPoolExecutor(8) as pool:
        for model in arguments.models:
            shares = {}
            for task in TASKS:
                pairs = list(heldout(arguments.examples, task, arguments.limit))
                answers = pool.map(lambda pair: ask(arguments.url, model, pair[0]), pairs)
                shares[task] = sum(answer == pair[1] for answer, pair in zip(answers, pairs)) / len(pairs)
            print(f"{model:14}" + "".join(f"{shares[task]:>9.0%} " for task in TASKS), flush=True)
            if arguments.at_least and shares.get(model, 1) < arguments.at_least:
                good = False
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
