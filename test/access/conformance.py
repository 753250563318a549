"""Holds what a server answers and says to its own descriptions: every field must be described, and be what it is
described as. `RunningNode` asks this of each answer and each frame, so that every test of the access layer does."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, ValidationError

from twim.access.http.asyncapi import asyncapi
from twim.access.http.openapi import openapi
from twim.access.http.site import AREAS
from twim.wire.described import HEARD

Json = Any


def strict(schema: Json) -> Json:
    """The schema, in which no object has a field that isn't described."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: strict(one) for name, one in schema.items()}
    if found.get("type") == "object" and "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


@cache
def _described() -> tuple[Json, list[tuple[re.Pattern[str], str]]]:
    document = json.loads(json.dumps(openapi(AREAS, "test")))
    # Paths without variables first.
    paths = sorted(document["paths"], key=lambda path: ("{" in path, path))
    return document, [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]


@cache
def _validator(path: str, method: str, status: str) -> Draft202012Validator | None:
    document, _ = _described()
    operation = document["paths"][path].get(method)
    content = operation["responses"][status]["content"] if operation else {}
    if "application/json" not in content:
        return None
    schema = content["application/json"]["schema"]
    return Draft202012Validator(strict({"components": document["components"], **schema}))


@cache
def _frame_validator(name: str) -> Draft202012Validator:
    components = json.loads(json.dumps(asyncapi("test")["components"]))
    return Draft202012Validator(strict({"components": components, **components["messages"][name]["payload"]}))


def check_answer(method: str, target: str, status: int, body: Json) -> None:
    """AssertionError unless the answer, whose body is JSON, is as described. What isn't described may be anything."""
    path = next((path for shape, path in _described()[1] if shape.fullmatch(urlsplit(target).path)), "")
    # The 503 of /health/ready is told with the same data.
    is_done = status == 200 or (path == "/health/ready" and status == 503)
    found = _validator(path, method.lower(), "200" if is_done else "default") if path else None
    if found is None or body is None:
        return
    if path == "/health/ready" and status == 503:
        body = body | {"code": 0}
    _check(found, body, f"{method} {path} {status}")


def check_frame(frame: Json) -> None:
    """AssertionError unless a frame of the server is as described."""
    name, _ = HEARD[frame["cmd"]]
    _check(_frame_validator(name), frame, name)


def _check(validator: Draft202012Validator, value: Json, what: str) -> None:
    try:
        validator.validate(value)
    except ValidationError as error:
        raise AssertionError(f"{what} isn't as described: {error.message}, in {json.dumps(value)[:500]}") from None
