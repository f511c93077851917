"""Fine-tuning through the official client: from a file to a model that answers."""

import time

import openai
import pytest

from schemas import check
from test_files import examples


@pytest.fixture(scope="module")
def training_file(client):
    file = client.files.create(file=("sky.jsonl", examples(4)), purpose="fine-tune")
    yield file.id
    client.files.delete(file.id)


def wait(client, job, *statuses):
    for _ in range(2400):
        job = client.fine_tuning.jobs.retrieve(job.id)
        if job.status in statuses:
            return job
        time.sleep(0.1)
    raise AssertionError(f"the job is {job.status}")


def test_whole_way(client, base, training_file):
    job = client.fine_tuning.jobs.create(
        model=base,
        training_file=training_file,
        suffix="sky",
        seed=1,
        metadata={"purpose": "test"},
        method={
            "type": "supervised",
            "supervised": {
                "hyperparameters": {"n_epochs": 2, "batch_size": 2},
            },
        },
        extra_body={"hyperparameters": {"lora_rank": 2}},
    )
    check("FineTuningJob", job)
    job = wait(client, job, "succeeded", "failed")
    assert job.status == "succeeded", job.error
    check("FineTuningJob", job)
    assert job.fine_tuned_model.startswith(f"ft:{base}:facet:sky:")
    assert job.hyperparameters.n_epochs == 2
    assert job.hyperparameters.model_dump()["lora_rank"] == 2
    assert job.trained_tokens > 0
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=3))
    assert [e for e in events if e.type == "metrics"]
    checkpoints = list(client.fine_tuning.jobs.checkpoints.list(job.id))
    assert [c.step_number for c in checkpoints] == [4, 2]
    for model in [job.fine_tuned_model, checkpoints[-1].fine_tuned_model_checkpoint]:
        answer = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hi"}], max_tokens=2
        )
        assert answer.model == model
    table = client.files.content(job.result_files[0]).text
    assert table.startswith("step,train_loss,train_accuracy,valid_loss")
    assert job.id in [j.id for j in client.fine_tuning.jobs.list(metadata={"purpose": "test"})]
    assert client.models.delete(job.fine_tuned_model).deleted
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(job.fine_tuned_model)


def test_cancel(client, base, training_file):
    job = client.fine_tuning.jobs.create(
        model=base,
        training_file=training_file,
        extra_body={"hyperparameters": {"n_epochs": 900}},
    )
    wait(client, job, "running", "queued")
    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"
    with pytest.raises(openai.ConflictError):
        client.fine_tuning.jobs.cancel(job.id)


def test_errors(client, base, training_file):
    with pytest.raises(openai.NotFoundError) as error:
        client.fine_tuning.jobs.create(model=base, training_file="file-none")
    assert error.value.code == "file_not_found"
    with pytest.raises(openai.BadRequestError) as error:
        client.fine_tuning.jobs.create(
            model=base,
            training_file=training_file,
            extra_body={"hyperparameters": {"speed": 1}},
        )
    assert "speed" in error.value.message
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.jobs.retrieve("ftjob-none")
