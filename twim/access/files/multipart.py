"""Takes the parts of an upload's multipart body while they arrive. It writes the file to the spool, and so it
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
"""The largest field other than the file: a suffix, a token, a user id."""

MAX_PARTS = 8

MAX_BOUNDARY = 200
"""Characters. RFC 2046 allows 70, but some clients use more."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in the spool, with what the client said about it."""

    spooled: Spooled
    fields: dict[str, str]
    declared: str
    """The Content-Type of the file's part, or ""."""
    filename: str
    userid: int = 0
    """Who sends it."""


def boundary_of(content_type: str) -> str:
    """The boundary that a Content-Type names. Raises WrongType for anything but multipart/form-data."""
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data":
        raise WrongType("an upload is multipart/form-data")
    boundary: str = options.get("boundary", "")
    if not 0 < len(boundary) <= MAX_BOUNDARY:
        raise Malformed("multipart/form-data without its boundary")
    return boundary


class UploadBody:
    """Takes the body piece by piece. At the end `finish` gives the upload; at any other time `discard` ends it."""

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
        """Take the next piece. Raises TooLarge as soon as the file is over the limit, Malformed, or, if the disk is
        full, Unavailable."""
        with _as_refusals():
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
        """The upload. Raises Malformed if the body isn't complete or has no file."""
        with _as_refusals():
            self._parser.close()
            if self._file is None:
                raise Malformed("no part named file")
            return Upload(self._file.finish(), self._fields, self._declared, self._filename)

    def discard(self) -> None:
        if self._file is not None:
            self._file.discard()


def fields_ahead(boundary: str, data: bytes) -> tuple[dict[str, str], bool]:
    """The fields before the file, as far as `data`, the beginning of a body, has them; and whether the file has
    begun."""
    fields: dict[str, str] = {}
    name, value = "", b""
    parser = PushMultipartParser(boundary, max_segment_count=MAX_PARTS)
    with _as_refusals():
        for event in parser.parse(data) if data else ():  # the parser would take empty data for the end
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
def _as_refusals() -> Iterator[None]:
    try:
        yield
    except ParserLimitReached as error:
        raise TooLarge(str(error)) from error
    except MultipartError as error:
        raise Malformed(f"multipart/form-data: {error}") from error
    except OSError as error:
        raise Unavailable from error
