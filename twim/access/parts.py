"""The parts of an upload's multipart body, taken while they arrive. Sans-IO but for the spool's file;
blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from twim.errors import Malformed, TooLarge, Unavailable, WrongType
from twim.storage.files.spool import Spool, Spooled, Spooling

FILE_PART = "file"

MAX_FIELD_BYTES = 2048
"""A field beside the file: a suffix, a token, a user id."""

MAX_PARTS = 8

MAX_BOUNDARY = 200
"""RFC 2046 allows 70; some clients make more."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent: in the spool, with what the client said of it."""

    spooled: Spooled
    fields: dict[str, str]
    declared: str
    """The part's Content-Type, or ""."""
    filename: str


def boundary_of(content_type: str) -> str:
    """Raises WrongType for anything but multipart/form-data."""
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data":
        raise WrongType("an upload is multipart/form-data")
    boundary: str = options.get("boundary", "")
    if not 0 < len(boundary) <= MAX_BOUNDARY:
        raise Malformed("multipart/form-data without its boundary")
    return boundary


class UploadBody:
    """Takes the body piece by piece; at the end `finish` gives the upload, at any other time `discard` ends
    it."""

    def __init__(self, boundary: str, spool: Spool, limit: int) -> None:
        self._parser = PushMultipartParser(boundary, max_segment_count=MAX_PARTS)
        self._spool = spool
        self._limit = limit
        self._part: MultipartSegment | None = None
        self._field = b""
        self._fields: dict[str, str] = {}
        self._file: Spooling | None = None
        self._declared = self._filename = ""

    def take(self, data: bytes) -> None:
        """Raises TooLarge as soon as the file is over the limit, Malformed, Unavailable when the disk is
        full."""
        with _said_clearly():
            for event in self._parser.parse(data):
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event is None:
                    self._end()
                else:
                    self._more(event)

    def _begin(self, part: MultipartSegment) -> None:
        self._part, self._field = part, b""
        if part.name != FILE_PART:
            return
        if self._file is not None:
            raise Malformed("one file at a time")
        self._declared, self._filename = part.content_type or "", part.filename or ""
        self._file = self._spool.begin()

    def _more(self, data: bytes) -> None:
        if self._file is not None and self._part.name == FILE_PART:  # type: ignore[union-attr]
            if self._file.size + len(data) > self._limit:
                raise TooLarge(f"a file has at most {self._limit} bytes")
            self._file.write(data)
        else:
            self._field += data
            if len(self._field) > MAX_FIELD_BYTES:
                raise TooLarge(f"a field beside the file has at most {MAX_FIELD_BYTES} bytes")

    def _end(self) -> None:
        name = self._part.name  # type: ignore[union-attr]
        if name != FILE_PART:
            self._fields[name] = self._field.decode(errors="replace")

    def finish(self) -> Upload:
        """Raises Malformed when the body isn't whole or has no file."""
        with _said_clearly():
            self._parser.close()
            if self._file is None:
                raise Malformed("no part named file")
            return Upload(self._file.finish(), self._fields, self._declared, self._filename)

    def discard(self) -> None:
        if self._file is not None:
            self._file.discard()


def fields_ahead(boundary: str, data: bytes) -> tuple[dict[str, str], bool]:
    """The fields that stand before the file in the beginning of a body, and whether the file has begun."""
    fields: dict[str, str] = {}
    name, value = "", b""
    parser = PushMultipartParser(boundary, max_segment_count=MAX_PARTS)
    with _said_clearly():
        for event in parser.parse(data) if data else ():  # to the parser, nothing is the end
            if isinstance(event, MultipartSegment):
                name, value = event.name or "", b""
                if name == FILE_PART:
                    return fields, True
            elif event is None:
                fields[name] = value.decode(errors="replace")
            else:
                value += event
    return fields, False


@contextmanager
def _said_clearly() -> Iterator[None]:
    try:
        yield
    except ParserLimitReached as error:
        raise TooLarge(str(error)) from error
    except MultipartError as error:
        raise Malformed(f"multipart/form-data: {error}") from error
    except OSError as error:
        raise Unavailable from error
