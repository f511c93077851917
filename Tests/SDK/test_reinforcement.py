"""Learning from the model's own answers, through the official client."""

import json
import time

import pytest

from conftest import Server

PROMPTS = [
    {"messages": [{"role": "user", "content": f"Write the letter {letter}."}], "letter": letter} for letter in "aeio"
]
# The share of an answer's words that the reference has: something a small model can move.
GRADER = {"type": "text_similarity", "name": "alike", "input": "{{sample.output_text}}",
          "reference": "the the the {{item.letter}}", "evaluation_metric": "rouge_1"}
HYPERPARAMETERS = {"n_epochs": 2, "batch_size": 2, "group_size": 4, "max_completion_tokens": 12,
                   "learning_rate": 2e-3, "loss": "grpo"}


def upload(client, records=PROMPTS):
    lines = "\n".join(json.dumps(record) for record in records)
    return client.files.create(file=("prompts.jsonl", lines.encode()), purpose="fine-tune").id


def create(client, seed=3, grader=GRADER, records=PROMPTS, **more):
    return client.fine_tuning.jobs.create(
        model="facet-demo", training_file=upload(client, records), seed=seed,
        method={"type": "reinforcement",
                "reinforcement": {"grader": grader, "hyperparameters": {**HYPERPARAMETERS, **more}}},
    )


def finished(client, job, seconds=240):
    deadline = time.monotonic() + seconds
    while job.status not in ("succeeded", "failed", "cancelled"):
        assert time.monotonic() < deadline, job.status
        time.sleep(0.2)
        job = client.fine_tuning.jobs.retrieve(job.id)
    return job


def steps(client, job):
    events = client.fine_tuning.jobs.list_events(job.id, limit=100).data
    return [event.data for event in reversed(events) if event.type == "metrics"]


def test_a_model_learns_from_rewards(client):
    job = finished(client, create(client, n_epochs=12, batch_size=4, group_size=8))
    assert job.status == "succeeded", job.error
    assert job.method.type == "reinforcement"
    assert job.method.reinforcement.grader.type == "text_similarity"
    told = steps(client, job)
    assert len(told) == 12
    for step in told:
        assert len(step["rewards"]) == len(step["advantages"]) == 4
        for rewards, advantages in zip(step["rewards"], step["advantages"]):
            assert len(rewards) == len(advantages) == 8
            mean = sum(rewards) / 8
            deviation = (sum((r - mean) ** 2 for r in rewards) / 7) ** 0.5
            for reward, advantage in zip(rewards, advantages):
                assert advantage == pytest.approx((reward - mean) / (deviation + 1e-4), abs=1e-9)
        everything = [reward for rewards in step["rewards"] for reward in rewards]
        assert step["reward"] == pytest.approx(sum(everything) / len(everything))
    # A new adapter is the reference, and moves away from it.
    assert told[0]["kl"] == pytest.approx(0, abs=1e-9) and told[-1]["kl"] > 0
    first, last = (sum(step["reward"] for step in part) / 3 for part in (told[:3], told[-3:]))
    assert last > first + 0.1, [step["reward"] for step in told]
    answer = client.chat.completions.create(
        model=job.fine_tuned_model, messages=PROMPTS[0]["messages"], max_tokens=8)
    assert answer.choices[0].message.content is not None


@pytest.mark.parametrize("loss", ["dapo", "dr_grpo", "rloo", "gspo"])
def test_every_loss_trains(client, loss):
    job = finished(client, create(client, loss=loss, updates_per_batch=2, beta=0.02, n_epochs=1))
    assert job.status == "succeeded", job.error
    told = steps(client, job)
    assert [step["step"] for step in told] == [1, 2, 3, 4]
    # Two steps learn from the same answers.
    assert told[0]["rewards"] == told[1]["rewards"] and told[2]["rewards"] == told[3]["rewards"]
    assert told[0]["rewards"] != told[2]["rewards"]


def test_a_paused_job_ends_with_the_same_numbers():
    server = Server()
    try:
        client = server.client()
        whole = steps(client, finished(client, create(client, updates_per_batch=2, n_epochs=3)))
        job = create(client, updates_per_batch=2, n_epochs=3)
        while not steps(client, job):
            time.sleep(0.05)
        client.fine_tuning.jobs.pause(job.id)
        while client.fine_tuning.jobs.retrieve(job.id).status == "running":
            time.sleep(0.05)
        time.sleep(1)
        client.fine_tuning.jobs.resume(job.id)
        job = finished(client, job)
        assert job.status == "succeeded", job.error
        assert steps(client, job) == whole
    finally:
        server.stop()


def test_what_is_wrong_is_said(client):
    import openai

    with pytest.raises(openai.BadRequestError) as failure:
        create(client, grader={"type": "python", "name": "p", "source": ""})
    assert failure.value.param == "method.reinforcement.grader.type"
    with pytest.raises(openai.BadRequestError) as failure:
        create(client, loss="sigmoid")
    assert "grpo" in failure.value.message
    lost = {**GRADER, "reference": "{{item.nothing}}"}
    job = finished(client, create(client, grader=lost))
    assert job.status == "failed" and job.error.code == "invalid_grader" and "of line " in job.error.message
    chat = [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}]
    job = finished(client, create(client, records=chat))
    assert job.status == "failed" and job.error.code == "invalid_training_file"
    with pytest.raises(openai.BadRequestError) as failure:
        client.fine_tuning.jobs.create(model="facet-demo", training_file=upload(client),
                                       method={"type": "reinforcement", "reinforcement": {}})
    assert failure.value.param == "method.reinforcement.grader"
