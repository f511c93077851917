#!/usr/bin/env python3
"""Replaces, aliases, unloads, loads and exports adapters while streams run. No token may be wrong.

    scripts/soak/storm.py [--minutes 5] [--streams 32]

Every answer is compared with what the generation it names says alone, token for token and
log-probability for log-probability.
"""

import argparse
import collections
import http.client
import json
import random
import threading
import time

from server import Soaked, adapters, expect, show

PROMPTS = ["Once upon a time", "The king said", "1, 2, 3,", "A list of animals: "]
TOKENS = 24
NAMES = ["red", "green", "blue", "grey"]


def stream(server: Soaked, model: str, prompt: str):
    """A streamed greedy answer: the generation that gave it, and its tokens; or the status."""
    connection = http.client.HTTPConnection(server.host, timeout=120)
    try:
        body = {"model": model, "prompt": prompt, "max_tokens": TOKENS, "temperature": 0}
        body |= {"stream": True, "logprobs": 1}
        connection.request(
            "POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            return answer.status, json.loads(text)["error"]
        events = [e[6:] for e in text.split("\n\n") if e.startswith("data: ")]
        expect(events[-1] == "[DONE]", f"a stream was cut: {text[-300:]}")
        tokens = []
        for event in events[:-1]:
            for choice in json.loads(event)["choices"]:
                if scores := choice["logprobs"]:
                    tokens += zip(scores["tokens"], scores["token_logprobs"])
        return answer.headers["x-adapter-generation"], tokens
    finally:
        connection.close()


class Storm:
    def __init__(self, server: Soaked, seconds: float):
        self.server = server
        self.end = time.monotonic() + seconds
        self.results = collections.Counter()
        self.failures = []
        self.paths = {}
        self.wanted = {}

    def learn(self, adapters_per_name: int = 2):
        """What every generation says alone, before the storm."""
        for number in range(len(NAMES) * adapters_per_name):
            path = adapters.write(
                self.server.folder / f"adapter-{number}", self.server.model, number, rank=4
            )
            status, answer = self.server.load("alone", path, load_inplace=True)
            expect(status == 200, str(answer))
            generation = answer["generation"]
            self.paths.setdefault(NAMES[number % len(NAMES)], []).append(path)
            for prompt in PROMPTS:
                self.wanted[generation, prompt] = self.server.say("alone", prompt, TOKENS)
        self.server.send("POST", "/v1/unload_lora_adapter", {"lora_name": "alone"})
        said = {json.dumps(tokens) for tokens in self.wanted.values()}
        expect(len(said) == len(self.wanted), "the adapters are too quiet to tell apart")
        for prompt in PROMPTS:
            self.wanted[None, prompt] = self.server.say(self.server.base, prompt, TOKENS)
        for name in NAMES:
            self.server.load(name, self.paths[name][0])

    def speak(self, number: int):
        pick = random.Random(number)
        names = NAMES + [f"{name}-alias" for name in NAMES]
        while time.monotonic() < self.end and not self.failures:
            prompt = pick.choice(PROMPTS)
            if pick.random() < 0.15:
                generation, tokens = stream(self.server, self.server.base, prompt)
                wanted = self.wanted[None, prompt]
                expect(generation is None, f"the base has the generation {generation}")
            else:
                model = pick.choice(names)
                generation, tokens = stream(self.server, model, prompt)
                if generation == 404:
                    self.results["unloaded"] += 1
                    continue
                if isinstance(generation, int):
                    self.failures.append(f"{model}: {generation} {tokens}")
                    return
                wanted = self.wanted[generation, prompt]
            self.results["answers"] += 1
            if tokens != wanted:
                self.failures.append(f"{generation} {prompt!r}: {tokens} instead of {wanted}")

    def disturb(self, number: int):
        pick = random.Random(1000 + number)
        send = self.server.send
        while time.monotonic() < self.end and not self.failures:
            name = pick.choice(NAMES)
            path = pick.choice(self.paths[name])
            match pick.randint(0, 5):
                case 0 | 1:
                    what, (status, body) = "replace", self.server.load(name, path, load_inplace=True)
                case 2:
                    what, (status, body) = "load", self.server.load(name, path)
                case 3:
                    body = {"lora_name": name}
                    what, (status, body) = "unload", send("POST", "/v1/unload_lora_adapter", body)
                case 4:
                    _, shown = send("GET", f"/v1/adapters/{name}")
                    generations = [g["generation"] for g in shown.get("generations", [])][:2]
                    weights = {generation: pick.random() + 0.01 for generation in generations}
                    body = {"alias": f"{name}-alias", "weights": weights}
                    path = f"/v1/adapters/{name}/alias"
                    what, (status, body) = "alias", send("POST", path, body)
                case _:
                    what, (status, body) = "list", send("GET", "/v1/adapters")
            self.results[f"{what} {status}"] += 1
            if status >= 500:
                self.failures.append(f"{what}: {status} {body}")
            time.sleep(pick.random() * 0.05)

    def guarded(self, body, number):
        try:
            body(number)
        except Exception as error:
            self.failures.append(f"{type(error).__name__}: {error}")

    def rage(self, streams: int):
        work = [(self.speak, number) for number in range(streams)]
        work += [(self.disturb, number) for number in range(3)]
        threads = [threading.Thread(target=self.guarded, args=item, daemon=True) for item in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--streams", type=int, default=32)
    options = parser.parse_args()
    server = Soaked("--threads", "2")
    storm = Storm(server, 0)
    storm.learn()
    storm.end = time.monotonic() + options.minutes * 60
    storm.rage(options.streams)
    show("storm", **dict(sorted(storm.results.items())))
    expect(not storm.failures, "\n".join(storm.failures[:5]))
    state = server.idle()
    show("after", **state)
    for name in ["kv_blocks_used", "running", "waiting", "leases"]:
        expect(state[name] == 0, f"{name} is {state[name]}")
    server.stop()
    print("passed")


if __name__ == "__main__":
    main()
