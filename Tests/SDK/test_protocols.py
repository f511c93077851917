"""The other protocols, each with its own official client: OpenAI's responses, Anthropic's messages."""

import anthropic
import openai
import pytest


@pytest.fixture(scope="module")
def claude(server):
    return anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)


# The client has no argument for it any more; the protocol has the field.
GREEDY = {"temperature": 0}
MESSAGES = [{"role": "user", "content": "Say hello."}]


def chat_text(client, base, **more):
    answer = client.chat.completions.create(model=base, messages=MESSAGES, temperature=0, **more)
    return answer.choices[0].message.content


def test_a_response_says_what_chat_says(client, base):
    response = client.responses.create(
        model=base, input="Say hello.", temperature=0, max_output_tokens=12
    )
    assert response.output_text == chat_text(client, base, max_tokens=12)
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    assert response.status in ("completed", "incomplete")


def test_a_streamed_response_is_put_together_by_the_client(client, base):
    with client.responses.stream(
        model=base, input=[{"role": "user", "content": "Say hello."}], temperature=0,
        max_output_tokens=12,
    ) as stream:
        types = [event.type for event in stream]
        final = stream.get_final_response()
    assert types[0] == "response.created"
    assert types[-1] in ("response.completed", "response.incomplete")
    assert final.output_text == chat_text(client, base, max_tokens=12)


def test_a_response_goes_on_from_an_earlier_one(client, base):
    first = client.responses.create(model=base, input="Say hello.", temperature=0, max_output_tokens=8)
    assert client.responses.retrieve(first.id).output_text == first.output_text
    second = client.responses.create(
        model=base, input="Again.", previous_response_id=first.id, temperature=0, max_output_tokens=8
    )
    assert second.usage.input_tokens > first.usage.input_tokens + first.usage.output_tokens
    client.responses.delete(first.id)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=base, input="x", previous_response_id=first.id)
    assert caught.value.code == "previous_response_not_found"


def test_a_message_says_what_chat_says(claude, client, base):
    message = claude.messages.create(
        model=base, max_tokens=12, messages=MESSAGES, extra_body=GREEDY
    )
    assert message.content[0].text == chat_text(client, base, max_tokens=12)
    assert message.stop_reason in ("end_turn", "max_tokens")
    tokens = claude.messages.count_tokens(model=base, messages=MESSAGES).input_tokens
    used = message.usage
    assert tokens == used.input_tokens + used.cache_read_input_tokens


def test_a_streamed_message_is_put_together_by_the_client(claude, client, base):
    with claude.messages.stream(
        model=base, max_tokens=12, messages=MESSAGES, extra_body=GREEDY
    ) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == final.content[0].text == chat_text(client, base, max_tokens=12)
    assert final.usage.output_tokens > 0


def test_a_stop_sequence_is_named(claude, client, base):
    text = chat_text(client, base, max_tokens=12)
    message = claude.messages.create(
        model=base, max_tokens=12, messages=MESSAGES, extra_body=GREEDY,
        stop_sequences=[text[1:3]],
    )
    assert message.stop_reason == "stop_sequence"
    assert message.stop_sequence == text[1:3]
    assert message.content[0].text == text[:1]


def test_errors_are_those_of_the_client(claude):
    with pytest.raises(anthropic.NotFoundError) as caught:
        claude.messages.create(model="nobody", max_tokens=1, messages=MESSAGES)
    assert caught.value.body["error"]["type"] == "not_found_error"


def test_models_are_listed_for_both(claude, client, base):
    assert base in [model.id for model in claude.models.list()]
    assert base in [model.id for model in client.models.list()]


def test_embeddings_have_length_one_in_either_encoding(client, base):
    texts = ["the cat", "the price of fish", "the cat"]
    coded = client.embeddings.create(model=base, input=texts)
    plain = client.embeddings.create(model=base, input=texts, encoding_format="float")
    vectors = [entry.embedding for entry in coded.data]
    for vector, other in zip(vectors, plain.data, strict=True):
        assert abs(sum(x * x for x in vector) - 1) < 1e-5
        assert vector == pytest.approx(other.embedding, abs=1e-7)
    assert vectors[0] == vectors[2] != vectors[1]
    short = client.embeddings.create(model=base, input=texts[0], dimensions=8).data[0].embedding
    assert len(short) == 8 and abs(sum(x * x for x in short) - 1) < 1e-5
