"""Every kind of adapter and training, over HTTP and with `facet train`: the same bytes.

All jobs are made at once, and the server trains two at a time; `facet train` trains each alone.
"""

import json
import os
import subprocess

import pytest

from conftest import REPOSITORY, Server
from test_resume import folder_of, lines, wait

COMMON = {"n_epochs": 2, "batch_size": 4, "learning_rate": 2e-3, "seed": 5, "lora_rank": 4}
RECIPES = {
    "plain": {},
    "dora-dropout": {"use_dora": True, "lora_dropout": 0.2},
    "loraplus": {"loraplus_lr_ratio": 16},
    "rslora": {"use_rslora": True},
    "neftune": {"neftune_noise_alpha": 5},
    "attention": {"lora_target_modules": ["q_proj", "v_proj"]},
    "paths": {"lora_target_modules": ["layers.0.self_attn.q_proj", "layers.1.mlp.up_proj"]},
    "packing": {"packing": True, "cutoff_len": 256},
    "decay": {"weight_decay": 0.1, "lr_scheduler_type": "linear", "max_grad_norm": 0.1},
    "texts": {},
    "continued": {},
}
# LLaMA-Factory's names where they are others.
THEIRS = {
    "n_epochs": "num_train_epochs",
    "batch_size": "per_device_train_batch_size",
    "lora_target_modules": "lora_target",
}
# Those that say when a checkpoint is made and measured, or what follows from others.
NOT_THEIRS = {
    "learning_rate_multiplier",
    "prompt_loss_weight",
    "save_steps",
    "save_total_limit",
    "eval_strategy",
    "eval_steps",
    "load_best_model_at_end",
    "metric_for_best_model",
}
CHAT = lines("train.jsonl", 8)
TEXTS = b"".join(
    json.dumps({"text": json.loads(line)["messages"][-1]["content"]}).encode() + b"\n"
    for line in CHAT.splitlines()
)


def data(recipe):
    return TEXTS if recipe == "texts" else CHAT


def job_bytes(server, job):
    checkpoints = folder_of(server, job) / "checkpoints"
    newest = max(checkpoints.iterdir(), key=lambda path: int(path.name.split("-")[1]))
    return newest, (newest / "adapter_model.safetensors").read_bytes()


def create(client, base, recipe, **more):
    file = client.files.create(file=("data.jsonl", data(recipe)), purpose="fine-tune").id
    hyperparameters = COMMON | RECIPES[recipe] | more
    return client.fine_tuning.jobs.create(
        model=base, training_file=file, extra_body={"hyperparameters": hyperparameters}
    )


def succeeded(server, job):
    job = wait(server, job)
    assert job.status == "succeeded", job.error
    return job


@pytest.fixture(scope="module")
def trained():
    """Server and jobs by recipe; `continued` goes on from `plain`, without naming a rank."""
    server = Server()
    client = server.client()
    [base] = [m.id for m in client.models.list() if not getattr(m, "parent", None)]
    jobs = {name: create(client, base, name) for name in RECIPES if name != "continued"}
    jobs = {name: succeeded(server, job) for name, job in jobs.items()}
    plain = jobs["plain"].fine_tuned_model
    job = create(client, plain, "continued", lora_rank=None)
    jobs["continued"] = succeeded(server, job)
    yield server, jobs
    assert server.stop() == 0


@pytest.mark.parametrize("recipe", RECIPES)
def test_same_bytes_alone(trained, recipe, tmp_path):
    """What the job says of its run, written into a file, is the same run."""
    server, jobs = trained
    _, expected = job_bytes(server, jobs[recipe])
    (tmp_path / "data.jsonl").write_bytes(data(recipe))
    configuration = {
        "model_name_or_path": os.environ.get("FACET_SDK_MODEL", str(REPOSITORY / "demo" / "base")),
        "dataset": str(tmp_path / "data.jsonl"),
        "stage": "pt" if recipe == "texts" else "sft",
        "finetuning_type": "lora",
        "output_dir": str(tmp_path / "out"),
    }
    if recipe == "continued":
        configuration["adapter_name_or_path"] = str(job_bytes(server, jobs["plain"])[0])
    chosen = jobs[recipe].method.supervised.hyperparameters.to_dict()
    assert COMMON.items() <= chosen.items()
    configuration |= {
        THEIRS.get(name, name): value
        for name, value in chosen.items()
        if name not in NOT_THEIRS and value is not None
    }
    path = tmp_path / "run.yaml"
    path.write_text(json.dumps(configuration))
    result = subprocess.run(
        [os.environ["FACET"], "train", str(path)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "adapter_model.safetensors").read_bytes() == expected
    others = [job_bytes(server, job)[1] for name, job in jobs.items() if name != recipe]
    assert expected not in others


def test_every_kind_answers(trained):
    server, jobs = trained
    for job in jobs.values():
        answer = server.client().chat.completions.create(
            model=job.fine_tuned_model,
            messages=[{"role": "user", "content": "Hi"}],
            max_tokens=2,
        )
        assert answer.model == job.fine_tuned_model


def test_going_on_keeps_the_shape(trained):
    server, jobs = trained
    assert jobs["continued"].hyperparameters.model_dump()["lora_rank"] == COMMON["lora_rank"]
    plain = jobs["plain"].fine_tuned_model
    job = wait(server, create(server.client(), plain, "continued", lora_rank=16))
    assert (job.status, job.error.code) == ("failed", "invalid_hyperparameters")
    assert job.error.param == "lora_rank"


def test_stage_and_data_must_agree(tmp_path):
    (tmp_path / "data.jsonl").write_bytes(CHAT)
    configuration = {
        "model_name_or_path": str(REPOSITORY / "demo" / "base"),
        "dataset": str(tmp_path / "data.jsonl"),
        "stage": "pt",
        "output_dir": str(tmp_path / "out"),
    }
    (tmp_path / "run.yaml").write_text(json.dumps(configuration))
    command = [os.environ["FACET"], "train", str(tmp_path / "run.yaml")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0
    assert "stage: sft" in result.stderr


@pytest.mark.parametrize(
    "more, reason",
    [
        ({"columns": {"prompt": "instruction", "response": "output"}}, None),
        ({"columns": {"prompt": "instruction", "response": "chosen"}}, None),
        ({"columns": {"prompt": "instruction", "response": "better"}}, "output"),
        ({"columns": {"prompt": "instruction", "images": "images"}}, "columns.images"),
        ({"formatting": "sharegpt", "tags": {"role_tag": "who"}}, "conversations"),
        ({"ranking": 1}, "ranking"),
        ({"hf_hub_url": "org/data"}, "hf_hub_url"),
    ],
)
def test_datasets_are_what_their_entry_says(tmp_path, more, reason):
    (tmp_path / "data.json").write_text('[{"instruction": "a", "output": "b", "chosen": "c"}]')
    entry = {"mine": {"file_name": "data.json"} | more}
    (tmp_path / "dataset_info.json").write_text(json.dumps(entry))
    configuration = {
        "model_name_or_path": str(REPOSITORY / "demo" / "base"),
        "dataset_dir": str(tmp_path),
        "dataset": "mine",
        "num_train_epochs": 1,
        "output_dir": str(tmp_path / "out"),
    }
    (tmp_path / "run.yaml").write_text(json.dumps(configuration))
    command = [os.environ["FACET"], "train", str(tmp_path / "run.yaml")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode == 0) == (reason is None), result.stderr
    assert reason is None or f"'{reason}'" in result.stderr
