#!/usr/bin/env python3
"""Measures how long `/health` takes while connections send the worst bodies that are accepted.

    scripts/soak/measure_health.py [--connections 16] [--seconds 30] [--bound 50]

Fails where the 99th percentile is beyond the bound, in milliseconds.
"""

import argparse
import http.client
import json
import multiprocessing
import statistics
import threading
import time

from server import Soaked, expect

MEGABYTE = 1 << 20


def bodies(model: str) -> list[tuple[str, bytes]]:
    """Path and body of the most laborious requests the server takes."""
    word = {"role": "user", "content": "x"}
    arguments = json.dumps({f"key {n}": n for n in range(20_000)})
    function = {"name": "f", "arguments": arguments}
    calls = [{"id": "a", "type": "function", "function": function}]
    chat = {"model": model, "max_tokens": 1}
    requests = [
        ("/v1/chat/completions", {**chat, "messages": [word] * 200_000}),
        ("/v1/chat/completions", {**chat, "messages": [
            word, {"role": "assistant", "content": "", "tool_calls": calls}]}),
        ("/v1/chat/completions", {**chat, "messages": [word], "chat_template_kwargs": {
            f"k{n}": [[]] * 40 for n in range(250)}}),
        ("/v1/chat/completions", {**chat, "messages": [word], "chat_template_kwargs": {
            f"key {n}": n for n in range(16_000)}}),
        ("/v1/chat/completions", {**chat, "messages": [word], "prompt_cache_key": "k" * 20 * MEGABYTE}),
        ("/v1/completions", {"model": model, "prompt": ["a"] * 1024, "max_tokens": 1}),
        ("/v1/completions", {"model": model, "prompt": "word " * (4 * MEGABYTE)}),
        ("/v1/fine_tuning/jobs", {"model": model, "training_file": "file-none", "hyperparameters": {
            f"key {n}": n for n in range(40_000)}}),
        ("/apply-template", {"messages": [word] * 300_000}),
        ("/tokenize", {"content": "The quick brown fox. " * (MEGABYTE // 2)}),
        ("/tokenize", {"content": "ab" * (4 * MEGABYTE), "with_pieces": True}),
        ("/detokenize", {"tokens": [65] * (4 * MEGABYTE)}),
        ("/v1/unknown", {f"key {n}": n for n in range(500_000)}),
    ]
    return [(path, json.dumps(body).encode()) for path, body in requests]


def send(host: str, requests: list, first: int, until: float, counts: dict) -> None:
    number = first
    while time.monotonic() < until:
        path, body = requests[number % len(requests)]
        number += 1
        connection = http.client.HTTPConnection(host, timeout=120)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            counts[(path, answer.status)] = counts.get((path, answer.status), 0) + 1
        except OSError as error:  # refused before the body was read
            name = (path, type(error).__name__)
            counts[name] = counts.get(name, 0) + 1
        finally:
            connection.close()


def probe(host: str, seconds: float, results) -> None:
    """Asks for `/health` on one connection, in a process without other threads."""
    connection = http.client.HTTPConnection(host, timeout=120)
    times, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        begun = time.monotonic()
        connection.request("GET", "/health")
        connection.getresponse().read()
        times.append((time.monotonic() - begun) * 1000)
        time.sleep(0.01)
    results.put(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--bound", type=float, default=50, help="milliseconds")
    options = parser.parse_args()

    server = Soaked()
    requests = bodies(server.base)
    counts: dict = {}
    until = time.monotonic() + options.seconds
    senders = [
        threading.Thread(target=send, args=(server.host, requests, first, until, counts))
        for first in range(options.connections)
    ]
    results = multiprocessing.Queue()
    prober = multiprocessing.Process(target=probe, args=(server.host, options.seconds, results))
    prober.start()
    for sender in senders:
        sender.start()
    times = sorted(results.get())
    for thread in [prober, *senders]:
        thread.join()
    for (path, status), count in sorted(counts.items(), key=str):
        print(f"{count:6} × {path} {status}")
    p99 = times[int(len(times) * 0.99)]
    print(
        f"/health beside {options.connections} connections: {len(times)} times, median "
        f"{statistics.median(times):.1f} ms, p99 {p99:.1f} ms, longest {times[-1]:.1f} ms"
    )
    server.stop()
    expect(p99 <= options.bound, f"p99 is beyond {options.bound} ms")


if __name__ == "__main__":
    main()
