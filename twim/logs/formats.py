"""An event as one line: text for people, or JSON for programs that collect logs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from twisted.logger import LogEvent, LogLevel, eventAsText

from twim.logs.context import ids
from twim.logs.masking import masked

Format = Callable[[LogEvent], str]
"""Gives a line without its end, or "" for what isn't written."""

_OWN: Final = frozenset({"format", "message", "time", "system", "isError", "failure", "why", "logLevel", "printed"})
"""What Twisted adds to an event for observers of its old kind."""
_SIMPLE: Final = (str, int, float, bool, type(None))


def as_text(event: LogEvent) -> str:
    """Time, source and level, what happened, and for whom. Lines of a traceback are parted by ``\\n`` in writing."""
    said = _said(event)
    if not said:
        return ""
    marks = "".join(f" {name}={value}" for name, value in _ids(event).items())
    return masked(f"{_time(event, '%Y-%m-%dT%H:%M:%S%z')} [{_source(event)}#{_level(event)}] {_one_line(said)}{marks}")


def as_lines(event: LogEvent) -> str:
    """The same for a terminal, where a traceback is easier to read on lines of its own."""
    said = _said(event)
    if not said:
        return ""
    indented = said.strip("\n").replace("\n", "\n\t")
    return masked(f"{_time(event, '%Y-%m-%dT%H:%M:%S%z')} [{_source(event)}#{_level(event)}] {indented}")


def as_json(event: LogEvent) -> str:
    """An object: `time` (UTC), `level`, `source`, `text`, `connection` and `request` where there are any, and in
    `fields` what the text was made of."""
    said = _said(event)
    if not said:
        return ""
    line: dict[str, Any] = {
        "time": _time(event, "%Y-%m-%dT%H:%M:%S.%fZ"),
        "level": _level(event),
        "source": _source(event),
        "text": masked(said.strip("\n")),
    }
    line |= _ids(event)
    fields = {name: _plain(value) for name, value in event.items() if _is_field(name)}
    if fields:
        line["fields"] = fields
    return msgspec.json.encode(line).decode()


def _said(event: LogEvent) -> str:
    return eventAsText(event, includeTimestamp=False, includeSystem=False)


def _one_line(said: str) -> str:
    return said.strip("\n").replace("\\n", "\\\\n").replace("\r", "\\r").replace("\n", "\\n")


def _time(event: LogEvent, form: str) -> str:
    return datetime.fromtimestamp(event.get("log_time", 0.0), UTC).strftime(form)


def _level(event: LogEvent) -> str:
    level = event.get("log_level", LogLevel.info)
    return str(getattr(level, "name", level))


def _source(event: LogEvent) -> str:
    return str(event.get("log_namespace") or "-")


def _ids(event: LogEvent) -> dict[str, str]:
    return ids() | {name: str(event[name]) for name in ("connection", "request") if event.get(name)}


def _is_field(name: str) -> bool:
    return not name.startswith("log_") and name not in _OWN and name not in ("connection", "request")


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, _SIMPLE):
        value = str(value)
    return masked(value) if isinstance(value, str) else value
