"""Users, friends, groups and old messages, put into the database of a server that isn't running.

Registering ten thousand users would hash ten thousand passwords. Their tokens are ordinary ones: the server checks
them as any other.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, func, insert, select

from bench.servers import ours
from twim.logic.accounts import hash_token
from twim.storage.schema import FRIEND, MEMBER, community, contact, conversation, device, message, participant, user
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Message, encode

THEN = datetime(2026, 1, 1)
CHUNK = 10_000  # rows in one insert


class People:
    """`users` is a file of "id token" lines; users 2k-1 and 2k are friends; `groups` gives a group's id by its size."""

    def __init__(self, folder: Path, count: int, sizes: Sequence[int]) -> None:
        self.folder = folder
        self.users = folder / "users.txt"
        self.groups = {size: number for number, size in enumerate(sizes, 1)}
        with ours(folder):
            pass  # makes the schema
        tokens = [secrets.token_urlsafe(32) for _ in range(count)]
        with _offline(folder) as connection:
            _add_users(connection, tokens)
            for size, group in self.groups.items():
                _add_group(connection, group, size)
            _add_chats(connection, count, len(self.groups) + 1)
        self.users.write_text("".join(f"{n} {token}\n" for n, token in enumerate(tokens, 1)))

    def say(self, size: int, first: int, last: int) -> None:
        """Put messages `first` to `last` into the log of the group of this size, its members taking turns."""
        with _offline(self.folder) as connection:
            _add(connection, message, _said(self.groups[size], size, first, last))

    def head(self, size: int) -> int:
        """The newest seq of the group of this size."""
        newest = select(func.max(message.c.seq)).where(message.c.conversation == self.groups[size])
        with _offline(self.folder) as connection:
            return int(connection.execute(newest).scalar_one() or 0)


def _offline(folder: Path) -> Any:
    engine = create_engine(f"sqlite:///{folder}/data/im.db")
    # What is lost in a crash is made again.
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    return engine.begin()


def _add(connection: Connection, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            connection.execute(insert(table), chunk)
            chunk = []
    if chunk:
        connection.execute(insert(table), chunk)


def _add_users(connection: Connection, tokens: Sequence[str]) -> None:
    ids = range(1, len(tokens) + 1)
    people = ({"id": n, "mobile": str(10**10 + n), "passwd": "!", "createat": THEN} for n in ids)
    _add(connection, user, people)
    devices = ({"userid": n, "tokenhash": hash_token(token), "createat": THEN} for n, token in enumerate(tokens, 1))
    _add(connection, device, devices)
    pairs = ({"ownerid": n, "dstobj": ((n - 1) ^ 1) + 1, "cate": FRIEND, "createat": THEN} for n in ids)
    _add(connection, contact, pairs)


def _add_group(connection: Connection, group: int, size: int) -> None:
    values = {"id": group, "name": f"group of {size}", "ownerid": 1, "createat": THEN}
    connection.execute(insert(community).values(values))
    connection.execute(insert(conversation).values(id=group, scope=GROUP, a=group, b=0, head=0))
    ids = range(1, size + 1)
    _add(connection, contact, ({"ownerid": n, "dstobj": group, "cate": MEMBER, "createat": THEN} for n in ids))
    places = ({"userid": n, "conversation": group, "scope": GROUP, "dstid": group} for n in ids)
    _add(connection, participant, places)


def _add_chats(connection: Connection, count: int, first: int) -> None:
    # The friends have talked before.
    pairs = range(1, count, 2)
    chats = ({"id": first + n // 2, "scope": SINGLE, "a": n, "b": n + 1, "head": 0} for n in pairs)
    _add(connection, conversation, chats)
    for side in (0, 1):
        places = (
            {"userid": n + side, "conversation": first + n // 2, "scope": SINGLE, "dstid": n + 1 - side} for n in pairs
        )
        _add(connection, participant, places)


def _said(group: int, size: int, first: int, last: int) -> Iterator[dict[str, Any]]:
    for seq in range(first, last + 1):
        sender = seq % size + 1
        cid = f"bench-{seq}"
        said = Message(userid=sender, cmd=GROUP, dstid=group, media=1, content="x" * 60, cid=cid, seq=seq, at=seq)
        body = encode(said)
        yield {"conversation": group, "seq": seq, "sender": sender, "cid": cid.encode(), "body": body}
