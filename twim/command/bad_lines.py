"""Lines of a file of accounts that can't be imported."""

from __future__ import annotations

from typing import NamedTuple


class Bad(NamedTuple):
    """A line that is no account, and why."""

    line: int
    why: str
