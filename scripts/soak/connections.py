#!/usr/bin/env python3
"""Soaks a server: many connections, all endpoints, random cancels. Nothing may grow.

    scripts/soak/connections.py [--minutes 10] [--connections 64]
"""

import argparse
import collections
import http.client
import json
import random
import socket
import threading
import time

from server import Soaked, adapters, expect, show

NAMES = ["one", "two", "three", "four"]


class Client(threading.Thread):
    """One connection's worth of a restless user."""

    def __init__(self, server: Soaked, number: int, end: float, results):
        super().__init__(daemon=True)
        self.server, self.end, self.results = server, end, results
        self.random = random.Random(number)
        self.connection = None

    def run(self):
        while time.monotonic() < self.end:
            try:
                self.results[self.once()] += 1
            except (OSError, http.client.HTTPException) as error:
                self.results[f"error {type(error).__name__}"] += 1
                self.connection = None

    def once(self) -> str:
        """One request, read whole or left in the middle."""
        method, path, body = self.request()
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.server.host, timeout=120)
        headers = {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        self.connection.request(method, path, data, headers)
        if self.random.random() < 0.1:
            time.sleep(self.random.random() * 0.2)
            return self.hang_up()
        answer = self.connection.getresponse()
        if body and body.get("stream") and self.random.random() < 0.4:
            answer.read(self.random.randint(1, 3000))
            return self.hang_up()
        answer.read()
        expect(answer.status in (200, 429), f"{method} {path}: {answer.status}")
        if self.random.random() < 0.05:
            return self.hang_up()
        return str(answer.status)

    def hang_up(self) -> str:
        if self.connection.sock and self.random.random() < 0.3:
            # A reset instead of an orderly end.
            linger = b"\1\0\0\0\0\0\0\0"
            self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.connection = None
        return "cancelled"

    def request(self):
        pick = self.random
        model = pick.choice([self.server.base, *NAMES])
        tokens = pick.choice([1, 4, 16, 48])
        text = " ".join(pick.choice(["the", "a", "blue", "cat"]) for _ in range(pick.randint(1, 90)))
        answer = {"model": model, "max_tokens": tokens, "stream": pick.random() < 0.5}
        match pick.randint(0, 9):
            case 0 | 1 | 2 | 3:
                chat = {"messages": [{"role": "user", "content": text}]}
                return "POST", "/v1/chat/completions", {**answer, **chat, "n": pick.randint(1, 3)}
            case 4 | 5:
                return "POST", "/v1/completions", {**answer, "prompt": [text, text + " and"]}
            case 6:
                lora = [{"name": "one", "scale": 0.5}, {"name": pick.choice(NAMES[1:])}]
                mix = {**answer, "model": self.server.base, "prompt": text, "lora": lora}
                return "POST", "/v1/completions", mix
            case 7:
                return "POST", "/tokenize", {"content": text * 20}
            case 8:
                return "GET", pick.choice(["/v1/models", "/v1/adapters", "/metrics"]), None
            case _:
                return "GET", "/health", None


def work(server: Soaked, seconds: float, connections: int) -> collections.Counter:
    results = collections.Counter()
    end = time.monotonic() + seconds
    clients = [Client(server, number, end, results) for number in range(connections)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    server = Soaked("--threads", "2")
    for seed, name in enumerate(NAMES):
        path = adapters.write(server.folder / name, server.model, seed, rank=8)
        status, answer = server.load(name, path)
        expect(status == 200, str(answer))
    seconds = options.minutes * 60
    # The first quarter fills caches and pools; what is compared comes after it.
    work(server, seconds / 4, options.connections)
    before = server.idle()
    show("before", **before)
    results = collections.Counter()
    for part in range(3):
        results += work(server, seconds / 4, options.connections)
        show(f"after part {part + 1}", **server.idle())
    after = server.idle()
    show("requests", **dict(results))
    show("tokens", generated=server.metric("vllm:generation_tokens_total"))
    for name in ["kv_blocks_used", "running", "waiting", "leases"]:
        expect(after[name] == 0, f"{name} is {after[name]}")
    expect(after["open_files"] <= before["open_files"] + 4, "file descriptors have grown")
    expect(after["threads"] <= before["threads"] + 4, "threads have grown")
    grown = after["resident_mb"] - before["resident_mb"]
    expect(grown < 8, f"memory has grown by {grown:.1f} MB")
    errors = {k: v for k, v in results.items() if k.startswith("error")}
    expect(not errors, f"requests failed: {errors}")
    server.stop()
    print("passed")


if __name__ == "__main__":
    main()
