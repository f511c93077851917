"""What the documented outside promises of answers, asked for over plain HTTP."""

import json

import pytest

from raw import Wire
from schemas import check

CHAT = "/v1/chat/completions"
TEXT = "/v1/completions"
HELLO = [{"role": "user", "content": "Hello there"}]


@pytest.fixture(scope="module")
def wire(server):
    return Wire(server.url)


@pytest.fixture(scope="module")
def context(wire):
    return wire.get("/version").json["max_model_len"]


def chat(base, **more):
    return {"model": base, "messages": HELLO, "max_tokens": 6, "temperature": 0, **more}


def text(base, **more):
    return {"model": base, "prompt": "Once upon", "max_tokens": 6, "temperature": 0, **more}


def test_every_answer_fits_the_schema(wire, base):
    for more in [{}, {"logprobs": True, "top_logprobs": 3}, {"n": 3, "temperature": 1}]:
        check("CreateChatCompletionResponse", wire.post(CHAT, chat(base, **more)).json)
        options = {"include_usage": True}
        stream = chat(base, stream=True, stream_options=options, **more)
        chunks = wire.post(CHAT, stream).chunks
        for chunk in chunks:
            check("CreateChatCompletionStreamResponse", chunk)
        assert len({(c["id"], c["created"], c["system_fingerprint"]) for c in chunks}) == 1
        assert chunks[-1]["choices"] == [] and chunks[-1]["usage"]["completion_tokens"] > 0
        assert all(chunk["usage"] is None for chunk in chunks[:-1])
    for more in [{}, {"logprobs": 5}, {"n": 2, "best_of": 3, "temperature": 1}, {"echo": True}]:
        check("CreateCompletionResponse", wire.post(TEXT, text(base, **more)).json)
        more.pop("best_of", None)
        for chunk in wire.post(TEXT, text(base, stream=True, **more)).chunks:
            check("CreateCompletionResponse", closed(chunk))


def closed(chunk):
    """OpenAI's schema knows no open choice, though OpenAI's own chunks have them."""
    for choice in chunk["choices"]:
        choice["finish_reason"] = choice["finish_reason"] or "stop"
    return chunk


def test_scoring(wire, base):
    request = text(base, echo=True, logprobs=1, max_tokens=0)
    choice = wire.post(TEXT, request).json["choices"][0]
    assert choice["text"] == "Once upon"
    assert choice["logprobs"]["token_logprobs"][0] is None
    assert all(p <= 0 for p in choice["logprobs"]["token_logprobs"][1:])


def test_choices_have_seeds_of_their_own(wire, base):
    many = wire.post(CHAT, chat(base, n=3, seed=5, temperature=1.5)).json["choices"]
    for choice in many:
        seed = 5 + choice["index"]
        alone = wire.post(CHAT, chat(base, seed=seed, temperature=1.5)).json["choices"][0]
        assert alone["message"] == choice["message"]
    equal = wire.post(CHAT, chat(base, n=3)).json["choices"]
    assert len({c["message"]["content"] for c in equal}) == 1


def test_logprobs_are_the_models_own(wire, base):
    plain = wire.post(TEXT, text(base, logprobs=5)).json["choices"][0]["logprobs"]
    hot = wire.post(TEXT, text(base, logprobs=5, temperature=2, seed=1)).json["choices"][0]
    assert plain["top_logprobs"][0].keys() <= hot["logprobs"]["top_logprobs"][0].keys()
    for token, probability in plain["top_logprobs"][0].items():
        assert hot["logprobs"]["top_logprobs"][0][token] == probability


def test_context(wire, base, context):
    wanted = f"This model's maximum context length is {context} tokens"
    for body in [
        text(base, prompt=[5] * (context + 1)),
        text(base, prompt="word " * 40 * context),
        chat(base, messages=[{"role": "user", "content": "word " * 40 * context}]),
    ]:
        path = CHAT if "messages" in body else TEXT
        answer = wire.post(path, body)
        assert answer.status == 400, answer
        assert answer.error["code"] == "context_length_exceeded"
        assert wanted in answer.error["message"]
    cut = wire.post(TEXT, text(base, prompt=[5] * (context - 3), max_tokens=50, ignore_eos=True))
    assert cut.json["choices"][0]["finish_reason"] == "length"
    assert cut.json["usage"]["completion_tokens"] <= 4


def test_completion_tokens_beat_tokens(wire, base):
    body = chat(base, max_tokens=9, max_completion_tokens=2, ignore_eos=True)
    assert wire.post(CHAT, body).json["usage"]["completion_tokens"] == 2


@pytest.mark.parametrize(
    "path, more, param",
    [
        (CHAT, {"temperature": 3}, "temperature"),
        (CHAT, {"temperature": "hot"}, "temperature"),
        (CHAT, {"top_p": -1}, "top_p"),
        (CHAT, {"n": 0}, "n"),
        (CHAT, {"n": 10**30}, "n"),
        (CHAT, {"n": 1e400}, "n"),
        (CHAT, {"stop": ["a"] * 5}, "stop"),
        (CHAT, {"top_logprobs": 2}, "top_logprobs"),
        (CHAT, {"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        (CHAT, {"logit_bias": {"999999999": 1}}, "logit_bias"),
        (CHAT, {"logit_bias": {"x": 1}}, "logit_bias"),
        (CHAT, {"stream_options": {"include_usage": True}}, "stream_options"),
        (CHAT, {"messages": []}, "messages"),
        (CHAT, {"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        (CHAT, {"lora": {"name": "x"}}, "lora"),
        (CHAT, {"lora": [{"name": "x", "scale": 9}]}, "lora[0].scale"),
        (CHAT, {"lora": [{"id": 99}]}, "lora[0].id"),
        (TEXT, {"logprobs": 6}, "logprobs"),
        (TEXT, {"best_of": 21}, "best_of"),
        (TEXT, {"n": 3, "best_of": 2}, "best_of"),
        (TEXT, {"suffix": "the end"}, "suffix"),
        (TEXT, {"prompt": [-1]}, "prompt"),
        (TEXT, {"prompt": [10**9]}, "prompt"),
        (TEXT, {"max_tokens": -1}, "max_tokens"),
    ],
)
def test_a_wrong_value_is_named(wire, base, path, more, param):
    body = chat(base, **more) if path == CHAT else text(base, **more)
    answer = wire.post(path, json.dumps(body).replace("Infinity", "1e400").encode())
    assert answer.status == 400, answer
    assert answer.error["param"] == param
    check("ErrorResponse", answer.json)


def test_what_is_unknown(wire, base):
    assert wire.post(CHAT, chat(base, unknown_field={"a": 1})).status == 200
    for model in ["nobody", "ft:x:y::z", "x@y", "../x", "\0", "é" * 5000]:
        answer = wire.post(CHAT, chat(model))
        assert answer.status == 404 and answer.error["code"] == "model_not_found"
    answer = wire.post(CHAT, chat(base, lora=[{"name": "nobody"}]))
    assert answer.status in (400, 404) and answer.error["code"] == "model_not_found"
    assert wire.post(CHAT, chat(base, lora=[])).status == 200


def test_limits(wire, base):
    deep = lambda n: b'{"model":"x","a":' + b"[" * n + b"]" * n + b"}"
    assert wire.post(CHAT, deep(99)).error["code"] != "invalid_json"
    assert wire.post(CHAT, deep(100)).status == 400
    assert wire.post(CHAT, b'{"a":"' + b"x" * (32 << 20) + b'"}').status == 413
    assert wire.get("/health", headers={"X-Big": "x" * 70000}).status == 431
    assert wire.send("PUT", CHAT, {}).status == 405
    assert wire.get("/v1/nothing").status == 404
    assert wire.get("/v1/nothing").error["type"] == "invalid_request_error"


def test_tokens(wire, base):
    tokens = wire.post("/tokenize", {"content": "Hello <|im_end|>"}).json["tokens"]
    assert wire.post("/detokenize", {"tokens": tokens}).json["content"] == "Hello <|im_end|>"
    plain = {"content": "<|im_end|>", "parse_special": False}
    assert len(wire.post("/tokenize", plain).json["tokens"]) > 1
    assert len(wire.post("/tokenize", {"content": "<|im_end|>"}).json["tokens"]) == 1
    prompt = wire.post("/apply-template", {"messages": HELLO}).json["prompt"]
    body = {"messages": HELLO, "add_generation_prompt": False}
    assert prompt.startswith(wire.post("/apply-template", body).json["prompt"])
    assert len(prompt) > len(wire.post("/apply-template", body).json["prompt"])


def test_metrics(wire):
    answer = wire.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    names = {line.split("{")[0].split(" ")[0] for line in answer.data.decode().splitlines()}
    for name in [
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        "vllm:kv_cache_usage_perc",
        "vllm:generation_tokens_total",
        "vllm:prompt_tokens_total",
        "vllm:lora_requests_info",
        "vllm:request_success_total",
        "vllm:time_to_first_token_seconds_bucket",
        "vllm:request_queue_time_seconds_bucket",
        "vllm:request_inference_time_seconds_bucket",
        "vllm:request_prefill_time_seconds_bucket",
        "vllm:request_decode_time_seconds_bucket",
        "vllm:iteration_tokens_total_bucket",
        "process_open_fds",
        "process_resident_memory_bytes",
    ]:
        assert name in names, name


@pytest.mark.parametrize(
    "path, field, value",
    [
        (CHAT, "stop", "\\ud800"),
        (CHAT, "user", "\\ud83d"),
        (TEXT, "prompt", "\\u0000"),
        (TEXT, "prompt", "\\udc00\\ud800"),
    ],
)
def test_strange_text_does_no_harm(wire, base, path, field, value):
    body = chat(base) if path == CHAT else text(base)
    body[field] = "@"
    answer = wire.post(path, json.dumps(body).replace('"@"', f'"{value}"').encode())
    assert answer.status in (200, 400), answer
    assert wire.get("/health").status == 200
