"""Starts the server that `scripts/test-sdk` names and hands out clients for it."""

import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

import openai
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


class Server:
    """A running `facet serve`, and where it listens."""

    def __init__(self, *arguments: str, folder: str | None = None):
        self.folder = folder or tempfile.mkdtemp(prefix="facet-sdk-")
        self.log = open(Path(self.folder) / "server.log", "ab")
        command = [
            os.environ["FACET"],
            "serve",
            "--port",
            "0",
            "--data",
            str(Path(self.folder) / "data"),
            "--adapter-root",
            self.folder,
            *arguments,
        ]
        if model := os.environ.get("FACET_SDK_MODEL"):
            command += ["--model", model]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            # A write beyond a file-size limit shall be an error and no signal.
            restore_signals=False,
        )
        self.url = self._address()

    def _address(self) -> str:
        for line in self.process.stdout:
            match = re.search(r"listening on (https?://\S+)", line)
            if match:
                return match.group(1)
        text = (Path(self.folder) / "server.log").read_text()[-2000:]
        raise RuntimeError(f"the server ended before it listened:\n{text}")

    def stop(self) -> int:
        """Asks the server to drain, and returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.stdout.close()
        status = self.process.wait(timeout=60)
        self.log.close()
        return status

    def kill(self) -> None:
        """Ends the server as a power cut would: without a word."""
        self.process.kill()
        self.process.stdout.close()
        self.process.wait()
        self.log.close()

    def client(self, key: str = "none") -> openai.OpenAI:
        return openai.OpenAI(base_url=self.url + "/v1", api_key=key, max_retries=0)

    def async_client(self, key: str = "none") -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=self.url + "/v1", api_key=key, max_retries=0)


@pytest.fixture(scope="session")
def server():
    server = Server()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="session")
def client(server):
    return server.client()


@pytest.fixture(scope="session")
def base(client):
    """The id of the base model: the entry without a parent."""
    models = [m for m in client.models.list() if not getattr(m, "parent", None)]
    assert len(models) == 1
    return models[0].id
