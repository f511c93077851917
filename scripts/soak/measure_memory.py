#!/usr/bin/env python3
"""The most memory a server takes with everything busy: never more than its --memory.

    scripts/soak/measure_memory.py [--memory 1500] [--seconds 60]

Two jobs train, adapters come and go, chats stream on long contexts, and large bodies arrive, all at
once. Says the peak of the resident memory (the kernel's VmHWM) beside --memory, and fails above it.
"""

import argparse
import json
import shutil
import threading
import time

from server import Soaked, adapters, expect, show

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def file_of_examples(server: Soaked, lines: int) -> str:
    """Uploads a training file."""
    import http.client

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
    options = parser.parse_args()
    server = Soaked("--memory", str(options.memory))
    file = file_of_examples(server, 400)
    for number in range(8):
        path = adapters.write(
            server.folder / f"a{number}", server.model, number, rank=64, targets=TARGETS, size=0.01
        )
        expect(server.load(f"a{number}", path)[0] == 200, "an adapter does not load")
    jobs = [train(server, file) for _ in range(2)]
    over, counts = threading.Event(), {"chats": 0, "bodies": 0}

    def chat(number: int):
        text = "Tell me about the sea and the wind. " * 40
        model = f"a{counts['chats'] % 8}" if number % 2 else server.base
        server.send("POST", "/v1/completions",
                    {"model": model, "prompt": text, "max_tokens": 64, "ignore_eos": True})
        counts["chats"] += 1

    def body():
        server.send("POST", "/tokenize", {"content": "word " * 1_000_000})
        counts["bodies"] += 1

    threads = [repeat(over, lambda n=n: chat(n)) for n in range(12)]
    threads += [repeat(over, body) for _ in range(2)]
    time.sleep(options.seconds)
    over.set()
    for thread in threads:
        thread.join()
    states = [server.get(f"/v1/fine_tuning/jobs/{job}")["status"] for job in jobs]
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
