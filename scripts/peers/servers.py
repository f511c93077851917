"""facet serve and llama-server with the same 16 adapters, asked the same over HTTP."""

import http.client
import json
import os
import random
import re
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import model

PROMPT, ANSWER = 32, 32


class Server:
    """A server while it is used."""

    def __init__(self, command, port):
        self.port = port
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [str(part) for part in command], stdout=self.log, stderr=subprocess.STDOUT
        )

    def __enter__(self):
        for _ in range(1200):
            try:
                if self.ask("GET", "/health")[0] == 200:
                    return self
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.process.kill()
        self.log.seek(0)
        raise SystemExit(f"a server did not start:\n{self.log.read()[-3000:].decode()}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=280)
        headers = {"Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def memory(self):
        """Resident bytes, and those of them that are the process's own."""
        with open(f"/proc/{self.process.pid}/status") as file:
            fields = dict(re.findall(r"(\w+):\s+(\d+) kB", file.read()))
        return 1024 * int(fields["VmRSS"]), 1024 * int(fields["RssAnon"])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def facet(threads, data):
    port = free_port()
    adapters = [f"--adapter=a{index}={model.ROOT}/adapter-{index}" for index in range(16)]
    command = [os.environ["FACET"], "serve", "--model", model.CHECKPOINT, "--port", port,
               "--threads", threads, "--max-batch", 16, "--context", 512, "--data", data, *adapters]

    def body(prompt, adapter):
        name = "model" if adapter is None else f"a{adapter}"
        return "/v1/completions", {"model": name, "prompt": prompt, "max_tokens": ANSWER,
                                   "temperature": 0, "ignore_eos": True}

    return Server(command, port), body


def llama(threads):
    port = free_port()
    adapters = [part for index in range(16) for part in ("--lora", model.ROOT / f"adapter-{index}.gguf")]
    command = [os.environ["LLAMA_BIN"] + "/llama-server", "-m", model.GGUF["Q4_0"], "-t", threads,
               "-np", 16, "-c", 8192, "--port", port, "--lora-init-without-apply", *adapters]

    def body(prompt, adapter):
        scales = [{"id": index, "scale": float(index == adapter)} for index in range(16)]
        return "/completion", {"prompt": prompt, "n_predict": ANSWER, "temperature": 0,
                               "ignore_eos": True, "cache_prompt": False, "lora": scales}

    return Server(command, port), body


def measure(server, body):
    """Generated tokens over wall time, all requests sent at once; memory at the end."""

    def run(adapters):
        bodies = [body(random.choices(range(300, 32000), k=PROMPT), each) for each in adapters]
        start = time.perf_counter()
        with ThreadPoolExecutor(len(bodies)) as pool:
            for status, text in pool.map(lambda item: server.ask("POST", *item), bodies):
                if status != 200:
                    raise SystemExit(f"HTTP {status}: {text[:300].decode()}")
        return len(bodies) * ANSWER / (time.perf_counter() - start)

    with server:
        run([0])
        results = {
            "served, 1 stream": run([None]),
            "served, 1 stream with adapter": run([1]),
            "served, 16 streams": run([None] * 16),
            "served, 16 streams, one adapter": run([2] * 16),
            "served, 16 streams, 16 adapters": run(list(range(16))),
        }
        results["serving memory"], results["serving memory, own"] = server.memory()
    return results
