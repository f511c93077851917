"""What goes wrong with a fine-tuning job ends in an error that says so, and loses nothing."""

import resource
import shutil
import signal
import time
from pathlib import Path

import openai
import pytest

from conftest import REPOSITORY, Server
from test_resume import PARTIAL, folder_of, lines, wait


class Desk:
    """A server, a training file on it, and jobs over that file."""

    def __init__(self, *arguments, folder=None):
        self.server = Server(*arguments, folder=folder)
        self.client = self.server.client()
        [self.base] = [m.id for m in self.client.models.list() if not getattr(m, "parent", None)]

    def upload(self):
        file = ("tickets.jsonl", lines("train.jsonl", 8))
        return self.client.files.create(file=file, purpose="fine-tune").id

    def create(self, file, **hyperparameters):
        return self.client.fine_tuning.jobs.create(
            model=self.base,
            training_file=file,
            seed=3,
            extra_body={"hyperparameters": {"batch_size": 4, **hyperparameters}},
        )

    def content(self, file):
        return Path(self.server.folder) / "data" / "files" / file

    def checkpoints(self, job):
        return list(self.client.fine_tuning.jobs.checkpoints.list(job.id, limit=1000))

    def wait_for_checkpoint(self, job):
        for _ in range(2400):
            if found := self.checkpoints(job):
                return found
            time.sleep(0.01)
        raise AssertionError("there is no checkpoint")

    def assert_answers(self, model):
        answer = self.client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hi"}], max_tokens=2
        )
        assert answer.model == model


@pytest.fixture
def desk():
    desk = Desk()
    yield desk
    assert desk.server.stop() == 0


def test_full_disk(desk):
    job = desk.create(desk.upload(), n_epochs=500, save_steps=5, lora_rank=16)
    desk.wait_for_checkpoint(job)
    process = desk.server.process.pid
    # No file can grow from here on: neither checkpoints nor the database.
    full = resource.prlimit(process, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    time.sleep(2)
    desk.assert_answers(desk.base)
    resource.prlimit(process, resource.RLIMIT_FSIZE, full)
    job = wait(desk.server, job)
    assert job.status == "failed"
    assert job.error.code == "storage_error"
    assert "too large" in job.error.message.lower()
    folder = folder_of(desk.server, job) / "checkpoints"
    assert not [path for path in folder.iterdir() if PARTIAL in path.name]
    for checkpoint in desk.checkpoints(job):
        desk.assert_answers(checkpoint.fine_tuned_model_checkpoint)
    # There is room again: the next job is none the worse.
    again = wait(desk.server, desk.create(desk.upload(), n_epochs=1))
    assert again.status == "succeeded", again.error


def test_file_in_use_and_file_lost(desk):
    file = desk.upload()
    job = desk.create(file, n_epochs=500, save_steps=1)
    desk.wait_for_checkpoint(job)
    with pytest.raises(openai.ConflictError):
        desk.client.files.delete(file)
    # Behind our back, while the job runs: it has read the file, and goes on.
    desk.content(file).unlink()
    desk.client.fine_tuning.jobs.pause(job.id)
    kept = desk.checkpoints(job)
    desk.client.fine_tuning.jobs.resume(job.id)
    job = wait(desk.server, job)
    assert (job.status, job.error.code) == ("failed", "file_not_found")
    assert "tickets.jsonl" in job.error.message
    assert {c.id for c in kept} <= {c.id for c in desk.checkpoints(job)}
    desk.assert_answers(kept[0].fine_tuned_model_checkpoint)
    # And before a job has read it.
    job = wait(desk.server, desk.create(file))
    assert (job.status, job.error.code) == ("failed", "file_not_found")


# Each within its range, together beyond any number.
EXPLOSIVE = {"learning_rate": 10, "loraplus_lr_ratio": 1e6, "lora_alpha": 1e9, "warmup_ratio": 0}


def test_not_a_number(desk):
    job = desk.create(desk.upload(), n_epochs=50, save_steps=1, **EXPLOSIVE)
    job = wait(desk.server, job)
    assert (job.status, job.error.code) == ("failed", "not_a_number")
    assert "At step" in job.error.message and "of the file" in job.error.message
    for checkpoint in desk.checkpoints(job):
        desk.assert_answers(checkpoint.fine_tuned_model_checkpoint)


def test_too_little_memory():
    desk = Desk("--training-memory", "20")
    job = wait(desk.server, desk.create(desk.upload(), lora_rank=256))
    assert (job.status, job.error.code) == ("failed", "insufficient_memory")
    assert "20 MB are there" in job.error.message and "lora_rank" in job.error.message
    assert desk.server.stop() == 0


def changed_base(folder):
    """The demo with other weights, under the same name."""
    shutil.copytree(REPOSITORY / "demo" / "base", folder)
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1000] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    return folder


@pytest.mark.parametrize("what", ["base model", "compute dtype"])
def test_other_numbers_at_restart(what, tmp_path):
    desk = Desk()
    job = desk.create(desk.upload(), n_epochs=500, save_steps=1)
    kept = desk.wait_for_checkpoint(job)
    desk.server.kill()
    options = ["--compute-dtype", "fp32"]
    if what == "base model":
        base = changed_base(tmp_path / desk.base)
        options = ["--model", str(base), "--served-model-name", desk.base]
    server = Server(*options, folder=desk.server.folder)
    job = wait(server, job)
    assert (job.status, job.error.code) == ("failed", "checkpoint_mismatch")
    assert what in job.error.message
    steps = [c.step_number for c in server.client().fine_tuning.jobs.checkpoints.list(job.id)]
    assert kept[0].step_number in steps
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=60) == 0


BAD = {
    "n_epochs": 0,
    "batch_size": 257,
    "learning_rate_multiplier": 0,
    "learning_rate": "fast",
    "lora_rank": 257,
    "lora_alpha": -1,
    "lora_dropout": 1,
    "lora_target_modules": [],
    "use_rslora": "yes",
    "use_dora": 1,
    "loraplus_lr_ratio": 0,
    "neftune_noise_alpha": -1,
    "lr_scheduler_type": "zigzag",
    "warmup_ratio": 2,
    "warmup_steps": -1,
    "weight_decay": -1,
    "max_grad_norm": -1,
    "gradient_accumulation_steps": 0,
    "cutoff_len": 1,
    "packing": 2,
    "save_steps": 0,
    "save_total_limit": 0,
    "seed": -1,
    "prompt_loss_weight": 2,
    "unheard_of": 1,
}


def test_bad_hyperparameters(desk):
    file = desk.upload()
    for name, value in BAD.items():
        with pytest.raises(openai.BadRequestError) as error:
            desk.create(file, **{name: value})
        assert error.value.param == f"hyperparameters.{name}"
        assert name in error.value.message
    job = wait(desk.server, desk.create(file, lora_target_modules=["nose_proj"]))
    assert (job.status, job.error.code) == ("failed", "invalid_hyperparameters")
    assert "nose_proj" in job.error.message
    assert not [j for j in desk.client.fine_tuning.jobs.list() if j.id != job.id]
