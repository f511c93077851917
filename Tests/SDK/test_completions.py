"""Completions through the official client."""

import asyncio

import openai
import pytest

from schemas import check


def ask(client, base, **more):
    options = {"model": base, "prompt": "Once upon a time", "max_tokens": 8, "temperature": 0}
    return client.completions.create(**{**options, **more})


def test_answer(client, base):
    answer = ask(client, base)
    check("CreateCompletionResponse", answer)
    assert answer.object == "text_completion"
    streamed = "".join(c.choices[0].text for c in ask(client, base, stream=True))
    assert streamed == answer.choices[0].text


def test_batches_answer_as_each_alone(client, base):
    prompts = ["Once", "The", "A dog", "Yes"]
    batch = ask(client, base, prompt=prompts, n=2, seed=3, temperature=1)
    assert [c.index for c in batch.choices] == list(range(8))
    for index, prompt in enumerate(prompts):
        alone = ask(client, base, prompt=prompt, n=2, seed=3, temperature=1)
        texts = [c.text for c in alone.choices]
        assert [c.text for c in batch.choices[2 * index : 2 * index + 2]] == texts


def test_scoring(client, base):
    answer = ask(client, base, prompt="Hello world", echo=True, logprobs=1, max_tokens=0)
    choice = answer.choices[0]
    assert choice.text == "Hello world"
    scores = choice.logprobs
    assert scores.token_logprobs[0] is None
    assert all(score <= 0 for score in scores.token_logprobs[1:])
    assert len(scores.tokens) == len(scores.text_offset) == len(scores.top_logprobs)
    assert answer.usage.completion_tokens == 0
    more = ask(client, base, prompt="Hello world", echo=True, logprobs=1, max_tokens=1)
    assert more.choices[0].logprobs.token_logprobs[: len(scores.tokens)] == scores.token_logprobs


def test_greedy_tokens_are_the_most_probable(client, base):
    scores = ask(client, base, logprobs=2).choices[0].logprobs
    for score, top in zip(scores.token_logprobs, scores.top_logprobs):
        assert score == max(top.values())


def test_best_of_is_no_worse(client, base):
    options = {"temperature": 1, "seed": 11, "logprobs": 0, "max_tokens": 6}

    def mean(choice):
        return sum(choice.logprobs.token_logprobs) / len(choice.logprobs.token_logprobs)

    best = ask(client, base, best_of=4, n=1, **options)
    every = ask(client, base, n=4, **options)
    assert mean(best.choices[0]) == max(mean(c) for c in every.choices)


def test_token_prompts(client, base):
    text = ask(client, base, prompt=[5, 6, 7], echo=True, max_tokens=0, logprobs=0)
    assert len(text.choices[0].logprobs.tokens) == 3
    with pytest.raises(openai.BadRequestError):
        ask(client, base, prompt=[10**9])


def test_async(server, base):
    async def main():
        async with server.async_client() as client:
            stream = await ask(client, base, stream=True, stream_options={"include_usage": True})
            chunks = [chunk async for chunk in stream]
            assert chunks[-1].usage.total_tokens > 0
            return "".join(c.choices[0].text for c in chunks if c.choices)

    assert asyncio.run(main()) == ask(server.client(), base).choices[0].text
