"""Settings that are changed at run time, and what running nodes were given as options and tell about themselves: in one
table for all nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update
from twisted.internet.defer import Deferred

from twim.storage.database import Database
from twim.storage.schema import setting
from twim.wire.settings import LIVE

CHANGED: Final = ""
"""Stands for no node: what was changed at run time."""
ABOUT: Final = "about."
"""What the names begin with of what a node tells about itself. No setting has a dot."""
_LONGEST: Final = 200  # characters of a value


class Stored(NamedTuple):
    """What was changed: names and values; and which options nodes were given: name, value and node."""

    changed: dict[str, str]
    elsewhere: list[tuple[str, str, str]]


class Told(NamedTuple):
    """What one node tells: the options that it was given, what it says of itself, and when it said so last."""

    node: str
    given: dict[str, str]
    about: dict[str, str]
    at: int


class SettingStore:
    """The store of settings. Times are milliseconds since 1970."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, node: str, since: int) -> Deferred[Stored]:
        """What holds, as far as `node` doesn't know it by itself: of other nodes what they told `since` then."""
        return self._database.read(lambda connection: _read(connection, node, since))

    def read_now(self, node: str, since: int) -> Stored:
        """As `read`; blocks. For the start."""
        return self._database.transact(lambda connection: _read(connection, node, since), False)

    def change(self, name: str, value: str, at: int) -> Deferred[None]:
        """Keep a value that was changed at run time."""
        return self._database.write(lambda connection: _put(connection, name, CHANGED, value, at))

    def tell(
        self, node: str, given: Mapping[str, str], about: Mapping[str, str], at: int, gone_before: int
    ) -> Deferred[None]:
        """`node` is there, was given these options and says this of itself. What nodes told that are gone since then is
        removed."""
        told = dict(given) | {f"{ABOUT}{name}": value[:_LONGEST] for name, value in about.items()}

        def work(connection: Connection) -> None:
            for name in sorted(told):
                _put(connection, name, node, told[name], at)
            connection.execute(delete(setting).where(setting.c.node != CHANGED, setting.c.at < gone_before))

        return self._database.write(work)

    def leave(self, node: str) -> Deferred[None]:
        """`node` ends."""
        this = delete(setting).where(setting.c.node == node)
        return self._database.write(lambda connection: connection.execute(this)).addCallback(lambda _: None)


def _read(connection: Connection, node: str, since: int) -> Stored:
    stored = Stored({}, [])
    for line in connection.execute(select(setting.c.name, setting.c.value, setting.c.node, setting.c.at)):
        if line.node == CHANGED:
            stored.changed[line.name] = line.value
        elif line.node != node and line.at >= since and line.name in LIVE:
            stored.elsewhere.append((line.name, line.value, line.node))
    return stored


def read_told(connection: Connection, since: int) -> list[Told]:
    """What the nodes tell that told something `since` then, in the order of their ids."""
    found: dict[str, Told] = {}
    lines = select(setting.c.node, setting.c.name, setting.c.value, setting.c.at)
    for node, name, value, at in connection.execute(
        lines.where(setting.c.node != CHANGED, setting.c.at >= since).order_by(setting.c.node)
    ):
        known = found.setdefault(node, Told(node, {}, {}, at))
        if name.startswith(ABOUT):
            known.about[name.removeprefix(ABOUT)] = value
        else:
            known.given[name] = value
        found[node] = known._replace(at=max(known.at, at))
    return list(found.values())


def _put(connection: Connection, name: str, node: str, value: str, at: int) -> None:
    this = (setting.c.name == name, setting.c.node == node)
    if connection.execute(select(setting.c.at).where(*this)).first() is not None:
        connection.execute(update(setting).where(*this).values(value=value, at=at))
    else:
        connection.execute(insert(setting).values(name=name, node=node, value=value, at=at))
