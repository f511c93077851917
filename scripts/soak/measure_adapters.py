#!/usr/bin/env python3
"""Measures the adapter store: many adapters in little memory, and adapters that come cold.

    scripts/soak/measure_adapters.py [--adapters 1000] [--rank 16]
"""

import argparse
import random
import shutil
import time

from server import Soaked, adapters, expect, show

PROMPT = "Once upon a time"
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def many(count: int, rank: int) -> None:
    """A store of `count` adapters: how long it takes to start, and whether each is itself."""
    server = Soaked("--threads", "1")
    said = {}
    begun = time.monotonic()
    for number in range(count):
        path = server.folder / "next"
        adapters.write(path, server.model, number, rank=rank, targets=["q_proj"])
        name = f"adapter-{number}"
        status, answer = server.load(name, path)
        expect(status == 200, str(answer))
        said[name] = server.say(name, PROMPT, 6)
    show("registered", adapters=count, seconds=time.monotonic() - begun)
    expect(len({str(tokens) for tokens in said.values()}) == count, "two adapters say the same")
    server.stop()
    empty = Soaked("--threads", "1")
    empty.stop()
    alone = empty.start()
    empty.stop()
    full = server.start()
    show("start", empty_seconds=alone, full_seconds=full)
    listed = {model["id"] for model in server.get("/v1/models")["data"]}
    expect(listed.issuperset(said), f"{len(listed)} models are listed")
    names = list(said)
    random.Random(1).shuffle(names)
    for name in names:
        expect(server.say(name, PROMPT, 6) == said[name], f"{name} is not itself")
    resident = [a for a in server.get("/v1/adapters")["data"] if a["residency"] == "memory"]
    show("answered", as_alone=count, resident=len(resident), resident_mb=server.resident())
    server.stop()
    for folder in [server.folder, empty.folder]:
        shutil.rmtree(folder)
    expect(full - alone < 1, f"{count} adapters delay the start by {full - alone:.2f} s")


def cold(rank: int = 214, repetitions: int = 20) -> None:
    """What the first answer of a big adapter waits longer than its second."""
    server = Soaked("--threads", "1")
    added = []
    for number in range(repetitions):
        path = adapters.write(
            server.folder / "big", server.model, number, rank=rank, targets=TARGETS, size=0.01
        )
        server.load(f"cold-{number}", path)
    size = server.get("/v1/adapters")["data"][0]["file_bytes"] / 1e6
    server.stop()
    # Started again, nothing is in memory; the files are in the page cache.
    server.start()
    server.say(server.base, PROMPT, 1)
    for number in range(repetitions):
        times = []
        for _ in range(2):
            begun = time.monotonic()
            server.say(f"cold-{number}", f"{PROMPT} {number}", 1)
            times.append((time.monotonic() - begun) * 1000)
        added.append(times[0] - times[1])
    added.sort()
    show("cold", megabytes=size, p50_ms=added[len(added) // 2], worst_ms=added[-1])
    server.stop()
    shutil.rmtree(server.folder)
    expect(added[-1] <= 30, f"a cold adapter of {size:.0f} MB waits {added[-1]:.1f} ms")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--adapters", type=int, default=1000)
    parser.add_argument("--rank", type=int, default=16)
    options = parser.parse_args()
    cold()
    many(options.adapters, options.rank)
    print("passed")


if __name__ == "__main__":
    main()
