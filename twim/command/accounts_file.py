"""The CSV file of accounts to be made: its header names `mobile` and, if wanted, `nickname` and `avatar`."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from twim.access.http.fields import MOBILE
from twim.access.http.names import clean_line, clean_name
from twim.access.http.rest.users import AVATAR, NICKNAME
from twim.command.bad_lines import Bad
from twim.errors import Malformed
from twim.operator.refused import Refused
from twim.storage.imports import Account

COLUMNS: Final = ("mobile", "nickname", "avatar")
MOST: Final = 100_000  # accounts of one file, which are all in memory


class Read(NamedTuple):
    """What a file has: accounts by the number of their line, and what is wrong with other lines."""

    accounts: dict[int, Account]
    bad: list[Bad]


def read_accounts(path: Path) -> Read:
    """Read a file. `Refused` when it isn't such a file at all; OSError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(path, csv.DictReader(file, strict=True))
    except UnicodeDecodeError:
        raise Refused(f"{path}: not UTF-8") from None
    except csv.Error as error:
        raise Refused(f"{path}: {error}") from None


def _read(path: Path, reader: csv.DictReader[str]) -> Read:
    _check_columns(path, reader.fieldnames or [])
    found = Read({}, [])
    mobiles: dict[str, int] = {}
    for line, values in _lines(reader):
        try:
            account = _account(values)
            if account.mobile in mobiles:
                raise Malformed(f"mobile {account.mobile}: also in line {mobiles[account.mobile]}")
        except Malformed as error:
            found.bad.append(Bad(line, error.msg))
            continue
        mobiles[account.mobile] = line
        found.accounts[line] = account
        if len(found.accounts) > MOST:
            raise Refused(f"{path}: more than {MOST} accounts; part it")
    return found


def _lines(reader: csv.DictReader[str]) -> Iterator[tuple[int, Mapping[str | None, object]]]:
    # Of a row that has line breaks in it the last line counts, as editors show where it ends.
    for values in reader:
        yield reader.line_num, dict(values)


def _check_columns(path: Path, names: object) -> None:
    assert isinstance(names, (list, tuple))
    unknown = [str(name) for name in names if name not in COLUMNS]
    if "role" in unknown:
        raise Refused(f"{path}: has a column role, which an import never sets: twim user role")
    if unknown or "mobile" not in names or len(set(names)) < len(names):
        raise Refused(f"{path}: its first line must name the columns mobile and, if wanted, nickname and avatar")


def _account(values: Mapping[str | None, object]) -> Account:
    if None in values:
        raise Malformed("has more cells than the first line")
    cells = {name: str(value or "") for name, value in values.items()}
    mobile = cells["mobile"].strip()
    if not MOBILE.fullmatch(mobile):
        raise Malformed("mobile: 3 to 20 digits")
    avatar = clean_line("avatar", cells.get("avatar", ""), AVATAR)
    if avatar and not avatar.startswith(("https://", "http://", "/asset/")):
        raise Malformed("avatar: https://…")
    nickname = clean_name("nickname", cells.get("nickname", ""), NICKNAME)
    return Account(mobile, nickname or f"user{secrets.randbelow(10**6):06d}", avatar)
