"""Requests meant to do harm, through real sockets: each is refused, cheaply, and the next is served."""

import time

import pytest

from raw import Wire
from test_files import examples

TEXT = "/v1/completions"
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def wire(server):
    wire = Wire(server.url)
    yield wire
    assert wire.get("/health").status == 200
    for name, value in wire.metrics().items():
        if name.startswith(("vllm:num_requests_running", 'facet_kv_blocks{state="used"}')):
            assert value == 0, name


@pytest.mark.parametrize("text", ["a", " ", "x ", "é"])
def test_prompts_of_megabytes_are_not_even_encoded(wire, base, text):
    size = 24 * MEGABYTE // len(text.encode())
    begun = time.monotonic()
    answer = wire.post(TEXT, f'{{"model": "{base}", "prompt": "{text * size}"}}'.encode())
    assert answer.status == 400 and answer.error["code"] == "context_length_exceeded"
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    "more, status",
    [
        ({"prompt": [5] * 1_000_000}, 400),
        ({"prompt": ["a"] * 1025}, 400),
        ({"n": 129}, 400),
        ({"max_tokens": 2**63 - 1}, 200),
        ({"seed": -(2**63), "n": 2}, 200),
        ({"seed": 2**63 - 1, "n": 3}, 200),
        ({"seed": 2**64}, 400),
        ({"temperature": 1e-300}, 200),
        ({"temperature": 1e-40}, 200),
        ({"logit_bias": {str(n): -100 for n in range(4096)}, "temperature": 2}, 200),
        ({"logit_bias": {str(n): 1 for n in range(200_000)}}, 400),
        ({"repetition_penalty": 0.01, "frequency_penalty": -2, "temperature": 2}, 200),
        ({"top_p": 0}, 200),
        ({"min_p": 1}, 200),
        ({"stop": ["ab" * MEGABYTE] * 4}, 200),
    ],
)
def test_extremes(wire, base, more, status):
    answer = wire.post(TEXT, {"model": base, "prompt": "a", "max_tokens": 4, **more})
    assert answer.status == status, answer
    assert wire.get("/health").status == 200


def test_conversations_that_never_end(wire, base):
    messages = [{"role": "user", "content": "x"}] * 200_000
    answer = wire.post("/v1/chat/completions", {"model": base, "messages": messages})
    assert answer.status == 400, answer
    assert wire.post("/apply-template", {"messages": messages}).status in (200, 400)


def test_template_variables_cannot_take_over(wire, base):
    messages = [{"role": "user", "content": "x"}]
    for more in [{"messages": "x"}, {"raise_exception": 1}, {"loop": [[]]}, {"range": 10**9}]:
        body = {"model": base, "messages": messages, "max_tokens": 1, "chat_template_kwargs": more}
        assert wire.post("/v1/chat/completions", body).status in (200, 400)


def part(head: str, data: bytes = b"", mark: str = "m") -> bytes:
    return f"--{mark}\r\n{head}\r\n\r\n".encode() + data + b"\r\n"


NAMED = 'Content-Disposition: form-data; name="{}"'
FILE = NAMED.format("file") + '; filename="x"'


@pytest.mark.parametrize(
    "body, kind, status",
    [
        (b"x", "multipart/form-data", 400),
        (b"--\r\n", "multipart/form-data; boundary=", 400),
        (b"x", "multipart/form-data; boundary=" + "b" * 5000, 400),
        (part(FILE, b"abc"), "multipart/form-data; boundary=m", 400),
        (part(FILE) + part(FILE) + b"--m--", "multipart/form-data; boundary=m", 400),
        (part(FILE) + b"--m--", "multipart/form-data; boundary=m", 400),
        (part("X: " + "x" * MEGABYTE) + b"--m--", "multipart/form-data; boundary=m", 400),
        (part("Content-Type: text/plain") + b"--m--", "multipart/form-data; boundary=m", 400),
        (part(NAMED.format("a")) * 20000 + b"--m--", "multipart/form-data; boundary=m", 400),
        (
            part(NAMED.format("purpose"), b"x" * MEGABYTE) + b"--m--",
            "multipart/form-data; boundary=m",
            413,
        ),
        (b"{}", "application/json", 415),
    ],
)
def test_forms(wire, body, kind, status):
    answer = wire.send("POST", "/v1/files", body, {"Content-Type": kind})
    assert answer.status == status, answer
    assert answer.error["message"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\x\\y", "/", "..", "a" * 3000, "%00"])
def test_file_names_are_only_names(wire, name):
    answer = wire.upload(examples(1), name=name, purpose="user_data")
    assert answer.status in (200, 400), answer
    if answer.status == 200:
        assert "/" not in answer.json["filename"] and "\\" not in answer.json["filename"]
        file = answer.json["id"]
        assert wire.get(f"/v1/files/{file}/content").data == examples(1)
        assert wire.delete(f"/v1/files/{file}").status == 200


@pytest.mark.parametrize("data", [b'{"messages":' + b"[" * 100_000, "{}".encode("utf-16")])
def test_training_data(wire, data):
    answer = wire.upload(data)
    assert answer.status == 400 and answer.error["code"] == "invalid_training_file"


@pytest.mark.parametrize("path", ["a%00b", "%ff%fe", "..%2f..%2fetc%2fpasswd", "%", "%zz"])
def test_paths(wire, path):
    for route in ["/v1/models/", "/v1/files/", "/v1/adapters/", "/v1/fine_tuning/jobs/"]:
        answer = wire.get(route + path)
        assert answer.status in (400, 404), answer
        assert answer.error["message"]
