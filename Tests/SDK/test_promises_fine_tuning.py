"""What the documented outside promises of files and fine-tuning, in today's words and the old."""

import json
import time

import pytest

from raw import Wire
from schemas import check
from test_files import EXAMPLE, examples

JOBS = "/v1/fine_tuning/jobs"
EXTENSIONS = {
    "learning_rate": 0.001,
    "lora_rank": 2,
    "lora_alpha": 6,
    "lora_dropout": 0.1,
    "lora_target_modules": ["q_proj", "v_proj"],
    "use_rslora": True,
    "use_dora": False,
    "loraplus_lr_ratio": 4,
    "neftune_noise_alpha": 3,
    "lr_scheduler_type": "linear",
    "warmup_ratio": 0.1,
    "warmup_steps": 1,
    "weight_decay": 0.01,
    "max_grad_norm": 0.5,
    "gradient_accumulation_steps": 2,
    "cutoff_len": 64,
    "packing": False,
    "save_steps": 2,
    "seed": 7,
}


@pytest.fixture(scope="module")
def wire(server):
    return Wire(server.url)


@pytest.fixture(scope="module")
def file(wire):
    uploaded = wire.upload(examples(8))
    assert uploaded.status == 200, uploaded
    return uploaded.json["id"]


def finished(wire, job: str) -> dict:
    for _ in range(1200):
        state = wire.get(f"{JOBS}/{job}").json
        check("FineTuningJob", state)
        if state["status"] in ("succeeded", "failed", "cancelled"):
            return state
        time.sleep(0.05)
    raise AssertionError(state)


@pytest.fixture(scope="module")
def done(wire, base, file):
    """A finished job that used every hyperparameter."""
    body = {
        "model": base,
        "training_file": file,
        "validation_file": file,
        "suffix": "all-of-it",
        "method": {
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": 4, **EXTENSIONS}},
        },
        # What the method says beats this.
        "hyperparameters": {"n_epochs": 9},
    }
    created = wire.post(JOBS, body)
    assert created.status == 200, created
    check("FineTuningJob", created.json)
    assert created.json["status"] == "validating_files"
    state = finished(wire, created.json["id"])
    assert state["status"] == "succeeded", state
    yield state
    wire.delete(f"/v1/models/{state['fine_tuned_model']}")


def test_everything_sent_is_echoed(done):
    for shown in [done["hyperparameters"], done["method"]["supervised"]["hyperparameters"]]:
        assert shown["n_epochs"] == 2 and shown["batch_size"] == 4
        for name, value in EXTENSIONS.items():
            assert shown[name] == value, name
        assert shown["learning_rate_multiplier"] == pytest.approx(10)
    assert done["seed"] == 7


def test_every_value_is_resolved(wire, base, file):
    job = wire.post(JOBS, {"model": base, "training_file": file}).json["id"]
    state = finished(wire, job)
    assert state["status"] == "succeeded", state
    shown = state["hyperparameters"]
    assert set(EXTENSIONS) <= set(shown)
    optional = {"loraplus_lr_ratio", "neftune_noise_alpha", "save_total_limit"}
    for name, value in shown.items():
        assert value != "auto" and (value is not None or name in optional), name
    steps = shown["n_epochs"] * -(-8 // shown["batch_size"])
    assert shown["save_steps"] * shown["n_epochs"] == steps
    assert 0 <= shown["warmup_steps"] <= steps
    assert "q_proj" in shown["lora_target_modules"]
    assert shown["cutoff_len"] == min(2048, wire.get(f"/v1/models/{base}").json["max_model_len"])
    assert shown["learning_rate"] == 1e-4 * shown["learning_rate_multiplier"]
    wire.delete(f"/v1/models/{state['fine_tuned_model']}")


def test_events_checkpoints_and_results(wire, base, done):
    job = done["id"]
    events = wire.get(f"{JOBS}/{job}/events?limit=1000").json
    check("ListFineTuningJobEventsResponse", events)
    metrics = [e["data"] for e in reversed(events["data"]) if e["type"] == "metrics"]
    assert [m["step"] for m in metrics] == [1, 2, 3, 4]
    for data in metrics:
        assert data["total_steps"] == 4
        for name in ["train_loss", "train_mean_token_accuracy", "learning_rate", "grad_norm"]:
            assert isinstance(data[name], (int, float)), name
    assert metrics[-1]["valid_loss"] > 0 and 0 <= metrics[-1]["valid_mean_token_accuracy"] <= 1
    checkpoints = wire.get(f"{JOBS}/{job}/checkpoints").json
    check("ListFineTuningJobCheckpointsResponse", checkpoints)
    assert [c["step_number"] for c in checkpoints["data"]] == [4, 2]
    name = done["fine_tuned_model"]
    assert name.startswith(f"ft:{base}:facet:all-of-it:")
    listed = {m["id"]: m for m in wire.get("/v1/models").json["data"]}
    for model in [name, f"{name}:ckpt-step-2"]:
        assert listed[model]["parent"] == base
        assert wire.get(f"/v1/models/{model}").json["id"] == model
        body = {"model": model, "prompt": "The sky", "max_tokens": 2}
        assert wire.post("/v1/completions", body).json["model"] == model
    content = wire.get(f"/v1/files/{done['result_files'][0]}/content").data.decode()
    lines = content.splitlines()
    assert (
        lines[0] == "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"
    )
    assert len(lines) == 5
    assert done["trained_tokens"] > 0 and done["trained_tokens"] % 16 == 0
    check("OpenAIFile", wire.get(f"/v1/files/{done['result_files'][0]}").json)


def test_pages(wire, done):
    path = f"{JOBS}/{done['id']}/events"
    seen, after = [], ""
    while True:
        page = wire.get(f"{path}?limit=3{after}").json
        seen += [e["id"] for e in page["data"]]
        if not page["has_more"]:
            break
        after = f"&after={seen[-1]}"
    assert seen == [e["id"] for e in wire.get(f"{path}?limit=1000").json["data"]]


def test_legacy(wire, base, file, done):
    for path in ["/v1/fine-tunes", "/v1/fine_tunes"]:
        legacy = done["id"].replace("ftjob-", "ft-")
        shown = wire.get(f"{path}/{legacy}").json
        assert shown["object"] == "fine-tune" and shown["status"] == "succeeded"
        assert shown["fine_tuned_model"] == done["fine_tuned_model"]
        assert shown["result_files"][0]["id"] == done["result_files"][0]
        times = [e["created_at"] for e in shown["events"]]
        assert times == sorted(times) and shown["events"][0]["object"] == "fine-tune-event"
        listed = wire.get(f"{path}/{legacy}/events").json["data"]
        assert listed == shown["events"]
        streamed = wire.get(f"{path}/{legacy}/events?stream=true")
        assert streamed.headers["Content-Type"].startswith("text/event-stream")
        assert streamed.chunks == listed
        assert legacy in [j["id"] for j in wire.get(path).json["data"]]
    body = {"training_file": file, "model": base, "n_epochs": 200, "lora_rank": 1}
    made = wire.post("/v1/fine-tunes", {**body, "prompt_loss_weight": 0.5}).json
    assert made["id"].startswith("ft-") and made["status"] == "pending"
    assert made["hyperparams"]["prompt_loss_weight"] == 0.5
    today = made["id"].replace("ft-", "ftjob-")
    assert wire.get(f"{JOBS}/{today}").json["id"] == today
    ended = wire.post(f"/v1/fine-tunes/{made['id']}/cancel").json
    assert ended["status"] == "cancelled"
    for name in ["classification_n_classes", "classification_betas"]:
        answer = wire.post("/v1/fine-tunes", {**body, name: 2})
        assert answer.status == 400 and name in answer.error["param"]


def test_pause_and_resume(wire, base, file):
    body = {"model": base, "training_file": file, "hyperparameters": {"n_epochs": 300}}
    job = wire.post(JOBS, body).json["id"]
    while wire.get(f"{JOBS}/{job}").json["status"] != "running":
        time.sleep(0.01)
    refused = wire.delete(f"/v1/files/{file}")
    assert refused.status == 409 and refused.headers["x-should-retry"] == "false"
    assert wire.post(f"{JOBS}/{job}/pause").json["status"] == "paused"
    assert wire.post(f"{JOBS}/{job}/pause").status == 409
    assert wire.post(f"{JOBS}/{job}/resume").json["status"] in ("queued", "running")
    assert wire.post(f"{JOBS}/{job}/cancel").json["status"] == "cancelled"
    again = wire.post(f"{JOBS}/{job}/cancel")
    assert again.status == 409 and again.headers["x-should-retry"] == "false"
    assert wire.post(f"{JOBS}/{job}/resume").status == 409


@pytest.mark.parametrize(
    "change, param",
    [
        ({"hyperparameters": {"speed": 1}}, "hyperparameters.speed"),
        ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"lora_rank": "big"}}, "hyperparameters.lora_rank"),
        ({"hyperparameters": {"lora_target_modules": ["nonsense"]}}, None),
        ({"method": {"type": "reinforcement"}}, "method.reinforcement.grader"),
        ({"seed": -1}, "seed"),
        ({"suffix": "x" * 65}, "suffix"),
        ({"suffix": "a:b"}, "suffix"),
        ({"metadata": {"a": 1}}, "metadata.a"),
    ],
)
def test_what_is_wrong_is_named(wire, base, file, change, param):
    answer = wire.post(JOBS, {"model": base, "training_file": file, **change})
    if param is None:
        # Only the job can know; it says so.
        state = answer.json if answer.status == 400 else finished(wire, answer.json["id"])
        assert state["error"]["message"]
        return
    assert answer.status == 400, answer
    assert answer.error["param"] == param


def test_what_is_not_there(wire, base, file):
    answer = wire.post(JOBS, {"model": "nobody", "training_file": file})
    assert answer.status == 404 and answer.error["code"] == "model_not_found"
    answer = wire.post(JOBS, {"model": base, "training_file": "file-x"})
    assert answer.status == 404 and answer.error["code"] == "file_not_found"
    for path in [f"{JOBS}/ftjob-x", "/v1/fine-tunes/ft-x", "/v1/files/file-x", f"{JOBS}/x"]:
        answer = wire.get(path)
        assert answer.status == 404 and answer.error["code"] == "file_not_found", path


@pytest.mark.parametrize(
    "data, line",
    [
        (b"", None),
        (b"\n\n", None),
        (b"{", 1),
        (examples(1) + b"nonsense\n", 2),
        (examples(2) + b'{"messages": []}\n', 3),
        (b'{"messages": [{"role": "user", "content": "x"}]}\n', 1),
        (examples(1) + b"\xff\xfe\n", 2),
        (examples(1) + b'{"prompt": 1, "completion": "x"}\n', 2),
    ],
)
def test_invalid_training_data_names_the_line(wire, data, line):
    answer = wire.upload(data)
    assert answer.status == 400, answer
    assert answer.error["code"] == "invalid_training_file"
    if line:
        assert f"line {line}" in answer.error["message"].lower()


def test_one_example_is_enough(wire, base):
    assert wire.upload(json.dumps(EXAMPLE).encode()).status == 200
    silent = {"messages": [EXAMPLE["messages"][0], {**EXAMPLE["messages"][1], "weight": 0}]}
    assert wire.upload(json.dumps(silent).encode()).status == 400
