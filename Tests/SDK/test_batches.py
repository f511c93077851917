"""Batches through the official client."""

import json
import time

import openai
import pytest

from conftest import Server
from schemas import check


def lines(base, count, **body):
    return "".join(
        json.dumps(
            {
                "custom_id": f"line-{index}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {
                    "model": base,
                    "messages": [{"role": "user", "content": f"Say {index}."}],
                    "max_tokens": 4,
                    "temperature": 0,
                }
                | body,
            }
        )
        + "\n"
        for index in range(count)
    ).encode()


def create(client, content, endpoint="/v1/chat/completions"):
    file = client.files.create(file=("lines.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=file.id,
        endpoint=endpoint,
        completion_window="24h",
        metadata={"suite": "batches"},
    )


def ended(client, batch, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        batch = client.batches.retrieve(batch.id)
        if batch.status in ("completed", "failed", "expired", "cancelled"):
            return batch
        time.sleep(0.05)
    raise AssertionError(f"{batch.status} after {seconds} s: {batch.request_counts}")


def records(client, file):
    return [json.loads(line) for line in client.files.content(file).text.splitlines()]


def test_whole_way(client, base):
    content = lines(base, 5) + lines("nobody", 1).replace(b"line-0", b"unknown")
    batch = create(client, content)
    check("Batch", batch)
    assert batch.id in [b.id for b in client.batches.list(limit=1)]
    batch = ended(client, batch)
    check("Batch", batch)
    assert batch.status == "completed"
    assert batch.metadata == {"suite": "batches"}
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (6, 5, 1)
    answers = records(client, batch.output_file_id)
    assert [a["custom_id"] for a in answers] == [f"line-{index}" for index in range(5)]
    # A line is answered as the same request is.
    alone = client.chat.completions.create(
        model=base,
        messages=[{"role": "user", "content": "Say 3."}],
        max_tokens=4,
        temperature=0,
    )
    body = answers[3]["response"]["body"]
    assert body["choices"][0]["message"]["content"] == alone.choices[0].message.content
    error = records(client, batch.error_file_id)[0]
    assert error["custom_id"] == "unknown"
    assert error["response"]["body"]["error"]["code"] == "model_not_found"


def test_invalid_lines_are_named(client):
    batch = ended(client, create(client, b'{"custom_id": "a"}\nnonsense\n'))
    assert batch.status == "failed"
    assert [(e.line, e.code) for e in batch.errors.data] == [
        (1, "missing_required_parameter"),
        (2, "invalid_json_line"),
    ]


def test_cancel(client, base):
    batch = create(client, lines(base, 200, max_tokens=64))
    client.batches.cancel(batch.id)
    batch = ended(client, batch)
    assert batch.status == "cancelled"
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(batch.id)


def test_no_line_is_done_twice_when_the_server_is_killed(base):
    server = Server()
    client = server.client()
    batch = create(client, lines(base, 60, max_tokens=24))
    while client.batches.retrieve(batch.id).request_counts.completed < 10:
        time.sleep(0.01)
    server.kill()
    again = Server(folder=server.folder)
    client = again.client()
    before = client.batches.retrieve(batch.id).request_counts.completed
    assert before >= 10
    batch = ended(client, batch)
    assert batch.request_counts.completed == 60
    answers = records(client, batch.output_file_id)
    assert [a["custom_id"] for a in answers] == [f"line-{index}" for index in range(60)]
    assert len({a["response"]["request_id"] for a in answers}) == 60
    assert again.stop() == 0
