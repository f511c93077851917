"""Files through the official client."""

import asyncio
import io
import json
import pathlib

import openai
import pytest

from schemas import check

TABLES = pathlib.Path(__file__).parent.parent / "Fixtures/tables"

EXAMPLE = {
    "messages": [
        {"role": "user", "content": "What is the colour of the sky?"},
        {"role": "assistant", "content": "Blue."},
    ]
}


def examples(count: int) -> bytes:
    return "".join(json.dumps(EXAMPLE) + "\n" for _ in range(count)).encode()


def test_whole_way(client):
    data = examples(3)
    file = client.files.create(file=("sky.jsonl", data), purpose="fine-tune")
    check("OpenAIFile", file)
    assert file.filename == "sky.jsonl"
    assert file.bytes == len(data)
    assert client.files.wait_for_processing(file.id).status == "processed"
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).content == data
    assert file.id in [f.id for f in client.files.list(purpose="fine-tune", limit=1)]
    deleted = client.files.delete(file.id)
    assert deleted.deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_invalid_data_names_the_line(client):
    with pytest.raises(openai.BadRequestError) as error:
        client.files.create(file=("x.jsonl", examples(2) + b"{}\n"), purpose="fine-tune")
    assert error.value.code == "invalid_training_file"
    assert "line 3" in error.value.message


def test_tables_are_data_too(client):
    for name in ("nested.parquet", "nested.arrow", "nested.feather"):
        data = (TABLES / name).read_bytes()
        file = client.files.create(file=(name, data), purpose="fine-tune")
        shown = client.get(f"/files/{file.id}/examples?limit=2", cast_to=object)
        assert [example["line"] for example in shown["data"]] == [1, 2]
        assert "question 0" in shown["data"][0]["text"]
    with pytest.raises(openai.BadRequestError) as error:
        data = (TABLES / "refused-brotli.parquet").read_bytes()
        client.files.create(file=("x.parquet", data), purpose="fine-tune")
    assert "Brotli" in error.value.message


def test_async(server):
    async def main():
        async with server.async_client() as client:
            file = await client.files.create(
                file=io.BytesIO(b"anything at all"), purpose="user_data"
            )
            content = await client.files.content(file.id)
            assert content.content == b"anything at all"
            await client.files.delete(file.id)

    asyncio.run(main())
