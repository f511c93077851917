"""What the documented outside promises of adapters, names and what lies on disk."""

import json
import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

import adapters
from conftest import Server
from raw import Wire

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A server with two adapters of its own, and a folder to load more from."""
    folder = tmp_path_factory.mktemp("adapters")
    server = Server(folder=str(folder))
    wire = Wire(server.url)
    model = Path(wire.get("/v1/models").json["data"][0]["root"])
    base = wire.get("/v1/models").json["data"][0]["id"]
    world = World(server, wire, folder, model, base)
    yield world
    # Not necessarily the first one: tests start it anew.
    if world.server.process.poll() is None:
        assert world.server.stop() == 0


class World:
    def __init__(self, server, wire, folder, model, base):
        self.server, self.wire, self.folder = server, wire, folder
        self.model, self.base = model, base

    def make(self, name: str, seed: int, **more) -> str:
        return str(adapters.write(self.folder / name, self.model, seed, **more))

    def load(self, name: str, path: str, **more):
        body = {"lora_name": name, "lora_path": path, **more}
        return self.wire.post("/v1/load_lora_adapter", body)

    def say(self, model: str, **more) -> str:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": "Tell me a story"}],
            "max_tokens": 12,
            "temperature": 0,
            **more,
        }
        answer = self.wire.post(CHAT, body)
        assert answer.status == 200, answer
        return answer.json["choices"][0]["message"]["content"]

    def refuses(self, status: int, model: str, **more) -> dict:
        body = {"model": model, "messages": [{"role": "user", "content": "x"}], **more}
        answer = self.wire.post(CHAT, body)
        assert answer.status == status, answer
        return answer.error


def test_life_of_an_adapter(world):
    first, second = world.make("one", 1), world.make("two", 2)
    loaded = world.load("expert", first)
    assert loaded.status == 200, loaded
    assert loaded.json["id"] == "expert" and loaded.json["generation"]
    old = loaded.json["generation"]
    before = world.say("expert")
    assert before != world.say(world.base)

    listed = {m["id"]: m for m in world.wire.get("/v1/models").json["data"]}
    assert listed["expert"]["parent"] == world.base and listed["expert"]["root"]
    assert "parent" not in listed[world.base]
    shown = world.wire.get("/v1/adapters").json
    assert shown["object"] == "list"
    entry = next(a for a in shown["data"] if a["name"] == "expert")
    for key in ["generation", "base", "tenant", "rank", "alpha", "bytes", "created"]:
        assert entry[key] is not None, key
    assert entry["residency"] in ("memory", "disk") and entry["leases"] == 0
    assert isinstance(entry["lineage"], dict)
    assert world.wire.get("/v1/adapters/expert").json["generation"] == old

    again = world.load("expert", second)
    assert again.status == 400 and again.error["message"]
    stale = world.load("expert", second, load_inplace=True, expected_generation="0" * 64)
    assert stale.status == 409 and stale.headers["x-should-retry"] == "false"
    fresh = world.load("expert", second, load_inplace=True, expected_generation=old)
    assert fresh.status == 200 and fresh.json["generation"] != old
    assert world.say(f"expert@{old}") == before != world.say("expert")
    assert [m["id"] for m in world.wire.get("/v1/models").json["data"]].count("expert") == 1

    body = {"alias": "prod", "weights": {old: 1}}
    assert world.wire.post("/v1/adapters/expert/alias", body).status == 200
    assert world.say("prod") == before
    models = {m["id"]: m for m in world.wire.get("/v1/models").json["data"]}
    assert models["prod"]["parent"] == world.base

    gone = world.wire.post("/v1/unload_lora_adapter", {"lora_name": "prod"})
    assert gone.status == 200, gone
    deleted = world.wire.delete("/v1/models/expert").json
    assert deleted == {"id": "expert", "object": "model", "deleted": True}
    assert world.refuses(404, "expert")["code"] == "model_not_found"


def test_mixes(world):
    world.load("a", world.make("a", 3))
    world.load("b", world.make("b", 4))
    mixed = world.say(world.base, lora=[{"name": "a", "scale": 0.5}, {"name": "b"}])
    turned = world.say(world.base, lora=[{"name": "b"}, {"name": "a", "scale": 0.5}])
    assert mixed == turned
    assert world.say(world.base, lora=[{"name": "a"}]) == world.say("a")
    assert world.say(world.base, lora=[]) == world.say(world.base)
    assert world.say(world.base, lora=[{"name": "a", "scale": 0}]) == world.say(world.base)
    world.refuses(400, world.base, lora=[{"name": "a"}, {"name": "a"}])
    world.refuses(400, "a", lora=[{"name": "b"}])
    world.refuses(404, world.base, lora=[{"name": "a"}, {"name": "nobody"}])
    for name in ["a", "b"]:
        assert world.wire.delete(f"/v1/adapters/{name}").status == 200


def test_names(world):
    path = world.make("names", 5)
    for name in ["", "a@b", "a:b", "ft:a", "a/b", "..", "x" * 129, "ä", "a\0b", "a b", world.base]:
        answer = world.load(name, path)
        assert answer.status == 400, (name, answer)
        assert answer.error["param"] == "lora_name"
    for name in ["x" * 128, "a.b_c-D9"]:
        assert world.load(name, path).status == 200
        assert world.wire.post("/v1/unload_lora_adapter", {"lora_name": name}).status == 200
    assert world.wire.delete(f"/v1/models/{world.base}").status == 403
    assert world.wire.post("/v1/unload_lora_adapter", {"lora_name": "nobody"}).status == 404


def test_paths(world, tmp_path):
    outside = adapters.write(tmp_path / "outside", world.model, 6)
    link = world.folder / "link"
    link.symlink_to(outside)
    inner = world.folder / "inner"
    inner.mkdir()
    for file in outside.iterdir():
        (inner / file.name).symlink_to(file)
    loop = world.folder / "loop"
    loop.symlink_to(loop)
    fifo = world.folder / "fifo"
    fifo.mkdir()
    shutil.copy(outside / "adapter_config.json", fifo)
    os.mkfifo(fifo / "adapter_model.safetensors")
    paths = [outside, link, inner, loop, fifo, "/etc/passwd", "/dev/zero", "/proc/self/mem", ""]
    paths += ["http://localhost/x", "file:///etc", f"{world.folder}/../{tmp_path.name}/outside"]
    paths += ["x" * 5000, "a\0b", "one/../../..", str(world.folder / "none")]
    for path in paths:
        answer = world.load("stolen", str(path))
        assert answer.status == 400, (path, answer)
        assert answer.error["param"] == "lora_path"
    assert world.refuses(404, "stolen")


def damage(world, name, change):
    """An adapter whose files `change` spoils."""
    folder = Path(world.make(name, 7))
    change(folder)
    return str(folder)


def config(**facts):
    def change(folder):
        file = folder / "adapter_config.json"
        known = json.loads(file.read_text())
        known.update(facts)
        file.write_text(json.dumps(known))

    return change


def weights(change):
    def spoil(folder):
        file = folder / "adapter_model.safetensors"
        file.write_bytes(change(file.read_bytes()))

    return spoil


HOSTILE = {
    "cut": weights(lambda data: data[: len(data) // 2]),
    "empty": weights(lambda data: b""),
    "header": weights(lambda data: b"\xff" * 8 + data[8:]),
    "zeros": weights(lambda data: b"\0" * len(data)),
    "names": weights(lambda data: data.replace(b"q_proj", b"z_proj")),
    "overlap": weights(lambda data: data.replace(b'"data_offsets": [', b'"data_offsets": [9')),
    "nan": weights(lambda data: data[:-4] + b"\0\0\xc0\x7f"),
    "infinite": weights(lambda data: data[:-4] + b"\0\0\x80\x7f"),
    "rank": config(r=10**9),
    "negative": config(r=-1),
    "half": config(r=2.5),
    "alpha": config(lora_alpha=1e308),
    "type": config(peft_type="IA3"),
    "whole": config(modules_to_save=["lm_head"]),
    "pattern": config(target_modules="(a+)+$" * 50),
    "json": lambda folder: (folder / "adapter_config.json").write_text("[" * 100000),
    "missing": lambda folder: (folder / "adapter_config.json").unlink(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_adapters_are_refused(world, name):
    answer = world.load(f"bad-{name}", damage(world, f"bad-{name}", HOSTILE[name]))
    assert answer.status == 400, answer
    assert answer.error["message"]
    assert world.refuses(404, f"bad-{name}")
    assert world.wire.get("/health").status == 200


def test_wrong_shapes_stop_the_start(world, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    facts = json.loads((world.model / "config.json").read_text())
    facts["hidden_size"] //= 2
    (small / "config.json").write_text(json.dumps(facts))
    bad = adapters.write(tmp_path / "bad", small, 8)
    command = [os.environ["FACET"], "serve", "--port", "0", "--data", str(tmp_path / "data")]
    ended = subprocess.run(
        [*command, "--model", str(world.model), "--adapter", f"crooked={bad}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode != 0
    assert "crooked" in ended.stderr and "listening" not in ended.stdout


def test_restart_and_neighbours(world):
    path = world.make("kept", 9)
    kept = world.load("kept", path)
    assert kept.status == 200
    said = world.say("kept")
    shutil.rmtree(path)
    command = [os.environ["FACET"], "serve", "--port", "0", "--data", f"{world.folder}/data"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert second.returncode != 0 and "listening" not in second.stdout
    assert world.server.stop() == 0
    world.server = server = Server(folder=str(world.folder))
    world.wire = Wire(server.url)
    assert world.say("kept") == said
    assert world.wire.get("/v1/adapters/kept").json["generation"] == kept.json["generation"]
    server.process.kill()
    server.process.wait()
    world.server = server = Server(folder=str(world.folder))
    world.wire = Wire(server.url)
    assert world.say("kept") == said
    assert world.wire.delete("/v1/models/kept").status == 200
    time.sleep(0.1)
    left = [e for e in (world.folder / "data" / "adapters").iterdir()]
    assert not [e for e in left if kept.json["generation"] in e.name], left


def test_round_trips_keep_every_byte(world, tmp_path):
    """PEFT → store → PEFT, tar and llama.cpp and back: the same tensors, byte for byte."""
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    first = adapters.write(tmp_path / "first", world.model, 10, targets=targets)
    model = ["--model", str(world.model)]

    def run(*arguments: str):
        command = [os.environ["FACET"], "adapters", *arguments, "--data", str(tmp_path / "data")]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)

    source = first
    for form in ["plain", "packed.tar", "foreign.gguf"]:
        run("import", form, str(source), *model)
        source = tmp_path / form
        run("export", form, str(source), *model)
    run("import", "last", str(source), *model)
    run("export", "last", str(tmp_path / "last"), *model)
    for folder in ["plain", "last"]:
        assert adapters.read(tmp_path / folder) == adapters.read(first)


def adapters_in(world):
    return sorted(path.name for path in (world.folder / "data" / "adapters").iterdir())


def test_export_over_http(world, tmp_path):
    """The archive holds the files that came in and can be loaded again; nothing is left on the disk."""
    source = Path(world.make("out", 11))
    assert world.load("out", str(source)).status == 200
    before = adapters_in(world)
    answer = world.wire.get("/v1/adapters/out/content")
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "application/x-tar"
    assert 'filename="out.tar"' in answer.headers["content-disposition"]
    archive = world.folder / "out.tar"
    archive.write_bytes(answer.data)
    with tarfile.open(archive) as tar:
        weights = tar.extractfile("adapter_model.safetensors").read()
    assert weights == (source / "adapter_model.safetensors").read_bytes()
    again = world.load("again", str(archive))
    assert again.status == 200, again
    assert world.say("again") == world.say("out") != world.say(world.base)

    assert world.wire.get("/v1/adapters/out/content?format=gguf").data[:4] == b"GGUF"
    assert world.wire.get("/v1/adapters/out/content?format=zip").status == 400
    assert world.wire.get("/v1/adapters/nobody/content").status == 404
    # The file goes when the connection has let go of it, a moment after the last byte.
    deadline = time.monotonic() + 5
    while adapters_in(world) != before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert adapters_in(world) == before
