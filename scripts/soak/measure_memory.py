#!/usr/bin/env python3
"""The most memory a server takes with everything busy: never more than its --memory.

    scripts/soak/measure_memory.py [--memory 1500] [--seconds 60] [--enforce]

Two jobs train, adapters come and go, chats stream on long contexts, answers with log-probabilities
are collected, files are uploaded and large bodies arrive, all at once. Says the peak of the resident
memory (the kernel's VmHWM) beside --memory, and fails above it. `--enforce` also runs the server in a
control group of that size, so that the kernel kills it beyond (as root).
"""

import argparse
import http.client
import json
import shutil
import threading
import time
from pathlib import Path

from server import Soaked, adapters, expect, show

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def control_group(megabytes: int) -> Path:
    """A control group that has so much memory."""
    root = Path("/sys/fs/cgroup")
    group = (root / "memory" if (root / "memory").is_dir() else root) / "facet-soak"
    group.mkdir(exist_ok=True)
    limit = group / "memory.limit_in_bytes"
    (limit if limit.exists() else group / "memory.max").write_text(str(megabytes * 1_000_000))
    return group


def file_of_examples(server: Soaked, lines: int) -> str:
    """Uploads a training file."""
    text = "".join(
        json.dumps({"prompt": f"Question {n}?", "completion": " " + "word " * 300}) + "\n"
        for n in range(lines)
    )
    form = ('--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n--b\r\n'
            'Content-Disposition: form-data; name="file"; filename="words.jsonl"\r\n\r\n'
            + text + "\r\n--b--\r\n")
    connection = http.client.HTTPConnection(server.host, timeout=300)
    connection.request("POST", "/v1/files", form.encode(),
                       {"Content-Type": "multipart/form-data; boundary=b"})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    expect(answer.status == 200, str(body))
    return body["id"]


def train(server: Soaked, file: str) -> str:
    status, job = server.send("POST", "/v1/fine_tuning/jobs", {
        "model": server.base, "training_file": file, "seed": 1,
        "hyperparameters": {"n_epochs": 50, "batch_size": 4, "lora_rank": 64},
    })
    expect(status == 200, str(job))
    return job["id"]


def repeat(over: threading.Event, body) -> threading.Thread:
    """Calls `body` again and again on a thread."""
    def run():
        while not over.is_set():
            body()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--memory", type=int, default=1500, help="MB")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--enforce", action="store_true")
    options = parser.parse_args()
    group = control_group(options.memory) if options.enforce else None
    server = Soaked("--memory", str(options.memory), group=group)
    file = file_of_examples(server, 400)
    for number in range(8):
        path = adapters.write(
            server.folder / f"a{number}", server.model, number, rank=64, targets=TARGETS, size=0.01
        )
        expect(server.load(f"a{number}", path)[0] == 200, "an adapter does not load")
    jobs = [train(server, file) for _ in range(2)]
    over = threading.Event()
    counts = {"chats": 0, "streams": 0, "scored": 0, "bodies": 0, "uploads": 0, "refused": 0}

    def count(name: str, status: int):
        expect(status in (200, 400, 429, 503), f"{name}: {status}")
        counts[name if status in (200, 400) else "refused"] += 1

    def complete(name: str, number: int, **more):
        text = "Tell me about the sea and the wind. " * 40
        model = f"a{sum(counts.values()) % 8}" if number % 2 else server.base
        count(name, server.send("POST", "/v1/completions", {
            "model": model, "prompt": text, "max_tokens": 64, "ignore_eos": True, **more,
        })[0])

    def stream(number: int):
        connection = http.client.HTTPConnection(server.host, timeout=120)
        connection.request("POST", "/v1/chat/completions", json.dumps({
            "model": f"a{number % 8}", "stream": True, "max_tokens": 200, "ignore_eos": True,
            "messages": [{"role": "user", "content": f"Tell me about the sea, {number}."}],
        }), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        count("streams", answer.status)

    def body():
        # The first is beyond every context, the second is the deepest work for its size.
        count("bodies", server.send("POST", "/tokenize", {"content": "word " * 1_000_000})[0])
        count("bodies", server.send("POST", "/v1/completions", {
            "model": server.base, "prompt": [[]] * 2_000_000, "max_tokens": 1,
        })[0])

    def upload():
        file_of_examples(server, 2000)
        counts["uploads"] += 1

    threads = [repeat(over, lambda n=n: complete("chats", n)) for n in range(8)]
    threads += [repeat(over, lambda n=n: stream(n)) for n in range(8)]
    threads += [repeat(over, lambda n=n: complete("scored", n, logprobs=5, echo=True))
                for n in range(2)]
    threads += [repeat(over, body) for _ in range(2)] + [repeat(over, upload)]
    time.sleep(options.seconds)
    over.set()
    for thread in threads:
        thread.join()
    states = [server.get(f"/v1/fine_tuning/jobs/{job}") for job in jobs]
    states = [(job["error"] or {}).get("message") or job["status"] for job in states]
    peak, now = server.resident("VmHWM"), server.resident()
    show("busy", memory_mb=options.memory * 1e6 / 2**20, peak_mb=peak, now_mb=now, jobs=states,
         **counts)
    for job in jobs:
        server.send("POST", f"/v1/fine_tuning/jobs/{job}/cancel", {})
    time.sleep(5)
    show("jobs cancelled", resident_mb=server.resident())
    server.stop()
    shutil.rmtree(server.folder)
    expect(peak * 2**20 <= options.memory * 1e6, "the server took more than --memory")


main()
