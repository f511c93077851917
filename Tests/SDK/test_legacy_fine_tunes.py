"""The API of 2023, `/v1/fine-tunes`, with `curl` as its users had it."""

import json
import subprocess
import time

import pytest

from test_files import examples


def curl(server, *arguments, status=200):
    """Runs `curl` on a path of the server; the last argument is the path."""
    *options, path = arguments
    command = ["curl", "-sS", "-w", "\n%{http_code}", *options, server.url + path]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    body, code = output.rsplit("\n", 1)
    assert int(code) == status, body
    return body


def post(server, path, body, status=200):
    fields = ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    return json.loads(curl(server, *fields, path, status=status))


@pytest.fixture(scope="module")
def training_file(server, tmp_path_factory):
    path = tmp_path_factory.mktemp("legacy") / "sky.jsonl"
    path.write_bytes(examples(4))
    body = curl(server, "-F", "purpose=fine-tune", "-F", f"file=@{path}", "/v1/files")
    return json.loads(body)["id"]


def finished(server, job):
    for _ in range(2400):
        job = json.loads(curl(server, f"/v1/fine-tunes/{job['id']}"))
        if job["status"] not in ("pending", "running"):
            return job
        time.sleep(0.1)
    raise AssertionError(f"the job is {job['status']}")


def test_whole_way(server, base, training_file):
    job = post(
        server,
        "/v1/fine-tunes",
        {"training_file": training_file, "model": base, "suffix": "old", "batch_size": 2},
    )
    assert job["id"].startswith("ft-") and job["object"] == "fine-tune"
    assert job["hyperparams"]["n_epochs"] == 4
    assert job["hyperparams"]["prompt_loss_weight"] == 0.01
    stream = curl(server, "-N", f"/v1/fine-tunes/{job['id']}/events?stream=true")
    *events, end = [line.removeprefix("data: ") for line in stream.splitlines() if line]
    assert end == "[DONE]"
    events = [json.loads(event) for event in events]
    assert {event["object"] for event in events} == {"fine-tune-event"}
    assert events[0]["message"].startswith("Created fine-tun")
    assert events[-1]["message"] == "The job has successfully completed"
    job = finished(server, job)
    assert job["status"] == "succeeded"
    assert job["events"] == events
    listed = json.loads(curl(server, f"/v1/fine-tunes/{job['id']}/events"))
    assert listed == {"object": "list", "data": events}
    assert [f["id"] for f in job["training_files"]] == [training_file]
    table = curl(server, f"/v1/files/{job['result_files'][0]['id']}/content")
    # Four examples by two, four times.
    assert len(table.strip().splitlines()) == 1 + 8
    answer = post(
        server,
        "/v1/completions",
        {"model": job["fine_tuned_model"], "prompt": "The sky is", "max_tokens": 2},
    )
    assert answer["model"] == job["fine_tuned_model"]
    # The alias, and today's paths, show the same job.
    jobs = json.loads(curl(server, "/v1/fine_tunes"))["data"]
    assert job["id"] in [j["id"] for j in jobs] and "events" not in jobs[0]
    today = json.loads(curl(server, f"/v1/fine_tuning/jobs/ftjob-{job['id'].removeprefix('ft-')}"))
    assert today["fine_tuned_model"] == job["fine_tuned_model"]
    curl(server, "-X", "DELETE", f"/v1/models/{job['fine_tuned_model']}")
    curl(server, f"/v1/models/{job['fine_tuned_model']}", status=404)


def test_cancel(server, training_file):
    job = post(server, "/v1/fine-tunes", {"training_file": training_file, "n_epochs": 900})
    assert post(server, f"/v1/fine-tunes/{job['id']}/cancel", {})["status"] == "cancelled"
    error = post(server, f"/v1/fine-tunes/{job['id']}/cancel", {}, status=409)["error"]
    assert error["code"] == "invalid_job_status"
    stream = curl(server, f"/v1/fine-tunes/{job['id']}/events?stream=true")
    assert stream.rstrip().endswith("data: [DONE]")


def test_errors(server, training_file):
    error = post(
        server,
        "/v1/fine-tunes",
        {"training_file": training_file, "classification_n_classes": 2},
        status=400,
    )["error"]
    assert error["param"] == "classification_n_classes"
    error = post(
        server, "/v1/fine-tunes", {"training_file": training_file, "n_epochs": 0}, status=400
    )["error"]
    assert error["param"] == "n_epochs"
    post(server, "/v1/fine-tunes", {"training_file": "file-none"}, status=404)
    curl(server, "/v1/fine-tunes/ft-none", status=404)
