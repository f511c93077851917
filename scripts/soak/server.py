"""Starts a release server to be soaked, and looks at it from outside."""

import atexit
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "SDK"))

import adapters  # noqa: E402,F401  (handed on to the scripts beside this one)

FACET = os.environ.get("FACET") or str(ROOT / ".build" / "release" / "facet")


class Soaked:
    """A running `facet serve` with a folder of its own."""

    def __init__(self, *arguments: str, folder: str | Path | None = None,
                 group: Path | None = None):
        """`group` is the control group that the server runs in."""
        self.folder = Path(folder or tempfile.mkdtemp(prefix="facet-soak-"))
        self.arguments = arguments
        self.group = group
        self.start()

    def start(self) -> float:
        """Starts the server; returns the seconds until it listened."""
        begun = time.monotonic()
        self.log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(
            [FACET, "serve", "--port", "0", "--data", str(self.folder / "data"),
             "--adapter-root", str(self.folder), *self.arguments],
            stdout=subprocess.PIPE, stderr=self.log, text=True, preexec_fn=self._enter,
        )
        atexit.register(self.process.kill)
        for line in self.process.stdout:
            if match := re.search(r"listening on (\S+)", line):
                self.url = match.group(1)
                break
        else:
            tail = (self.folder / "server.log").read_text()[-2000:]
            raise SystemExit(f"the server did not start:\n{tail}")
        seconds = time.monotonic() - begun
        self.host = urllib.parse.urlsplit(self.url).netloc
        if self.url.startswith("http:"):
            model = self.get("/v1/models")["data"][0]
            self.base, self.model = model["id"], Path(model["root"])
        return seconds

    def _enter(self) -> None:
        if self.group:
            (self.group / "cgroup.procs").write_text(str(os.getpid()))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=60)
        expect(status == 0, f"the server ended with {status}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def send(self, method: str, path: str, body=None, timeout: float = 120):
        """One request: its status and its JSON."""
        connection = http.client.HTTPConnection(self.host, timeout=timeout)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def get(self, path: str):
        return self.send("GET", path)[1]

    def load(self, name: str, path, **more):
        body = {"lora_name": name, "lora_path": str(path), **more}
        return self.send("POST", "/v1/load_lora_adapter", body)

    def say(self, model: str, prompt: str, tokens: int = 12) -> list:
        """The greedy continuation, as tokens and their log-probabilities."""
        body = {"model": model, "prompt": prompt, "max_tokens": tokens, "temperature": 0}
        status, answer = self.send("POST", "/v1/completions", {**body, "logprobs": 1})
        expect(status == 200, f"{model}: {answer}")
        scores = answer["choices"][0]["logprobs"]
        return list(zip(scores["tokens"], scores["token_logprobs"]))

    def metrics(self) -> dict[str, float]:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        samples = (line.rsplit(" ", 1) for line in text.splitlines() if line[:1] not in "#")
        return {name: float(value) for name, value in samples}

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        return sum(v for k, v in self.metrics().items() if k == name or k.startswith(name + "{"))

    def state(self) -> dict[str, float]:
        """What must not grow."""
        samples = self.metrics()
        adapters = self.get("/v1/adapters")["data"]
        return {
            "resident_mb": self.resident("RssAnon"),
            "open_files": len(self.descriptors()),
            "threads": len(os.listdir(f"/proc/{self.process.pid}/task")),
            "kv_blocks_used": samples['facet_kv_blocks{state="used"}'],
            "running": sum(v for k, v in samples.items() if "num_requests_running" in k),
            "waiting": sum(v for k, v in samples.items() if "num_requests_waiting" in k),
            "leases": sum(a["leases"] for a in adapters),
        }

    def descriptors(self) -> list[str]:
        """What is open, but for the database's readers, which come as they are first needed."""
        found = []
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                found.append(os.readlink(descriptor))
            except FileNotFoundError:
                continue
        return [name for name in found if "facet.sqlite" not in name]

    def processor_seconds(self) -> float:
        """Processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self, name: str = "VmRSS") -> float:
        """Memory of the process in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+)", status).group(1)) / 1024

    def idle(self, seconds: float = 20) -> dict[str, float]:
        """Waits until nothing runs, then says how things stand."""
        deadline = time.monotonic() + seconds
        while True:
            state = self.state()
            busy = state["running"] + state["waiting"] + state["leases"]
            if not busy or time.monotonic() > deadline:
                return state
            time.sleep(0.2)


def expect(condition, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def show(name: str, **values) -> None:
    """One line of results."""
    shown = (f"{k}={v:.2f}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items())
    print(f"{name}:", *shown, flush=True)
