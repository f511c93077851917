"""Models through the official client, and keys."""

import json
import subprocess
import time
import urllib.error
import urllib.request

import openai
import pytest

from conftest import Server
from schemas import check

import os


def test_models(client, base):
    page = client.models.list()
    check("ListModelsResponse", {"object": page.object, "data": [m.model_dump() for m in page]})
    assert client.models.retrieve(base).id == base
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete(base)


def test_health(server):
    for path in ["/health", "/livez", "/readyz", "/version", "/metrics"]:
        assert urllib.request.urlopen(server.url + path).status == 200


def keys(*arguments: str) -> str:
    command = [os.environ["FACET"], "keys", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_keys(tmp_path):
    file = str(tmp_path / "keys.json")
    refused = subprocess.run(
        [os.environ["FACET"], "serve", "--port", "0", "--api-keys", file],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert refused.returncode != 0
    made = keys("create", "--api-keys", file, "--tenant", "acme")
    key = next(word for word in made.split() if word.startswith("sk-facet-"))
    server = Server("--api-keys", file, folder=str(tmp_path))
    try:
        with pytest.raises(openai.AuthenticationError) as error:
            server.client("sk-wrong").models.list()
        assert error.value.code == "invalid_api_key"
        assert server.client(key).models.list().data
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(server.url + "/metrics")
        revoked = next(word for word in made.split() if word.startswith("key_"))
        keys("revoke", "--api-keys", file, revoked)
        for _ in range(50):
            try:
                server.client(key).models.list()
            except openai.AuthenticationError:
                break
            time.sleep(0.1)
        else:
            raise AssertionError("the key still opens the server")
    finally:
        assert server.stop() == 0


def test_errors_are_objects_with_four_keys(server):
    request = urllib.request.Request(
        server.url + "/v1/chat/completions",
        data=b"{",
        headers={"Content-Type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    body = json.load(error.value)
    check("ErrorResponse", body)
    assert set(body["error"]) == {"message", "type", "param", "code"}
