"""`facet eval` on the demo: the numbers hang together, and an adapter moves them."""

import json
import math
import os
import subprocess

import pytest

from conftest import REPOSITORY, Server
from test_resume import folder_of, wait

DATA = REPOSITORY / "examples" / "tickets"


def facet_eval(*arguments):
    command = [os.environ["FACET"], "eval", "--json", *map(str, arguments)]
    if model := os.environ.get("FACET_SDK_MODEL"):
        command += ["--model", model]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.fixture(scope="module")
def adapter():
    """An adapter of the tickets, as the server publishes it, and its last validation loss."""
    server = Server()
    client = server.client()
    files = [
        client.files.create(file=(name, (DATA / name).read_bytes()), purpose="fine-tune").id
        for name in ("train.jsonl", "heldout.jsonl")
    ]
    [base] = [m.id for m in client.models.list() if not getattr(m, "parent", None)]
    job = client.fine_tuning.jobs.create(
        model=base,
        training_file=files[0],
        validation_file=files[1],
        seed=1,
        extra_body={"hyperparameters": {"n_epochs": 1, "batch_size": 16, "learning_rate": 5e-3}},
    )
    job = wait(server, job)
    assert job.status == "succeeded", job.error
    [checkpoint] = client.fine_tuning.jobs.checkpoints.list(job.id)
    folder = folder_of(server, job) / "checkpoints" / f"step-{checkpoint.step_number}"
    yield folder, checkpoint.metrics
    server.stop()


def test_scores_and_predictions(adapter, tmp_path):
    folder, metrics = adapter
    output = tmp_path / "predictions.jsonl"
    base = facet_eval("--data", DATA / "heldout.jsonl")
    assert "predict_bleu-4" not in base
    assert base["eval_samples"] == 100
    trained = facet_eval(
        "--data", DATA / "heldout.jsonl", "--adapter", folder, "--output", output, "--max-tokens", 64
    )
    # The very number the job measured on the same file with the same weights.
    assert trained["eval_loss"] == metrics.full_valid_loss
    assert trained["eval_accuracy"] == metrics.full_valid_mean_token_accuracy
    assert math.isclose(trained["eval_perplexity"], math.exp(trained["eval_loss"]))
    assert trained["eval_loss"] < base["eval_loss"]
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    wanted = [json.loads(line)["messages"] for line in (DATA / "heldout.jsonl").open()]
    assert [line["label"] for line in lines] == [m[-1]["content"] for m in wanted]
    assert all(m[-2]["content"] in line["prompt"] for line, m in zip(lines, wanted))
    exact = sum(line["predict"].strip() == line["label"].strip() for line in lines)
    assert trained["predict_exact_match"] == pytest.approx(exact)
    for name in ("bleu-4", "rouge-1", "rouge-2", "rouge-l"):
        assert 0 <= trained[f"predict_{name}"] <= 100


def test_bad_data_names_the_line(tmp_path):
    data = tmp_path / "bad.jsonl"
    data.write_text((DATA / "heldout.jsonl").open().readline() + "{\n")
    command = [os.environ["FACET"], "eval", "--data", str(data)]
    if model := os.environ.get("FACET_SDK_MODEL"):
        command += ["--model", model]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0
    assert "line 2" in result.stderr


def test_a_missing_file_is_said():
    command = [os.environ["FACET"], "eval", "--data", "/nowhere.jsonl"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0
    assert "--data /nowhere.jsonl: the file cannot be read" in result.stderr
