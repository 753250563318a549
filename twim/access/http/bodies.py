"""The body of a request as its fields: a form, multipart or JSON. It is small (`request.SMALL_BODY`) and in memory.

twisted.web would parse forms itself, but answers a broken one with a bare status line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from twim.errors import Malformed, WrongType

FIELDS: Final = 100  # in one body; our paths know fewer than 20
FLAGS: Final = frozenset({"accept", "approved", "disabled"})
"""Fields that are 0 or 1, and in JSON also false or true."""


def read_body(content_type: str, body: bytes) -> dict[str, str]:
    """The fields in `body`; of a field given twice the last. An empty one has none, whatever its type. `WrongType`
    when the type is none of ours, or isn't said; `Malformed` when the body is not what its type says."""
    if not body:
        return {}
    media, options = parse_options_header(content_type)
    reader = _READERS.get(media.lower())
    if reader is None:
        raise WrongType("a form or JSON, please")
    return reader(body, options)


def _from_form(body: bytes, options: Mapping[str, str]) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELDS))
    except ValueError:  # UnicodeDecodeError is a ValueError, too
        raise Malformed("the body is not a form in UTF-8") from None


def _from_multipart(body: bytes, options: Mapping[str, str]) -> dict[str, str]:
    boundary = options.get("boundary", "")
    if not boundary:
        raise Malformed("multipart/form-data without its boundary")
    fields: dict[str, bytes] = {}
    name = ""
    try:
        with PushMultipartParser(boundary, max_segment_count=FIELDS) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    name = event.name
                    fields[name] = b""
                elif event is not None:
                    fields[name] += event
        return {name: value.decode() for name, value in fields.items()}
    except (MultipartError, UnicodeError) as error:
        raise Malformed(f"multipart/form-data: {error}") from None


def _from_json(body: bytes, options: Mapping[str, str]) -> dict[str, str]:
    if not body.strip():
        return {}
    try:
        loose: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("the body is not JSON") from None
    if not isinstance(loose, dict):
        raise Malformed("the body is not a JSON object")
    return {name: _scalar(name, value) for name, value in loose.items() if value is not None}


def _scalar(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) and name in FLAGS:
        return str(int(value))
    # Of any other field, true as a number would be the id of somebody.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Malformed(f"{name}: a text or a whole number")


_READERS: Final[dict[str, Callable[[bytes, Mapping[str, str]], dict[str, str]]]] = {
    "application/x-www-form-urlencoded": _from_form,
    "multipart/form-data": _from_multipart,
    "application/json": _from_json,
}
