"""Trains an expert before your eyes, with OpenAI's SDK: pip install openai. A server must be running: ./scripts/run

python3 examples/quickstart.py [URL] [TASK]
"""

import json
import sys
import time
from pathlib import Path

from openai import APIConnectionError, OpenAI

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
task = sys.argv[2] if len(sys.argv) > 2 else "butler"
folder = Path(__file__).parent / task
client = OpenAI(base_url=url + "/v1", api_key="none")

with open(folder / "heldout.jsonl") as lines:
    question = json.loads(next(lines))["messages"][:1]


def ask(model, messages=question, **more):
    answer = client.chat.completions.create(model=model, messages=messages, temperature=0, max_tokens=120, extra_body=more)
    return answer.choices[0].message.content


try:
    base = next(model.id for model in client.models.list() if not getattr(model, "parent", None))
except APIConnectionError:
    sys.exit(f"there is no server at {url}: start one with ./scripts/run")
print(question[0]["content"])
print(f"  {base}: {ask(base)}\n")

with open(folder / "train.jsonl", "rb") as data:
    file = client.files.create(file=data, purpose="fine-tune")
job = client.fine_tuning.jobs.create(
    model=base, training_file=file.id, suffix=task, seed=1,
    extra_body={"hyperparameters": {"n_epochs": 4, "batch_size": 8, "learning_rate": 3e-3, "lora_rank": 8}},
)
while job.status not in ("succeeded", "failed", "cancelled"):
    time.sleep(1)
    job = client.fine_tuning.jobs.retrieve(job.id)
    for event in client.fine_tuning.jobs.list_events(job.id, limit=5).data:
        if event.type == "metrics":
            print(f"\r  {job.status}  step {event.data['step']}/{event.data['total_steps']}  loss {event.data['train_loss']:.3f}  ", end="")
            break
print()
if job.status != "succeeded":
    sys.exit(job.error.message)

print(f"\n{question[0]['content']}")
print(f"  {job.fine_tuned_model}: {ask(job.fine_tuned_model)}")
if any(model.id == "pirate" for model in client.models.list()):
    said = [{"role": "user", "content": "The Norvik kettle costs 168 crowns."}]
    mix = [{"name": job.fine_tuned_model, "scale": 0.7}, {"name": "pirate", "scale": 0.5}]
    print(f"\n{said[0]['content']}")
    print(f"  {task}: {ask(job.fine_tuned_model, said)}")
    print(f"  pirate: {ask('pirate', said)}")
    print(f"  0.7 {task} + 0.5 pirate: {ask(base, said, lora=mix)}")
