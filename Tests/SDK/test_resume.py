"""A job whose server is killed again and again ends with the bits of one that was left alone.

`FACET_RESUME_KILLS` says how often (default 4; `scripts/check-resume` does it at length), and
`FACET_RESUME_SEED` at which steps.
"""

import json
import os
import random
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import openai

from conftest import REPOSITORY, Server

KILLS = int(os.environ.get("FACET_RESUME_KILLS", "4"))
SEED = int(os.environ.get("FACET_RESUME_SEED", "1"))
EXAMPLES = 48
BATCH = 4
EPOCHS = max(2, KILLS // 2)
STEPS = EPOCHS * EXAMPLES // BATCH
# Everything that draws random numbers, and that is kept from step to step.
HYPERPARAMETERS = {
    "n_epochs": EPOCHS,
    "batch_size": BATCH,
    "learning_rate": 2e-3,
    "lora_rank": 16,
    "lora_dropout": 0.1,
    "neftune_noise_alpha": 5,
    "weight_decay": 0.01,
    "save_steps": 3,
    "save_total_limit": 4,
}
# What a log line says of the clock.
TIMES = ("elapsed_time", "remaining_time")
PARTIAL = ".partial-"


def lines(name, count):
    text = (REPOSITORY / "examples" / "tickets" / name).read_bytes()
    return b"".join(text.splitlines(keepends=True)[:count])


def create(client):
    """A job over the example tickets, with a validation file."""
    [base] = [m.id for m in client.models.list() if not getattr(m, "parent", None)]
    files = [
        client.files.create(file=(name, lines(name, count)), purpose="fine-tune").id
        for name, count in [("train.jsonl", EXAMPLES), ("heldout.jsonl", 8)]
    ]
    return client.fine_tuning.jobs.create(
        model=base,
        training_file=files[0],
        validation_file=files[1],
        suffix="resume",
        seed=7,
        method={"type": "supervised", "supervised": {"hyperparameters": HYPERPARAMETERS}},
    )


def wait(server, job):
    client = server.client()
    for _ in range(6000):
        job = client.fine_tuning.jobs.retrieve(job.id)
        if job.status not in ("validating_files", "queued", "running"):
            return job
        time.sleep(0.05)
    raise AssertionError(f"the job is {job.status}")


def folder_of(server, job):
    return Path(server.folder) / "data" / "jobs" / job.id.removeprefix("ftjob-")


@contextmanager
def chats(server, base, wanted):
    """Asks the base again and again, from two threads, if `wanted`."""
    over = threading.Event()

    def ask():
        client = server.client()
        while wanted and not over.is_set():
            try:
                client.chat.completions.create(
                    model=base,
                    messages=[{"role": "user", "content": "Tell me about the sea."}],
                    max_tokens=24,
                )
            except openai.APIError:
                return
            over.wait(0.1)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    yield
    over.set()
    for thread in threads:
        thread.join()


def kill(server, job, step, in_save, delay):
    """Kills the server after `step`, a moment later, or while it saves; whether a save was hit."""
    folder = folder_of(server, job)
    log = folder / "trainer_log.jsonl"
    deadline = time.monotonic() + 120
    while not log.exists() or log.read_bytes().count(b"\n") < step:
        assert time.monotonic() < deadline, "the job does not come on"
        time.sleep(0.001)
    if in_save:
        while not partials(folder):
            assert time.monotonic() < deadline, "the job does not save"
    else:
        time.sleep(delay)
    server.kill()
    return bool(partials(folder))


def partials(folder):
    try:
        return [name for name in os.listdir(folder / "checkpoints") if PARTIAL in name]
    except FileNotFoundError:
        return []


def outcome(server, job):
    """All that a finished job leaves behind, less the times and its id."""
    client = server.client()
    assert job.status == "succeeded", job.error
    folder = folder_of(server, job)
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("trainer_log.jsonl", "all_results.json")
    }
    for line in (folder / "trainer_log.jsonl").read_text().splitlines():
        entry = {k: v for k, v in json.loads(line).items() if k not in TIMES}
        files[f"log {entry['current_steps']}"] = json.dumps(entry)
    name = job.fine_tuned_model
    adapters = client.get("/adapters", cast_to=object)["data"]
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=1000))
    checkpoints = client.fine_tuning.jobs.checkpoints.list(job.id, limit=1000)
    return files | {
        "metrics": [e.data for e in reversed(events) if e.type == "metrics"],
        "checkpoints": [(c.step_number, c.metrics.model_dump()) for c in checkpoints],
        "table": client.files.content(job.result_files[0]).content,
        "tokens": job.trained_tokens,
        "models": {
            a["name"].removeprefix(name): a["generation"]
            for a in adapters
            if a["name"].startswith(name)
        },
    }


def undisturbed():
    server = Server("--threads", "2")
    try:
        return outcome(server, wait(server, create(server.client())))
    finally:
        server.stop()


def test_kills_change_nothing():
    expected = undisturbed()
    draw = random.Random(SEED)
    folder = tempfile.mkdtemp(prefix="facet-resume-")
    job = None
    saves = 0
    for number in range(KILLS):
        server = Server("--threads", str(1 + number % 3), folder=folder)
        job = job or create(server.client())
        first, last = number * STEPS // KILLS, (number + 1) * STEPS // KILLS
        with chats(server, job.model, wanted=number % 4 > 1):
            saves += kill(
                server,
                job,
                step=draw.randrange(first, max(first + 1, last - 3)),
                in_save=number % 2 == 1,
                delay=draw.random() * 0.1,
            )
    server = Server("--threads", "2", folder=folder)
    try:
        found = outcome(server, wait(server, job))
    finally:
        server.stop()
    print(f"{KILLS} kills, {saves} of them while a checkpoint was written, {STEPS} steps")
    assert saves > 0
    assert sorted(found) == sorted(expected)
    for name in expected:
        assert found[name] == expected[name], name
