"""What the documented outside promises of keys, rights and tenants."""

import os
import subprocess
import time
from pathlib import Path

import pytest

import adapters
from conftest import Server
from raw import Wire
from test_files import examples

CHAT = "/v1/chat/completions"


def create(file: Path, tenant: str, *more: str) -> tuple[str, str]:
    """A new key: its id, and the key."""
    made = keys("create", "--api-keys", str(file), "--tenant", tenant, *more)
    words = made.split()
    return (
        next(w for w in words if w.startswith("key_")),
        next(w for w in words if w.startswith("sk-")),
    )


def keys(*arguments: str) -> str:
    command = [os.environ["FACET"], "keys", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    file = folder / "keys.json"
    ids = {
        "acme": create(file, "acme"),
        "other": create(file, "other"),
        "infer": create(file, "acme", "--rights", "infer"),
        "train": create(file, "acme", "--rights", "train"),
        "admin": create(file, "ops", "--rights", "admin"),
        "limited": create(file, "small", "--limits", "requests=2"),
    }
    server = Server("--api-keys", str(file), folder=str(folder))
    world = World(server, folder, file, ids)
    yield world
    assert server.stop() == 0


class World:
    def __init__(self, server, folder, file, ids):
        self.server, self.folder, self.file, self.ids = server, folder, file, ids
        self.base = self["acme"].get("/v1/models").json["data"][0]

    def __getitem__(self, name: str) -> Wire:
        return Wire(self.server.url, self.ids[name][1])

    def chat(self, name: str, model: str | None = None):
        body = {"model": model or self.base["id"], "max_tokens": 1}
        body["messages"] = [{"role": "user", "content": "Hi"}]
        return self[name].post(CHAT, body)


def test_without_a_key(world):
    stranger = Wire(world.server.url)
    for path in ["/health", "/livez", "/readyz"]:
        assert stranger.get(path).status == 200
    for path in ["/v1/models", "/metrics", "/version", "/nowhere", "/v1/files"]:
        answer = stranger.get(path)
        assert answer.status == 401, path
        assert answer.error["code"] == "invalid_api_key"
    for key in ["sk-wrong", "", "x" * 5000, world.ids["acme"][1][:-1], world.ids["acme"][0]]:
        assert Wire(world.server.url, key or " ").get("/v1/models").status == 401


def test_rights(world):
    assert world.chat("acme").status == 200
    assert world.chat("infer").status == 200
    assert world.chat("admin").status == 200
    assert world.chat("train").status == 403
    for name, status in [("infer", 403), ("train", 200), ("acme", 200), ("admin", 200)]:
        assert world[name].get("/v1/files").status == status
        assert world[name].get("/v1/fine_tuning/jobs").status == status
        assert world[name].get("/metrics").status == (200 if name == "admin" else 403)
    assert world["infer"].get("/v1/models").status == 200
    load = {"lora_name": "x", "lora_path": "/none"}
    assert world["infer"].post("/v1/load_lora_adapter", load).status == 403
    assert world["train"].post("/v1/load_lora_adapter", load).status == 400


def test_another_tenants_things_are_not_there(world):
    path = str(adapters.write(world.folder / "one", Path(world.base["root"]), 1))
    other = str(adapters.write(world.folder / "two", Path(world.base["root"]), 2))
    body = {"lora_name": "mine", "lora_path": path}
    assert world["acme"].post("/v1/load_lora_adapter", body).json["tenant"] == "acme"
    file = world["acme"].upload(examples(2)).json["id"]
    job = world["acme"].post(
        "/v1/fine_tuning/jobs",
        {
            "model": world.base["id"],
            "training_file": file,
            "hyperparameters": {"n_epochs": 1, "lora_rank": 1},
        },
    ).json["id"]
    stranger = world["other"]
    for path in [
        "/v1/models/mine",
        "/v1/adapters/mine",
        f"/v1/files/{file}",
        f"/v1/files/{file}/content",
        f"/v1/fine_tuning/jobs/{job}",
        f"/v1/fine_tuning/jobs/{job}/events",
        f"/v1/fine_tuning/jobs/{job}/checkpoints",
        f"/v1/fine-tunes/{job.replace('ftjob', 'ft')}",
    ]:
        assert stranger.get(path).status == 404, path
        assert world["admin"].get(path).status == 200, path
    assert stranger.delete("/v1/models/mine").status == 404
    assert stranger.delete("/v1/adapters/mine").status == 404
    assert stranger.delete(f"/v1/files/{file}").status == 404
    assert stranger.post(f"/v1/fine_tuning/jobs/{job}/cancel").status == 404
    use = {"model": world.base["id"], "training_file": file}
    refused = stranger.post("/v1/fine_tuning/jobs", use)
    assert refused.status == 404 and refused.error["code"] == "file_not_found"
    assert world.chat("other", "mine").status == 404
    assert world.chat("admin", "mine").status == 200
    for path in ["/v1/files", "/v1/fine_tuning/jobs", "/v1/fine-tunes"]:
        assert stranger.get(path).json["data"] == []
    # What is left is everybody's: the base and the demo's experts.
    theirs = {entry["name"] for entry in stranger.get("/v1/adapters").json["data"]}
    assert theirs <= {"orders", "pirate", "sql", "tickets"}
    models = {entry["id"] for entry in stranger.get("/v1/models").json["data"]}
    assert models == theirs | {world.base["id"]}
    # A name is a tenant's own.
    body = {"lora_name": "mine", "lora_path": other}
    assert stranger.post("/v1/load_lora_adapter", body).status == 200
    assert world.chat("other", "mine").status == 200
    assert stranger.delete("/v1/models/mine").status == 200
    assert world.chat("acme", "mine").status == 200


def test_limits(world):
    statuses = [world.chat("limited").status for _ in range(3)]
    assert statuses == [200, 200, 429]
    answer = world.chat("limited")
    assert answer.error["code"] == "rate_limit_exceeded"
    assert int(answer.headers["Retry-After"]) >= 1
    assert world.chat("acme").status == 200


def test_changes_act_within_five_seconds(world):
    made, key = create(world.file, "late")
    wire = Wire(world.server.url, key)
    deadline = time.monotonic() + 5
    while wire.get("/v1/models").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert made in keys("list", "--api-keys", str(world.file))
    keys("revoke", "--api-keys", str(world.file), made)
    deadline = time.monotonic() + 5
    while wire.get("/v1/models").status != 401:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"{}", b"\0" * 100, b"null"])
def test_a_broken_key_file_never_opens(tmp_path, content):
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_bytes(content)
    command = [os.environ["FACET"], "serve", "--port", "0", "--data", str(tmp_path / "data")]
    ended = subprocess.run(
        [*command, "--api-keys", str(file)], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode != 0
    assert "listening" not in ended.stdout


def test_revoking_the_last_key_closes(tmp_path):
    file = tmp_path / "keys.json"
    made, key = create(file, "only")
    server = Server("--api-keys", str(file), folder=str(tmp_path))
    try:
        wire = Wire(server.url, key)
        assert wire.get("/v1/models").status == 200
        keys("revoke", "--api-keys", str(file), made)
        time.sleep(5)
        assert wire.get("/v1/models").status == 401
        assert Wire(server.url).get("/v1/models").status == 401
        assert wire.get("/health").status == 200
    finally:
        assert server.stop() == 0
