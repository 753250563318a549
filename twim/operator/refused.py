"""The exception that ends a command of the operator, and the line in which any such end is told."""

from __future__ import annotations

from typing import Final

from twim.errors import Unavailable
from twim.storage.backend import CannotOpen
from twim.storage.opening import why


class Refused(Exception):
    """The text is for the operator, in one line."""


FAILURES: Final = (Refused, CannotOpen, Unavailable, OSError)
"""What a command may end with that isn't a bug."""


def reason(error: Exception) -> str:
    """Why a command failed with one of `FAILURES`."""
    if isinstance(error, Unavailable):
        # A driver may take several lines.
        return " ".join(why(error).split())
    if isinstance(error, OSError):
        return f"{error.filename or ''}: {error.strerror or error}"
    return str(error)
