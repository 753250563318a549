"""For whom something is done: the connection and the request that every event logged meanwhile is marked with."""

from __future__ import annotations

import secrets
from contextvars import ContextVar
from itertools import count
from typing import Any, Final

_process: Final = secrets.token_hex(2)
_numbers: Final = count(1)
_asking: Final[ContextVar[tuple[str, str] | None]] = ContextVar("asking", default=None)


def new_id() -> str:
    """Four characters that belong to this process, and a number."""
    return f"{_process}-{next(_numbers)}"


def log_id_of(connection: Any) -> str:
    """The id of a connection, which is made when it is first asked for and kept as its `log_id`; "" of none."""
    if connection is None:
        return ""
    found: str = getattr(connection, "log_id", "")
    if not found:
        connection.log_id = found = new_id()
    return found


def begin_request(connection: Any) -> None:
    """What this coroutine does from here on, it does for a new request on that connection."""
    _asking.set((log_id_of(connection), new_id()))


def ids() -> dict[str, str]:
    """`connection` and `request`, where something is done for one."""
    found = _asking.get()
    return {} if found is None else {"connection": found[0], "request": found[1]}
