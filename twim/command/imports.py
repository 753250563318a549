"""``twim import-users``: accounts from a CSV file, each with a link by which its user sets a password."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from twim.command.account import account_name
from twim.command.bad_lines import Bad
from twim.command.call import Call
from twim.command.parsing import SITE, Argument, Command
from twim.command.place import existing
from twim.logic.signup import hash_code, new_code
from twim.operator.refused import Refused
from twim.storage.database import Database
from twim.storage.imports import BATCH, Account, Link, make, taken

GOOD_DAYS: Final = 30
SHOWN: Final = 50  # bad lines that are told one by one

Numbered = tuple[int, Account]


def _import(call: Call) -> None:
    # Not before it is wanted: every other command would take longer to begin.
    from twim.command.accounts_file import read_accounts

    path: Path = call.given.csv
    found = read_accounts(path)
    database = existing(call.config)
    bad = sorted([*found.bad, *_taken(database, found.accounts)])
    for one in bad[:SHOWN]:
        call.screen.note(f"line {one.line}: {one.why}")
    if len(bad) > SHOWN:
        call.screen.note(f"and {len(bad) - SHOWN} more")
    if bad and not call.given.skip_bad:
        raise Refused(f"{path}: {_lines(bad)} can't be imported; nothing was. --skip-bad imports the others")
    wrong = {one.line for one in bad}
    good = [(line, account) for line, account in found.accounts.items() if line not in wrong]
    target = call.given.links or path.with_name(f"{path.stem}.links.csv")
    with _private(target) as file:
        late = _make(database, good, file, call.given.site)
    for one in late:
        call.screen.note(f"line {one.line}: {one.why}; its link is void")
    made = len(good) - len(late)
    skipped = [one._asdict() for one in sorted([*bad, *late])]
    said = f"{made} accounts made; their links, good for {GOOD_DAYS} days, are in {target}"
    call.screen.done({"made": made, "links": str(target), "skipped": skipped}, said)


def _taken(database: Database, accounts: dict[int, Account]) -> list[Bad]:
    mobiles = [account.mobile for account in accounts.values()]
    used = database.transact(lambda connection: taken(connection, mobiles), False)
    return [_has(line, account) for line, account in accounts.items() if account.mobile in used]


def _has(line: int, account: Account) -> Bad:
    return Bad(line, f"mobile {account.mobile}: somebody has it already")


def _lines(bad: Sequence[Bad]) -> str:
    return "1 line" if len(bad) == 1 else f"{len(bad)} lines"


@contextmanager
def _private(path: Path) -> Iterator[Any]:
    """A new file that only this account may read."""
    try:
        held = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refused(f"{path} is there already, perhaps with links that are needed; --links names another") from None
    with open(held, "w", encoding="utf-8", newline="") as file:
        yield file


def _make(database: Database, good: Sequence[Numbered], file: Any, site: str) -> list[Bad]:
    """Make the accounts, and write their links; gives those whose mobile was taken meanwhile."""
    late: list[Bad] = []
    now = time.time_ns() // 1_000_000
    expires = now + GOOD_DAYS * 24 * 3600 * 1000
    lines = csv.writer(file)
    lines.writerow(("mobile", "nickname", "link"))
    for start in range(0, len(good), BATCH):
        some = good[start : start + BATCH]
        codes = [new_code() for _ in some]
        for (_, account), code in zip(some, codes, strict=True):
            lines.writerow((account.mobile, account.nickname, f"{site}/reset/{code}"))
        # On the disk before the accounts are: there is never one whose link nobody has.
        file.flush()
        os.fsync(file.fileno())
        late += _make_some(database, some, [Link(hash_code(code), expires) for code in codes], now)
    return late


def _make_some(database: Database, some: Sequence[Numbered], links: Sequence[Link], now: int) -> list[Bad]:
    wanted = [(account, one) for (_, account), one in zip(some, links, strict=True)]
    late = database.transact(lambda connection: make(connection, wanted, account_name(), now), True)
    return [_has(line, account) for line, account in some if account.mobile in late]


COMMANDS: Final = (
    Command(
        "import-users",
        "make accounts from a CSV file, each with a link by which its user sets a password",
        _import,
        (
            Argument("csv", metavar="CSV", type=Path, help="columns mobile and, if wanted, nickname and avatar"),
            Argument("--skip-bad", action="store_true", help="import the good lines where some are bad"),
            Argument(
                "--links", type=Path, metavar="FILE", help="the links are written to [default: CSV's name.links.csv]"
            ),
            SITE,
        ),
    ),
)
