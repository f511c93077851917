"""What the documented outside promises of starting, draining and stopping."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time

import pytest

from conftest import REPOSITORY, Server
from raw import Wire

CHAT = "/v1/chat/completions"


@pytest.fixture
def server(tmp_path):
    server = Server(folder=str(tmp_path))
    yield server
    if server.process.poll() is None:
        server.process.kill()
    server.process.wait()


def long_answer(wire: Wire, tokens: int, result: list) -> threading.Thread:
    """Streams an answer of that many tokens on another thread."""
    base = wire.get("/v1/models").json["data"][0]["id"]
    body = {
        "model": base,
        "messages": [{"role": "user", "content": "Count"}],
        "max_tokens": tokens,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    }

    def run():
        try:
            result.append(wire.post(CHAT, body))
        except Exception as error:
            result.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while wire.metrics()[f'vllm:num_requests_running{{model_name="{base}"}}'] < 1:
        assert thread.is_alive(), result
    return thread


def test_drain_finishes_what_runs(server):
    wire, result = Wire(server.url), []
    thread = long_answer(wire, 600, result)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=60) == 0
    thread.join()
    assert result[0].chunks[-1]["usage"]["completion_tokens"] == 600


def test_a_second_signal_stops_at_once(server):
    wire, result = Wire(server.url), []
    thread = long_answer(wire, 900, result)
    begun = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(timeout=10)
    assert time.monotonic() - begun < 2
    thread.join()


def test_the_name_of_the_base(tmp_path):
    server = Server("--served-model-name", "my-base", "--context", "128", folder=str(tmp_path))
    try:
        wire = Wire(server.url)
        model = wire.get("/v1/models").json["data"][0]
        assert model["id"] == "my-base"
        assert wire.get("/version").json["max_model_len"] == 128
        root = model["root"]
    finally:
        assert server.stop() == 0
    server = Server("--model", root, folder=str(tmp_path))
    try:
        models = Wire(server.url).get("/v1/models").json["data"]
        assert models[0]["id"] == os.path.basename(root)
    finally:
        assert server.stop() == 0


def test_a_pulled_base_has_its_hub_name(tmp_path, monkeypatch):
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "cache" / "facet" / "models" / "org--tiny-base"
    (repository / "snapshots").mkdir(parents=True)
    shutil.copytree(REPOSITORY / "demo" / "base", repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    server = Server("--model", "org/tiny-base", folder=str(tmp_path))
    try:
        assert Wire(server.url).get("/v1/models").json["data"][0]["id"] == "tiny-base"
    finally:
        assert server.stop() == 0


def test_a_name_that_an_adapter_has_is_not_the_bases(tmp_path):
    adapter = REPOSITORY / "demo" / "adapters" / "sql"
    command = ["adapters", "import", "mine", str(adapter), "--data", str(tmp_path / "data")]
    subprocess.run([os.environ["FACET"], *command], check=True)
    with pytest.raises(RuntimeError, match="--served-model-name"):
        Server("--served-model-name", "mine", folder=str(tmp_path))


def test_configuration_file(tmp_path):
    file = tmp_path / "server.yaml"
    file.write_text("served-model-name: from-file\ncontext: 96\ncompute_dtype: fp32\n")
    server = Server("--config", str(file), "--context", "64", folder=str(tmp_path))
    try:
        version = Wire(server.url).get("/version").json
        assert (version["model"], version["max_model_len"]) == ("from-file", 64)
    finally:
        assert server.stop() == 0


def test_a_configuration_file_of_comments_says_nothing(tmp_path):
    file = tmp_path / "server.yaml"
    file.write_text("# context: 64\n")
    server = Server("--config", str(file), folder=str(tmp_path))
    assert server.stop() == 0
    file.write_text("config: other.yaml\n")
    with pytest.raises(RuntimeError, match="cannot name another"):
        Server("--config", str(file), folder=str(tmp_path))


def test_a_taken_port_is_said(server):
    port = server.url.rsplit(":", 1)[1]
    command = [os.environ["FACET"], "serve", "--port", port, "--data", server.folder + "/second"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0 and port in ended.stderr


@pytest.mark.parametrize(
    "command", ["serve", "pull", "quantize", "generate", "chat", "train", "eval", "adapters"]
)
def test_every_command_has_help(command):
    ended = subprocess.run(
        [os.environ["FACET"], command, "--help"], capture_output=True, text=True, timeout=20
    )
    assert ended.returncode == 0 and "USAGE" in ended.stdout


def test_memory_is_bounded_as_asked(tmp_path):
    """More experts than fit answer as they do with room for all; what does not fit is refused."""

    def answers(*arguments):
        folder = tmp_path / ("bounded" if arguments else "free")
        folder.mkdir()
        server = Server(*arguments, folder=str(folder))
        wire = Wire(server.url)
        names = [m["id"] for m in wire.get("/v1/models").json["data"] if m.get("parent")]
        said = []
        for name in names * 2:
            body = {"model": name, "prompt": "An order: two", "max_tokens": 8, "temperature": 0}
            answer = wire.post("/v1/completions", body)
            assert answer.status == 200, answer
            said.append(answer.json["choices"][0]["text"])
        listed = wire.get("/v1/adapters").json["data"]
        assert server.stop() == 0
        return said, [each for each in listed if each["residency"] == "memory"]

    free, resident = answers()
    largest = max(each["bytes"] for each in resident)
    limit = -(-2 * largest // 1_000_000)
    assert sum(each["bytes"] for each in resident) > limit * 1_000_000
    bounded, resident = answers("--adapter-memory", str(limit), "--memory", "2000")
    assert bounded == free
    assert sum(each["bytes"] for each in resident) <= limit * 1_000_000

    command = [os.environ["FACET"], "serve", "--data", str(tmp_path / "none"), "--memory", "20"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode != 0
    assert "needs" in refused.stderr and "MB" in refused.stderr


def test_the_start_says_what_to_try(tmp_path):
    """`scripts/run` passes `--hint`: the curl line comes after the address and works as it is."""
    command = [os.environ["FACET"], "serve", "--hint", "--port", "0", "--data", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout.readline().startswith("listening on http://127.0.0.1:")
        line = next(line for line in server.stdout if line.lstrip().startswith("curl "))
        answer = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60)
        assert json.loads(answer.stdout)["choices"][0]["message"]["content"], answer
    finally:
        server.terminate()
        assert server.wait(timeout=60) == 0
        server.stdout.close()
