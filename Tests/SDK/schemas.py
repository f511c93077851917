"""OpenAI's own schemas, which lie in `shared/` beside the checkout when they are there."""

import functools
import json
import os
from pathlib import Path

import jsonschema

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("FACET_SHARED", REPOSITORY.parent / "shared"))


def _plain(schema):
    """OpenAPI 3.0's `nullable` and boolean `exclusiveMinimum` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(value) for key, value in schema.items()}
    if plain.pop("exclusiveMinimum", None) is True:
        plain["exclusiveMinimum"] = plain.pop("minimum")
    if plain.pop("nullable", False) is True:
        return {"anyOf": [plain, {"type": "null"}]}
    return plain


@functools.cache
def _document():
    path = SHARED / "openai" / "openapi.json"
    return _plain(json.loads(path.read_text())) if path.exists() else None


def check(name: str, value) -> None:
    """Fails unless `value`, a document or a model of the SDK, fits the schema called `name`."""
    document = _document()
    if document is None:
        return
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json", exclude_unset=True, by_alias=True)
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.validate(value, schema)
