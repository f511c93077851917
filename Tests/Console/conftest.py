"""Starts the server that `scripts/test-console` names, and a browser that looks at its console."""

import json
import os
import re
import signal
import subprocess
import tempfile
import urllib.request
from pathlib import Path

import pytest

from browser import Browser

REPOSITORY = Path(__file__).resolve().parents[2]


class Server:
    """A running `facet serve` on the demo model, and where it listens."""

    def __init__(self, *arguments: str):
        self.folder = Path(tempfile.mkdtemp(prefix="facet-console-"))
        self.log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(
            [os.environ["FACET"], "serve", "--port", "0", "--data", str(self.folder / "data")]
            + ["--adapter-root", str(REPOSITORY / "demo"), *arguments],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        for line in self.process.stdout:
            if match := re.search(r"listening on (http://\S+)", line):
                self.url = match.group(1)
                return
        raise RuntimeError((self.folder / "server.log").read_text()[-2000:])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.process.stdout.close()
        status = self.process.wait(timeout=60)
        self.log.close()
        return status

    def call(self, path: str, body=None, key: str | None = None):
        """Asks the API, past the console."""
        request = urllib.request.Request(self.url + path)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        with urllib.request.urlopen(request) as response:
            return json.load(response)


@pytest.fixture(scope="session")
def server():
    server = Server()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("downloads"))
    yield browser
    browser.quit()


@pytest.fixture
def browser(chromium, server):
    """The browser at the server without keys; nothing may go wrong in it unseen."""
    chromium.begin(server.url)
    yield chromium
    chromium.finish()
