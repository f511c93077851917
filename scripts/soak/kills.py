#!/usr/bin/env python3
"""Kills the server at random moments while adapters and files change. Nothing acknowledged is lost.

    scripts/soak/kills.py [--kills 200]

After every restart: each acknowledged change is there, no half adapter is visible, every adapter
says what it said, and no file on disk belongs to nobody.
"""

import argparse
import collections
import http.client
import random
import shutil
import threading
import time

from server import Soaked, adapters, expect, show

NAMES = ["red", "green", "blue"]
PROMPT = "Once upon a time"


class World:
    """What the server has acknowledged, and what it was doing when it died."""

    def __init__(self, server: Soaked):
        self.server = server
        self.contents = []
        self.said = {}
        # name → content hash, None: not there. Aliases: name → the weights.
        self.adapters = dict.fromkeys(NAMES)
        self.aliases = {}
        self.files = {}
        # Keys whose last change was not acknowledged, with what they may be instead.
        self.open = {}
        self.counts = collections.Counter()

    def learn(self):
        for seed in range(5):
            path = adapters.write(self.server.folder / f"in-{seed}", self.server.model, seed)
            status, answer = self.server.load("first", path, load_inplace=True)
            expect(status == 200, str(answer))
            self.contents.append((path, answer["generation"]))
            self.said[answer["generation"]] = self.server.say("first", PROMPT)
        self.server.send("POST", "/v1/unload_lora_adapter", {"lora_name": "first"})

    def change(self, pick: random.Random):
        """One change; raises where the server dies under it."""
        name = pick.choice(NAMES)
        roll = pick.random()
        if roll < 0.55:
            path, generation = pick.choice(self.contents)
            self.open = {name: generation}
            status, answer = self.server.load(name, path, load_inplace=True)
            expect(status == 200, str(answer))
            self.adapters[name] = generation
            self.counts["loads"] += 1
        elif roll < 0.7 and self.adapters[name] and f"{name}-alias" not in self.aliases:
            self.open = {name: None}
            status, answer = self.server.send("DELETE", f"/v1/models/{name}")
            expect(status == 200, str(answer))
            self.adapters[name] = None
            self.counts["unloads"] += 1
        elif roll < 0.85 and self.adapters[name]:
            alias, weights = f"{name}-alias", {self.adapters[name]: 1}
            self.open = {alias: weights}
            body = {"alias": alias, "weights": weights}
            status, answer = self.server.send("POST", f"/v1/adapters/{name}/alias", body)
            expect(status == 200, str(answer))
            self.aliases[alias] = weights
            self.counts["aliases"] += 1
        elif self.aliases:
            alias = pick.choice(list(self.aliases))
            self.open = {alias: None}
            body = {"lora_name": alias}
            status, answer = self.server.send("POST", "/v1/unload_lora_adapter", body)
            expect(status == 200, str(answer))
            del self.aliases[alias]
            self.counts["unaliases"] += 1
        self.open = {}

    def check(self):
        """Compares what is there after a restart with what was acknowledged."""
        shown = self.server.get("/v1/adapters")
        now = {a["name"]: a["generation"] for a in shown["data"] if a["current"]}
        aliases = {a["alias"]: set(a["weights"]) for a in shown["aliases"]}
        for name in NAMES:
            allowed = [self.adapters[name]] + ([self.open[name]] if name in self.open else [])
            expect(now.get(name) in allowed, f"{name} is {now.get(name)}, not one of {allowed}")
            self.adapters[name] = now.get(name)
            if generation := now.get(name):
                expect(self.server.say(name, PROMPT) == self.said[generation], f"{name} changed")
        for alias in {*self.aliases, *aliases, *(k for k in self.open if k.endswith("-alias"))}:
            known = self.aliases.get(alias)
            allowed = [set(known) if known else None]
            if alias in self.open:
                allowed.append(set(self.open[alias]) if self.open[alias] else None)
            expect(aliases.get(alias) in allowed, f"{alias}: {aliases.get(alias)} not in {allowed}")
            if alias in aliases:
                self.aliases[alias] = {generation: 1 for generation in aliases[alias]}
            else:
                self.aliases.pop(alias, None)
        self.open = {}
        self.check_folders(shown)

    def check_folders(self, shown):
        """Every folder belongs to a generation that is listed, and holds both files."""
        known = set()
        for name in {a["name"] for a in shown["data"]}:
            detail = self.server.get(f"/v1/adapters/{name}")
            known |= {g["generation"] for g in detail["generations"]}
        folder = self.server.folder / "data" / "adapters"
        # What the start itself has staged (the demo's adapters) is gone in a moment.
        deadline = time.monotonic() + 10
        while any(folder.glob(".partial-*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        for entry in folder.iterdir():
            hidden = [f for f in entry.rglob("*") if f.is_file()] if entry.is_dir() else [entry]
            if not hidden and not any(g in entry.name for g in known):
                continue
            expect(any(g in entry.name for g in known), f"{entry.name} belongs to nobody")
            for file in ["adapter_config.json", "adapter_model.safetensors"]:
                expect((entry / file).is_file(), f"{entry.name} has no {file}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pick = random.Random(options.seed)
    server = Soaked("--threads", "1")
    world = World(server)
    world.learn()
    interrupted = 0
    for number in range(options.kills):
        timer = threading.Timer(pick.random() ** 2 * 0.5, server.process.kill)
        timer.start()
        try:
            while True:
                world.change(pick)
        except (OSError, http.client.HTTPException):
            interrupted += bool(world.open)
        timer.join()
        server.process.wait()
        server.start()
        world.check()
        if number % 20 == 19:
            show(f"{number + 1} kills", interrupted=interrupted, **world.counts)
    server.stop()
    shutil.rmtree(server.folder)
    print("passed")


if __name__ == "__main__":
    main()
