"""Rerank, score, infill and timings: bodies of other servers, sent by the official client."""

import openai
import pytest


def post(client, path, body):
    return client.post(path, body=body, cast_to=object)


def test_the_same_text_is_the_most_relevant(client, base):
    documents = ["Blue is the sky.", "Bread is baked.", {"text": "What colour is the sky?"}]
    answer = post(
        client,
        "/rerank",
        {"model": base, "query": "What colour is the sky?", "documents": documents, "top_n": 2},
    )
    best = answer["results"][0]
    assert len(answer["results"]) == 2
    assert best["index"] == 2 and best["document"] == documents[2]
    assert best["relevance_score"] == pytest.approx(1, abs=1e-5)
    score = post(
        client, "/score", {"model": base, "text_1": "a", "text_2": ["a", "Something else."]}
    )
    scores = [entry["score"] for entry in score["data"]]
    assert scores[0] == pytest.approx(1, abs=1e-5) and scores[1] < scores[0]
    embeddings = client.embeddings.create(model=base, input=["a", "Something else."]).data
    cosine = sum(x * y for x, y in zip(embeddings[0].embedding, embeddings[1].embedding))
    assert scores[1] == pytest.approx(cosine, abs=1e-4)


def test_timings_come_when_they_are_asked_for(client, base):
    request = {
        "model": base,
        "messages": [{"role": "user", "content": "Say something."}],
        "max_tokens": 8,
    }
    plain = client.chat.completions.create(**request)
    assert not hasattr(plain, "timings")
    timed = client.chat.completions.create(**request, extra_headers={"x-facet-timings": "1"})
    assert timed.timings["predicted_n"] == timed.usage.completion_tokens
    cached = timed.usage.prompt_tokens_details.cached_tokens
    assert timed.timings["cache_n"] == cached
    assert timed.timings["prompt_n"] == timed.usage.prompt_tokens - cached
    assert timed.timings["predicted_per_second"] > 0
    stream = client.chat.completions.create(
        **request, stream=True, extra_body={"timings_per_token": True}
    )
    counts = [chunk.timings["predicted_n"] for chunk in stream]
    assert counts == sorted(counts) and counts[-1] > 0


def test_a_gap_needs_a_model_that_fills_gaps(client, base):
    with pytest.raises(openai.BadRequestError) as error:
        client.completions.create(model=base, prompt="a", suffix="b")
    assert error.value.param == "suffix"
