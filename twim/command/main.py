"""The command `twim`: reads the command line, runs a command, and says in one line why it can't."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final, TextIO

from twim.command import databases, doctor, entry, exports, groups, imports, running, upkeep, users, webhooks
from twim.command.call import Call, Misused
from twim.command.parsing import Command, parser_of
from twim.command.screen import Screen
from twim.config import ConfigError
from twim.errors import Refusal, Unavailable
from twim.operator.refused import FAILURES, reason

COMMANDS: Final[tuple[Command, ...]] = (
    *running.COMMANDS[:1],
    *users.COMMANDS,
    *groups.COMMANDS,
    *exports.COMMANDS,
    *entry.COMMANDS,
    *webhooks.COMMANDS,
    *upkeep.COMMANDS,
    *imports.COMMANDS,
    *databases.COMMANDS,
    *doctor.COMMANDS,
    *running.COMMANDS[1:],
)
FAILED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. 0 when it is done, 1 with a line on standard error that says why not, 2 (mostly by
    `SystemExit`) when the command line can't be understood."""
    for stream in (sys.stdout, sys.stderr):
        _never_fail(stream)
    given = parser_of(COMMANDS).parse_args(arguments)
    call = Call(given, Screen(getattr(given, "json", False)))
    try:
        given.command.run(call)
    except Misused as error:
        print(f"usage: twim {error}", file=sys.stderr)
        return MISUSED
    except BrokenPipeError:
        # Whoever read it has enough, as `head` has; what Python would still write at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (*FAILURES, Refusal, ConfigError) as error:
        print(f"twim: {_why(error)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        call.close()
    return 0


def _why(error: Exception) -> str:
    if isinstance(error, Refusal) and not isinstance(error, Unavailable):
        return error.msg
    return str(error) if isinstance(error, ConfigError) else reason(error)


def _never_fail(stream: TextIO) -> None:
    """A name that the terminal's encoding doesn't have is shown with ? in it."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
