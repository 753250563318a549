"""What is stored of a user, a group or a pair of users, written into a folder for whoever has a right to it.

The folder, which is new and its owner's alone, gets `data.jsonl` with one JSON object a line, `index.html` for whoever
reads it, and in `files/` what the messages and profiles carry. Nothing is changed, and the server may run meanwhile:
what it stores during the export may be in it or not.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from twim.operator import export_page as page
from twim.operator.export_files import Copies, private, source_at
from twim.operator.export_reading import Chat, Reading
from twim.operator.refused import Refused
from twim.storage.database import Database
from twim.storage.interface import Key, key_of, rfc3339
from twim.storage.retention import files_of
from twim.storage.schema import MEMBER, community, contact, user
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Shown, decode_shown

NAMES: Final = 10_000  # nicknames that are kept in memory
_encode = msgspec.json.Encoder(enc_hook=str).encode


def export_user(database: Database, files: str, userid: int, folder: Path) -> dict[str, int]:
    """All of the user's data into the new `folder`; `files` is the URL of the store (`--files`). Gives how many
    `messages` and `files` it has, and how many files are `missing` in the store. `Refused`."""
    reading = Reading(database)
    if not reading.rows(user, user.c.id == userid):
        raise Refused(f"there is no user {userid}")

    def write(export: _Export) -> None:
        for kind, rows in reading.of_user(userid).items():
            export.rows(kind, rows)
        chats = reading.chats_of(userid)
        for chat in chats:
            export.chat(chat, userid)
        export.messages("said elsewhere", {}, reading.elsewhere(userid, chats))

    return _exported(reading, files, f"User {userid}", folder, write)


def export_group(database: Database, files: str, group: int, folder: Path) -> dict[str, int]:
    """The conversation of a group, as `export_user` writes it."""
    reading = Reading(database)
    found = reading.rows(community, community.c.id == group)
    chat = reading.chat_of((GROUP, group, 0))
    if not found or chat is None:
        raise Refused(f"there is no group {group}")

    def write(export: _Export) -> None:
        export.rows("group", found)
        members = reading.rows(contact, contact.c.dstobj == group, contact.c.cate == MEMBER)
        export.rows("member", [{"id": x["ownerid"], "admin": x["admin"], "createat": x["createat"]} for x in members])
        export.chat(chat, 0)

    return _exported(reading, files, f"Group {group}", folder, write)


def export_pair(database: Database, files: str, one: int, other: int, folder: Path) -> dict[str, int]:
    """The conversation of two users, as `export_user` writes it."""
    reading = Reading(database)
    chat = reading.chat_of(key_of(SINGLE, one, other))
    if chat is None:
        raise Refused(f"the users {one} and {other} have no conversation")

    def write(export: _Export) -> None:
        export.chat(chat, one)

    return _exported(reading, files, f"Users {one} and {other}", folder, write)


def _exported(
    reading: Reading, files: str, title: str, folder: Path, write: Callable[[_Export], None]
) -> dict[str, int]:
    source = source_at(files)
    try:
        folder.mkdir(0o700)
        folder.chmod(0o700)
    except OSError as error:
        raise Refused(f"{folder}: {error.strerror}") from None
    try:
        with (
            open(folder / "data.jsonl", "xb", opener=private) as data,
            open(folder / "index.html", "x", encoding="utf-8", opener=private) as shown,
        ):
            export = _Export(reading, Copies(source, folder / "files"), data, shown)
            shown.write(page.begin(title))
            write(export)
            shown.write(page.END)
    except BaseException as error:
        # Half of an export looks like a whole one.
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise Refused(f"{folder}: {os.strerror(error.errno or 0)}") from None
        raise
    return {"messages": export.count, "files": export.copies.copied, "missing": export.copies.missing}


class _Export:
    """Writes both forms of an export."""

    def __init__(self, reading: Reading, copies: Copies, data: IO[bytes], shown: IO[str]) -> None:
        self._reading = reading
        self._data = data
        self._shown = shown
        self._names: dict[int, str] = {}
        self.copies = copies
        self.count = 0

    def rows(self, kind: str, rows: list[dict[str, Any]]) -> None:
        """Rows that are no messages."""
        told = [{name: _plain(value) for name, value in row.items()} for row in rows]
        self._shown.write(page.heading(kind) + page.table(told))
        for row in told:
            self._line({"kind": kind, **row})
            for picture in ("avatar", "icon"):
                for name in files_of(Shown(url=str(row.get(picture, "")))):
                    self.copies.copy(name)

    def chat(self, chat: Chat, userid: int) -> None:
        """A conversation, as the user calls it."""
        scope, dstid = chat.key[0], _called_by(chat.key, userid)
        title = f"Group {dstid}" if scope == GROUP else f"With {self._name(dstid)}"
        self.messages(title, {"scope": scope, "dstid": dstid}, self._reading.bodies(chat))

    def messages(self, title: str, names: Mapping[str, int], bodies: Iterable[bytes]) -> None:
        """Messages, under a heading of their own."""
        self._shown.write(page.heading(title))
        for body in bodies:
            said = decode_shown(body)
            self.count += 1
            self._line({"kind": "message", **names, "message": msgspec.Raw(body)})
            files = [name for name in sorted(files_of(said)) if self.copies.copy(name)]
            self._shown.write(page.message(said, self._name(said.userid), files))

    def _line(self, row: Mapping[str, object]) -> None:
        self._data.write(_encode(row) + b"\n")

    def _name(self, userid: int) -> str:
        if userid not in self._names:
            if len(self._names) >= NAMES:
                self._names.clear()
            self._names[userid] = self._reading.names([userid]).get(userid, "")
        return f"{self._names[userid]} ({userid})".strip()


def _called_by(key: Key, userid: int) -> int:
    scope, a, b = key
    return a if scope == GROUP or userid == b else b


def _plain(value: object) -> object:
    return rfc3339(value) if isinstance(value, datetime) else value
