"""The command as an operator gives it, inside this process."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import NamedTuple

from twim.command.main import main


class Said(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


def command(*arguments: object) -> Said:
    """Run it, here and now."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = main([str(one) for one in arguments])
    return Said(code, out.getvalue(), err.getvalue())
