"""``twim doctor``: what keeps the server from running well, and what to do about it."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

from twim.command.call import Call
from twim.command.parsing import Argument, Command, count
from twim.operator.refused import Refused

if TYPE_CHECKING:
    from twim.doctor import Finding

COLUMNS: Final = 79
WIDEST: Final = 7  # characters of a level


def _doctor(call: Call) -> None:
    # Not before it is wanted: every other command would take longer to begin.
    from twim.doctor import Level, examine

    given = call.given
    days = {} if given.backup_days is None else {"backup_days": given.backup_days}
    findings = examine(call.config, write=given.write, url=given.url, backups=given.backups, **days)
    rows = [{"topic": one.topic, "level": str(one.level), "text": one.text, "fix": one.fix} for one in findings]
    if call.screen.as_json:
        call.screen.rows(rows, ())
    else:
        call.screen.done({}, "\n".join(map(_shown, findings)))
    wrong = sum(one.level == Level.ERROR for one in findings)
    if wrong:
        raise Refused("1 error was found" if wrong == 1 else f"{wrong} errors were found")


def _shown(one: Finding) -> str:
    begin = f"{one.level:{WIDEST}}  "
    lines = _wrapped(f"{one.topic}: {one.text}", begin, " " * len(begin))
    if one.fix:
        lines += _wrapped(one.fix, " " * len(begin) + "→ ", " " * (len(begin) + 2))
    return "\n".join(lines)


def _wrapped(text: str, first: str, others: str) -> list[str]:
    # Names of files and commands stay whole, for whoever copies them.
    return textwrap.wrap(
        text, COLUMNS, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )


COMMANDS: Final = (
    Command(
        "doctor",
        "examine the installation, and say what to do about what is wrong",
        _doctor,
        (
            Argument(
                "--url", default="", metavar="URL", help="the address that people use, to try the way through a proxy"
            ),
            Argument("--write", action="store_true", help="also store a small file, and delete it"),
            Argument(
                "--backups", type=Path, metavar="FOLDER", help="the backups [default: the folder backups in DATA]"
            ),
            Argument("--backup-days", type=count, metavar="N", help="how old the newest of them may be"),
        ),
        all_settings=True,
    ),
)
