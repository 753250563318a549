"""What a request says: its fields, from a form, a query or a JSON body, and their bounds.

A value beyond its bound is refused with the field's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from twisted.web.server import Request

from twim.access.http.bodies import read_body
from twim.access.http.names import DECOMPOSED, clean_line, clean_lines, clean_name
from twim.access.websocket.upgrade_request import Upgrade
from twim.errors import Malformed
from twim.logic.passwords import prepare
from twim.wire.message import ID_LIMIT

T = TypeVar("T", covariant=True)
MOBILE: Final = re.compile(r"\+?[0-9]{3,20}")
PASSWD: Final = (6, 128)
SEXES: Final = ("W", "M", "U")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Declared(Protocol[T]):
    """A field that is declared: see `twim.access.http.declared`."""

    @property
    def read(self) -> Callable[[Fields], T]:
        """Gives its value. `Malformed`."""


class Fields:
    """The fields of one request by name. Every getter refuses what it can't use."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    @property
    def names(self) -> list[str]:
        """Which fields there are."""
        return list(self._values)

    def __getitem__(self, field: Declared[T]) -> T:
        """The value of a declared field. `Malformed`."""
        return field.read(self)

    def __or__(self, winning: dict[str, str]) -> Fields:
        return Fields(self._values | winning)

    def text(self, name: str, most: int, least: int = 0, default: str | None = "") -> str:
        """A text of `least` to `most` characters."""
        value = self._values.get(name, default)
        if value is None:
            raise Malformed(f"{name}: missing")
        if least and not value.strip():
            raise Malformed(f"{name}: missing")
        if not least <= len(value) <= most:
            raise Malformed(f"{name}: {least} to {most} characters")
        if _CONTROL.search(value):
            raise Malformed(f"{name}: has control characters")
        return value

    def name(self, name: str, most: int, least: int = 0) -> str:
        """What something is called: see `clean_name`."""
        found = clean_name(name, self._values.get(name, ""), most)
        if len(found) < least:
            raise Malformed(f"{name}: missing")
        return found

    def address(self, name: str, most: int, plain: Callable[[str], str] = str) -> str:
        """Where a picture is: one line. `plain` takes away what isn't stored of an address, and isn't counted."""
        return clean_line(name, plain(self._values.get(name, "").strip()), most)

    def memo(self, name: str, most: int) -> str:
        """What somebody wrote about something: lines."""
        return clean_lines(name, self._values.get(name, ""), most)

    def whole(self, name: str, default: int | None = None, least: int = 0, most: int = ID_LIMIT - 1) -> int:
        """A whole number."""
        value = self._values.get(name, "")
        if value == "" and default is not None:
            return default
        if not re.fullmatch(r"-?[0-9]{1,16}", value):
            raise Malformed(f"{name}: not a number" if value else f"{name}: missing")
        number = int(value)
        if not least <= number <= most:
            raise Malformed(f"{name}: {least} to {most}")
        return number

    def id(self, name: str) -> int:
        """The id of something: 1 to 2^53 - 1."""
        return self.whole(name, least=1)

    def mobile(self) -> str:
        """A mobile number: 3 to 20 digits, a leading + allowed."""
        value = self._values.get("mobile", "").strip()
        if not MOBILE.fullmatch(value):
            raise Malformed("mobile: 3 to 20 digits")
        return value

    def passwd(self, name: str = "passwd") -> str:
        """A password of 6 to 128 characters, whatever they are, counted as they are compared."""
        value = self._values.get(name, "")
        least, most = PASSWD
        if len(value) > DECOMPOSED * most or not least <= len(value := prepare(value)) <= most:
            raise Malformed(f"{name}: {least} to {most} characters")
        return value

    def secret(self, name: str = "passwd") -> str:
        """A password to be checked, as it was typed: one that can't be right is cut, not refused, so that it is only
        wrong."""
        return self._values.get(name, "")[: DECOMPOSED * PASSWD[1] + 1]

    def raw(self, name: str) -> str:
        """What a field has, "" when there is none: whoever reads it refuses what it can't use."""
        return self._values.get(name, "")

    def sex(self) -> str:
        """W, M or U."""
        value = self._values.get("sex", "") or "U"
        if value not in SEXES:
            raise Malformed("sex: W, M or U")
        return value


def header(request: Request | Upgrade, name: str) -> str:
    """A header as text, "" when there is none. Its bytes may be anything; twisted.web's own text would be an
    exception for what isn't UTF-8."""
    return (request.getHeader(name.encode()) or b"").decode("utf-8", "replace")


def read_query(request: Request | Upgrade) -> Fields:
    """The fields of a request's query; of a field given twice the last. `Malformed` when they aren't UTF-8."""
    return Fields({_decode(name): _decode(found[-1]) for name, found in (request.args or {}).items()})


def read_fields(request: Request) -> Fields:
    """The fields of a request; those of the body win over the query's. Refused as by `read_body`."""
    fields = read_query(request)
    if request.method not in (b"POST", b"PATCH"):
        return fields
    content: Any = request.content
    content.seek(0)
    return fields | read_body(header(request, "content-type"), content.read())


def _decode(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
