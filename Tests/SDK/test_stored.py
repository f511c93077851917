"""Stored completions, their ratings and the files that come of them, through the official client."""

import json

import openai
import pytest

from schemas import check


@pytest.fixture
def stored(server, client, base):
    """Three kept answers, one of them streamed, which are gone afterwards."""
    ids = []
    for index in range(3):
        answer = client.chat.completions.create(
            model=base,
            messages=[{"role": "user", "content": f"Say {index}."}],
            max_tokens=4,
            temperature=0,
            store=True,
            metadata={"suite": "stored", "index": str(index)},
            stream=index == 1,
        )
        ids.append([chunk.id for chunk in answer][0] if index == 1 else answer.id)
    yield ids
    for page in client.chat.completions.list(metadata={"suite": "stored"}, limit=100):
        client.chat.completions.delete(page.id)


def export(client, format, **filter):
    return client.post(
        "/chat/completions/export",
        body={"format": format, "filter": filter},
        cast_to=openai.types.FileObject,
    )


def lines(client, file):
    return [json.loads(line) for line in client.files.content(file.id).text.splitlines()]


def test_whole_way(client, base, stored):
    completions = client.chat.completions
    page = completions.list(model=base, metadata={"suite": "stored"}, limit=2)
    for completion in page.data:
        check("CreateChatCompletionResponse", completion)
    assert [c.id for c in page] == stored, "pages follow one another"
    assert [c.id for c in completions.list(metadata={"index": "1"}, order="desc")] == [stored[1]]
    found = completions.retrieve(stored[1])
    assert found.choices[0].message.content is not None
    messages = list(completions.messages.list(stored[1]))
    assert [m.content for m in messages] == ["Say 1."]
    changed = completions.update(stored[1], metadata={"suite": "stored", "rating": "up"})
    assert changed.metadata == {"suite": "stored", "rating": "up"}
    assert completions.retrieve(stored[1]) == changed
    assert completions.delete(stored[1]).deleted
    with pytest.raises(openai.NotFoundError):
        completions.retrieve(stored[1])


def test_rated_answers_become_training_files(client, stored):
    completions = client.chat.completions
    completions.update(stored[0], metadata={"suite": "stored", "rating": "up"})
    completions.update(
        stored[1], metadata={"suite": "stored", "rating": "down", "correction": "One."}
    )
    chat = export(client, "chat", metadata={"suite": "stored"})
    assert chat.purpose == "fine-tune"
    first, second = lines(client, chat)
    assert first["messages"][0]["content"] == "Say 0."
    assert second["messages"][1] == {"role": "assistant", "content": "One."}
    again = client.files.create(
        file=("again.jsonl", client.files.content(chat.id).content), purpose="fine-tune"
    )
    pair = lines(client, export(client, "preference", metadata={"suite": "stored"}))[0]
    assert pair["preferred_output"] == [{"role": "assistant", "content": "One."}]
    judged = lines(client, export(client, "kto", metadata={"suite": "stored"}))
    assert [record["kto_tag"] for record in judged] == [True, True, False]
    with pytest.raises(openai.BadRequestError) as error:
        export(client, "chat", metadata={"suite": "none"})
    assert error.value.param == "filter"
    client.files.delete(again.id)


def test_answers_survive_a_kill(base):
    from conftest import Server

    server = Server()
    answer = server.client().chat.completions.create(
        model=base, messages=[{"role": "user", "content": "Stay."}], max_tokens=2, store=True
    )
    server.kill()
    again = Server(folder=server.folder)
    assert again.client().chat.completions.retrieve(answer.id).choices == answer.choices
    assert again.stop() == 0
