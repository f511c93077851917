"""A facet server over one checkpoint, spoken to as any client would."""

import json
import os
import subprocess
import urllib.request


class Server:
    def __init__(self, facet, model, data, adapters=()):
        environment = {**os.environ, "FACET_CACHE": f"{data}/packed"}
        command = [facet, "serve", "--model", model, "--base-dtype", "nf4", "--port", "0", "--data", data,
                   "--compute-dtype", "fp32", "--served-model-name", "base"]
        for name, path in adapters:
            command += ["--adapter", f"{name}={path}"]
        self.process = subprocess.Popen(command, env=environment, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in self.process.stdout:
            if line.startswith("listening on "):
                self.address = line.split()[2]
                return
        raise RuntimeError(self.process.stderr.read().strip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def post(self, path, body):
        request = urllib.request.Request(
            self.address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()) from None

    def scores(self, model, prompt):
        """Log probability of every token of a prompt but the first."""
        answer = self.post("/v1/completions", {
            "model": model, "prompt": prompt, "echo": True, "logprobs": 1, "max_tokens": 0})
        return answer["choices"][0]["logprobs"]["token_logprobs"][1:]

    def continuation(self, model, prompt, count):
        """Token ids of a greedy answer, their log probabilities, and why it ended."""
        answer = self.post("/v1/completions", {
            "model": model, "prompt": prompt, "logprobs": 1, "max_tokens": count,
            "temperature": 0})["choices"][0]
        ids = [int(token.removeprefix(" ").removeprefix("w"))
               for token in answer["logprobs"]["tokens"]]
        return ids, answer["logprobs"]["token_logprobs"], answer["finish_reason"]
