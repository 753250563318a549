"""What a store of files is.

A file is named after its content, ``ab/cdef….png``: the SHA-256 in hexadecimal, cut after two digits, and a
suffix that says its type. So equal files are stored once, a name never comes from a client, and a name's
content never changes. What is derived from a file stands beside it, ``ab/cdef….thumb.webp``.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from twisted.internet.interfaces import IConsumer

from twim.storage.files.spool import Spool, Spooled

NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}(\.thumb)?\.[a-z0-9]{1,5}")
"""Every name a store gives; nothing else is looked up, so no path can climb out of it."""

THUMB = ".thumb"

_STEM = re.compile(rb"(?<![0-9a-f])([0-9a-f]{2})\\?/([0-9a-f]{62})(?![0-9a-f])")
"""JSON may have a backslash before a slash."""


def name_of(sha256: str, suffix: str, mark: str = "") -> str:
    """The name of a file with that content; `suffix` with its dot."""
    return f"{sha256[:2]}/{sha256[2:]}{mark}{suffix}"


def stem_of(name: str) -> str:
    """What a file and its thumbnail have in common: ``ab/cdef…``, 65 characters."""
    return name.partition(".")[0]


def stems_in(text: bytes) -> set[str]:
    """The stems of all files that a text (a message, an avatar) refers to, in whatever form their URLs
    are."""
    return {f"{folder.decode()}/{rest.decode()}" for folder, rest in _STEM.findall(text)}


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in a store; `modified` in seconds since 1970."""

    name: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Presigned:
    """A request that somebody without the secret may send once to store one file, and the URL it will
    have."""

    url: str
    method: str
    headers: Mapping[str, str]
    data: str


class FileStore(Protocol):
    """Every method raises `twim.errors.Unavailable` when the store can't be reached or is full."""

    spool: Spool
    """Where uploads for this store gather."""

    @property
    def origins(self) -> Sequence[str]:
        """Other sites (``https://files.example:9000``) that browsers fetch files from, or send them to."""

    async def adopt(self, spooled: Spooled, name: str, mime: str) -> str:
        """Stores the file under `name`, durably and whole or not at all, and returns its URL.

        A file already stored keeps its content and counts as new for `sweep`.
        """

    def url(self, name: str) -> str:
        """What clients are told."""

    def presigned(self, name: str, since: datetime, seconds: int) -> str | None:
        """A URL at which the store itself gives the file to whoever has it, from `since` on for `seconds`. None if
        `url` doesn't lead to the store itself."""

    def name(self, url: str) -> str | None:
        """The inverse of `url`; None for an address that is not in this store."""

    async def find(self, name: str) -> Stored | None:
        """None if there is no such file."""

    async def send(self, name: str, first: int, count: int, consumer: IConsumer) -> None:
        """Writes `count` bytes from `first` on to `consumer`, no faster than it takes them.

        Returns after the last byte, or when the consumer wants no more.
        """

    def stored(self) -> AsyncIterator[Stored]:
        """Every file in the store."""

    async def delete(self, name: str, older_than: float) -> bool:
        """Removes a file unless it was stored after the time `older_than` (seconds since 1970). Gone
        already is no error."""

    async def close(self) -> None:
        """Ends what is under way."""


@runtime_checkable
class Presigner(Protocol):
    """A store that takes files straight from browsers."""

    direct: bool
    """Whether it shall."""

    def presign(self, suffix: str, mime: str, size: int, filename: str) -> Presigned:
        """A request for one new file of exactly `size` bytes, to be saved as `filename` unless that is empty."""
