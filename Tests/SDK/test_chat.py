"""Chat completions through the official client."""

import asyncio

import openai
import pytest

from schemas import check

HELLO = [{"role": "user", "content": "Say hello."}]


def ask(client, base, **more):
    options = {"model": base, "messages": HELLO, "max_tokens": 12, "temperature": 0}
    return client.chat.completions.create(**{**options, **more})


def test_answer(client, base):
    answer = ask(client, base)
    check("CreateChatCompletionResponse", answer)
    assert answer.object == "chat.completion"
    assert answer.model == base
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert 0 < answer.usage.completion_tokens <= 12


def test_stream_says_the_same(client, base):
    whole = ask(client, base)
    chunks = list(ask(client, base, stream=True, stream_options={"include_usage": True}))
    for chunk in chunks:
        check("CreateChatCompletionStreamResponse", chunk)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason
    assert len({c.id for c in chunks}) == 1


def test_choices_and_seed(client, base):
    options = {"n": 3, "seed": 7, "temperature": 1.0}
    first = ask(client, base, **options)
    second = ask(client, base, **options)
    texts = [c.message.content for c in first.choices]
    assert [c.index for c in first.choices] == [0, 1, 2]
    assert texts == [c.message.content for c in second.choices]
    alone = ask(client, base, seed=8, temperature=1.0)
    assert alone.choices[0].message.content == texts[1]


def test_stop_is_not_shown(client, base):
    text = ask(client, base, max_tokens=40).choices[0].message.content
    stop = text[len(text) // 2 : len(text) // 2 + 2]
    if not stop:
        pytest.skip("the model says nothing")
    answer = ask(client, base, max_tokens=40, stop=[stop])
    assert answer.choices[0].message.content == text[: text.index(stop)]
    assert answer.choices[0].finish_reason == "stop"
    chunks = ask(client, base, max_tokens=40, stop=stop, stream=True)
    shown = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert shown == text[: text.index(stop)]


def test_logprobs(client, base):
    answer = ask(client, base, logprobs=True, top_logprobs=3)
    check("CreateChatCompletionResponse", answer)
    content = answer.choices[0].logprobs.content
    text = b"".join(bytes(t.bytes) for t in content).decode(errors="replace")
    assert text == answer.choices[0].message.content
    for token in content:
        assert token.logprob <= 0
        assert len(token.top_logprobs) == 3
        assert token.top_logprobs[0].logprob >= token.logprob


def test_logit_bias_decides(client, base, server):
    import json
    import urllib.request

    request = urllib.request.Request(
        server.url + "/tokenize",
        data=json.dumps({"content": "a"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    token = json.load(urllib.request.urlopen(request))["tokens"][-1]
    answer = ask(client, base, max_tokens=3, logit_bias={str(token): 100})
    assert answer.choices[0].message.content == "aaa"


def test_errors(client, base):
    with pytest.raises(openai.NotFoundError) as unknown:
        ask(client, "nobody")
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as hot:
        ask(client, base, temperature=3)
    assert hot.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as long:
        ask(client, base, messages=[{"role": "user", "content": "word " * 200_000}])
    assert long.value.code == "context_length_exceeded"
    assert "This model's maximum context length is" in long.value.message


def test_raw_response_carries_ids(client, base):
    raw = client.chat.completions.with_raw_response.create(
        model=base, messages=HELLO, max_tokens=1
    )
    assert raw.headers["x-request-id"]
    assert raw.parse()._request_id == raw.headers["x-request-id"]
    assert int(raw.headers["openai-processing-ms"]) >= 0


def test_async_answers_equal_sync_ones(server, client, base):
    alone = ask(client, base).choices[0].message.content

    async def main():
        async with server.async_client() as client:
            answers = [ask(client, base) for _ in range(8)]
            streams = [ask(client, base, stream=True) for _ in range(4)]
            texts = [a.choices[0].message.content for a in await asyncio.gather(*answers)]
            for stream in await asyncio.gather(*streams):
                text = ""
                async for chunk in stream:
                    text += chunk.choices[0].delta.content or ""
                texts.append(text)
            return texts

    assert asyncio.run(main()) == [alone] * 12


def test_a_dropped_stream_is_cancelled(server, client, base):
    stream = ask(client, base, max_tokens=100_000, stream=True, extra_body={"ignore_eos": True})
    next(iter(stream))
    stream.close()
    import time
    import urllib.request

    for _ in range(100):
        text = urllib.request.urlopen(server.url + "/metrics").read().decode()
        if re_value(text, "vllm:num_requests_running") == 0:
            return
        time.sleep(0.1)
    raise AssertionError("the request still runs")


def re_value(text: str, name: str) -> float:
    """The value of the first series of a metric."""
    for line in text.splitlines():
        if line.startswith(name):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no {name}")
