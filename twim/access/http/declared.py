"""What paths take and answer, declared once: a `Field` both reads a field of a request and says what it may be, and
`Answer` says what comes back. `twim.access.http.openapi` describes the paths by them.

A route names the fields that it takes (``takes=``), and reads each by its declaration (``fields[SEQ]``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from twim.access.http.fields import MOBILE, PASSWD, SEXES, Fields
from twim.errors import Malformed
from twim.wire.message import ADDRESS_CHARS, ID_LIMIT

T = TypeVar("T")
CHOICE_CHARS: Final = 20  # of a word that is looked at
Schema = Mapping[str, object]
"""What a value may be, in JSON Schema (2020-12)."""


@dataclass(frozen=True)
class Field(Generic[T]):
    """A field of a request: its name, how it is read, and its schema."""

    name: str
    read: Callable[[Fields], T]
    schema: Schema
    required: bool = False


def text(name: str, most: int, least: int = 0) -> Field[str]:
    """A text of `least` to `most` characters; left out it is empty."""
    return Field(name, lambda fields: fields.text(name, most, least), _text(most, least), least > 0)


def choice(name: str, *values: str, default: str = "") -> Field[str]:
    """One of some words."""

    def read(fields: Fields) -> str:
        value = fields.text(name, CHOICE_CHARS, default=default)
        if value not in values:
            raise Malformed(f"{name}: one of {', '.join(values)}")
        return value

    return Field(name, read, {"type": "string", "enum": list(values)} | ({"default": default} if default else {}))


def whole(name: str, default: int | None = None, least: int = 0, most: int = ID_LIMIT - 1) -> Field[int]:
    """A whole number, which must be there unless there is a default."""
    schema: dict[str, object] = {"type": "integer", "minimum": least, "maximum": most}
    if default is not None:
        schema["default"] = default
    return Field(name, lambda fields: fields.whole(name, default, least, most), schema, default is None)


def flag(name: str) -> Field[int]:
    """0 or 1."""
    return whole(name, least=0, most=1)


def identifier(name: str) -> Field[int]:
    """The id of something."""
    return whole(name, least=1)


def name_of(name: str, most: int, least: int = 0) -> Field[str]:
    """What something is called: see `Fields.name`."""
    return Field(name, lambda fields: fields.name(name, most, least), _text(most, least), least > 0)


def lines(name: str, most: int) -> Field[str]:
    """What somebody wrote about something."""
    return Field(name, lambda fields: fields.memo(name, most), _text(most, 0))


def address(name: str) -> Field[str]:
    """Where a picture is; the handler reads it (`picture_of`), since a signature isn't counted."""
    return Field(
        name, lambda fields: fields.address(name, ADDRESS_CHARS), {"type": "string", "format": "uri-reference"}
    )


def optional(field: Field[T]) -> Field[T]:
    """The same field, of which the handler asks whether it is there."""
    return Field(field.name, field.read, field.schema)


def required(field: Field[T]) -> Field[T]:
    """The same field, without which the handler refuses."""
    return Field(field.name, field.read, field.schema, True)


def _text(most: int, least: int) -> dict[str, object]:
    return {"type": "string", "maxLength": most} | ({"minLength": least} if least else {})


MOBILE_FIELD: Final = Field(
    "mobile", lambda fields: fields.mobile(), {"type": "string", "pattern": f"^{MOBILE.pattern}$"}, True
)
SEX: Final = Field("sex", lambda fields: fields.sex(), {"type": "string", "enum": list(SEXES), "default": "U"})
FILE: Final[Field[None]] = Field("file", lambda fields: None, {"type": "string", "format": "binary"}, True)
"""A file, in a body of several parts, which `twim.access.files` reads while it arrives."""


def passwd(name: str = "passwd") -> Field[str]:
    """A new password."""
    least, most = PASSWD
    schema = {"type": "string", "format": "password", "minLength": least, "maxLength": most}
    return Field(name, lambda fields: fields.passwd(name), schema, True)


def secret(name: str = "passwd") -> Field[str]:
    """A password to be checked, whatever it is."""
    return Field(name, lambda fields: fields.secret(name), {"type": "string", "format": "password"}, True)


@dataclass(frozen=True)
class Answer:
    """What a path answers beside `code` and `msg`: `data`, or `rows` with their `total`. Types are TypedDicts and
    msgspec's Structs. `more` stands beside `data` and `rows`."""

    data: Any = None
    rows: Any = None
    more: Mapping[str, Any] = field(default_factory=dict)
    media: str = "application/json"
    """Another one than JSON is a whole answer by itself."""
    is_redirect: bool = False
    """Whether the browser is sent elsewhere (302)."""


NOTHING: Final = Answer()
REDIRECTED: Final = Answer(is_redirect=True)


def data(type: Any, /, **more: Any) -> Answer:
    """One thing."""
    return Answer(data=type, more=more)


def rows(type: Any, /, **more: Any) -> Answer:
    """A list of things."""
    return Answer(rows=type, more=more)


@dataclass(frozen=True)
class Described:
    """A route as it is described."""

    path: str
    """Below its area, in Klein's way: ``/users/<id>``."""
    methods: Sequence[str]
    name: str
    summary: str
    takes: Sequence[Field[Any]] | None
    """None for a route that doesn't say so, which a test refuses."""
    gives: Answer
    who: str = "user"
    """Who may ask: `user` (by a token), `key` (by an API key), or `anybody`."""
    body: Any = None
    """The type of a JSON body, in place of fields."""
    scope: str = ""
    """Which scope a key needs."""
