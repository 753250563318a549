"""Users, friends, groups and old messages, put into the database of a server that isn't running.

Registering ten thousand users would hash ten thousand passwords. Their tokens are ordinary ones: the server checks
them as any other. The tables are taken as the server's own tree made them, so that earlier trees can be measured too.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Integer, MetaData, String, Table, create_engine, event, func, insert, select

from bench.servers import ROOT, ours
from twim.storage.schema import FRIEND, MEMBER
from twim.wire.commands import GROUP, SINGLE
from twim.wire.message import Message, encode

THEN = datetime(2026, 1, 1)
CHUNK = 10_000  # rows in one insert
COMPANIONS = 2  # other members of each group of the user who comes back
IN_A_ROW = 5  # messages of one of that user's conversations that lie together in the log
NAMED_EVERY = 25  # messages of a group, one that mentions that user

Row = dict[str, Any]


@dataclass(frozen=True)
class Return:
    """What the user who comes back has missed: of each of `conversations`, half of them groups, the newest `missed` of
    `said` messages."""

    conversations: int = 200
    said: int = 100
    missed: int = 50


class People:
    """`users` is a file of "id token" lines; users 2k-1 and 2k are friends; `groups` gives a group's id by its size.

    The database in `folder` is made by the server of `tree`. With `back` there is one more user, the last in the file,
    who talked with the others: `catch_up` is what such a device asks for.
    """

    def __init__(
        self,
        folder: Path,
        count: int,
        sizes: Sequence[int],
        back: Return | None = None,
        tree: Path = ROOT,
        python: str = sys.executable,
    ) -> None:
        self.folder = folder
        self.users = folder / "users.txt"
        self.groups = {size: number for number, size in enumerate(sizes, 1)}
        self.catch_up = ""
        with ours(folder, tree, python):
            pass  # makes the schema
        tokens = [secrets.token_urlsafe(32) for _ in range(count + (back is not None))]
        with _offline(folder) as connection:
            _add_users(connection, tokens)
            for size, group in self.groups.items():
                _add_group(connection, group, range(1, size + 1))
            first = len(self.groups) + 1
            _add_chats(connection, first, [(n, n + 1) for n in range(1, count, 2)])
            if back is not None:
                self.catch_up = _add_returning(connection, first + count // 2, count + 1, back)
        self.users.write_text("".join(f"{n} {token}\n" for n, token in enumerate(tokens, 1)))

    def say(self, size: int, first: int, last: int) -> None:
        """Put messages `first` to `last` into the log of the group of this size. Its members send in turn."""
        with _offline(self.folder) as connection:
            group = self.groups[size]
            _add(connection, "message", _said(group, GROUP, group, range(1, size + 1), first, last))

    def head(self, size: int) -> int:
        """The newest seq of the group of this size."""
        with _offline(self.folder) as connection:
            message = Table("message", MetaData(), autoload_with=connection)
            newest = select(func.max(message.c.seq)).where(message.c.conversation == self.groups[size])
            return int(connection.execute(newest).scalar_one() or 0)


def _offline(folder: Path) -> Any:
    engine = create_engine(f"sqlite:///{folder}/data/im.db")
    # The data would only be made again after a crash.
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    return engine.begin()


def _add(connection: Connection, name: str, rows: Iterable[Row]) -> None:
    """Insert into the table as it is in this database; columns that aren't named here are empty or 0."""
    table = Table(name, MetaData(), autoload_with=connection)
    empty: Row = {}
    for column in table.columns:
        if not column.nullable and not column.primary_key and column.server_default is None:
            kind = column.type
            empty[column.name] = "" if isinstance(kind, String) else 0 if isinstance(kind, Integer) else b""
    chunk: list[Row] = []
    for row in rows:
        chunk.append(empty | row)
        if len(chunk) == CHUNK:
            connection.execute(insert(table), chunk)
            chunk = []
    if chunk:
        connection.execute(insert(table), chunk)


def _add_users(connection: Connection, tokens: Sequence[str]) -> None:
    ids = range(1, len(tokens) + 1)
    people = ({"id": n, "mobile": str(10**10 + n), "passwd": "!", "sex": "U", "createat": THEN} for n in ids)
    _add(connection, "user", people)
    hashes = (hashlib.sha256(token.encode()).digest() for token in tokens)
    _add(connection, "device", ({"userid": n, "tokenhash": h, "createat": THEN} for n, h in enumerate(hashes, 1)))


def _add_group(connection: Connection, group: int, members: Sequence[int]) -> None:
    name = f"group of {len(members)}"
    _add(connection, "community", [{"id": group, "name": name, "ownerid": members[0], "createat": THEN}])
    _add(connection, "conversation", [{"id": group, "scope": GROUP, "a": group, "b": 0, "head": 0}])
    _add(connection, "contact", ({"ownerid": n, "dstobj": group, "cate": MEMBER, "createat": THEN} for n in members))
    participants = ({"userid": n, "conversation": group, "scope": GROUP, "dstid": group} for n in members)
    _add(connection, "participant", participants)


def _add_chats(connection: Connection, first: int, pairs: Sequence[tuple[int, int]]) -> None:
    """Friends who have talked before; their conversations get the ids from `first`."""
    both = [(me, peer, number) for number, (a, b) in enumerate(pairs, first) for me, peer in ((a, b), (b, a))]
    _add(
        connection,
        "contact",
        ({"ownerid": me, "dstobj": peer, "cate": FRIEND, "createat": THEN} for me, peer, _ in both),
    )
    chats = ({"id": n, "scope": SINGLE, "a": min(p), "b": max(p), "head": 0} for n, p in enumerate(pairs, first))
    _add(connection, "conversation", chats)
    participants = ({"userid": me, "conversation": n, "scope": SINGLE, "dstid": peer} for me, peer, n in both)
    _add(connection, "participant", participants)


def _add_returning(connection: Connection, first: int, user: int, back: Return) -> str:
    """The conversations of the user who comes back; gives the catch-up that asks for what was missed."""
    chats = range(1, back.conversations // 2 + 1)
    _add_chats(connection, first, [(peer, user) for peer in chats])
    where = [(number, SINGLE, user, [peer]) for number, peer in enumerate(chats, first)]
    groups = range(first + len(chats), first + back.conversations)
    for group in groups:
        members = [*range(group - first, group - first + COMPANIONS), user]
        _add_group(connection, group, members)
        where.append((group, GROUP, group, members[:-1]))
    said = (
        row
        for begin in range(1, back.said + 1, IN_A_ROW)
        for one in where
        for row in _said(*one, begin, min(begin + IN_A_ROW - 1, back.said), names=user)
    )
    _add(connection, "message", said)
    had = back.said - back.missed
    have = {f"{SINGLE}:{peer}": had for peer in chats} | {f"{GROUP}:{group}": had for group in groups}
    return json.dumps({"cmd": 4, "have": have}, separators=(",", ":"))


def _said(
    conversation: int, scope: int, dstid: int, senders: Sequence[int], first: int, last: int, names: int = 0
) -> Iterator[Row]:
    for seq in range(first, last + 1):
        sender = senders[seq % len(senders)]
        cid = f"bench-{conversation}-{seq}"
        said = Message(userid=sender, cmd=scope, dstid=dstid, media=1, content="x" * 60, cid=cid, seq=seq, at=seq)
        if names and scope == GROUP and seq % NAMED_EVERY == 0:
            said.mentions = [names]
        yield {"conversation": conversation, "seq": seq, "sender": sender, "cid": cid.encode(), "body": encode(said)}
