"""The nodes that share the database: whether they were started alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from twim.doctor.finding import Finding, Level
from twim.doctor.reading import Unreadable
from twim.doctor.schema import revisions
from twim.doctor.subject import Subject
from twim.storage.migrations import newest
from twim.storage.settings import Told, read_told
from twim.wire.settings import LIVE, stricter

TOPIC: Final = "nodes"
TELLING_SECONDS: Final = 45.0  # a node that is there tells something every 30 s


def look_at_nodes(subject: Subject) -> Iterator[Finding]:
    """Compare what they tell in the database."""
    if subject.database.path is not None:
        yield Finding(TOPIC, Level.OK, "there is one node: SQLite is for one")
        return
    try:
        with subject.database.reading() as connection:
            if revisions(connection) != (newest(),):
                yield Finding(TOPIC, Level.NOTE, "not examined, since the schema isn't that of this release")
                return
            told = read_told(connection, int((subject.clock() - TELLING_SECONDS) * 1000))
    except Unreadable as error:
        yield Finding(TOPIC, Level.NOTE, f"not examined, since the database can't be read: {error}")
        return
    yield from judge_nodes(told)


def judge_nodes(told: list[Told]) -> Iterator[Finding]:
    """What to say of nodes that tell this."""
    if not told:
        yield Finding(TOPIC, Level.OK, "no node runs on this database")
        return
    wrong = [*_settings(told), *_versions(told), *_buses(told)]
    yield from wrong
    if not wrong:
        names = ", ".join(_called(one) for one in told)
        yield Finding(TOPIC, Level.OK, f"{len(told)} node{'s' * (len(told) != 1)} ({names}), started alike")


def _settings(told: list[Told]) -> Iterator[Finding]:
    for name, setting in LIVE.items():
        values = _by_value(told, partial(_given, name))
        option = f"--{setting.option}"
        if len(values) > 1:
            holds = ""
            for value in values:
                holds = stricter(setting, holds, value) if holds else value
            text = f"nodes were given different values of {option}, of which {holds} holds: {_said(values)}"
            fix = f"Give all nodes the same {option}, or none and set it with: twim set {name} VALUE."
            yield Finding(TOPIC, Level.WARNING, text, fix)
        elif values and (without := [one for one in told if name not in one.given]):
            text = f"{option} was given to some nodes only, not to {', '.join(map(_called, without))}"
            fix = f"Give it to all: it holds only as long as a node is there that has {option}."
            yield Finding(TOPIC, Level.NOTE, text, fix)


def _versions(told: list[Told]) -> Iterator[Finding]:
    values = _by_value(told, lambda one: one.about.get("version"))
    if len(values) > 1:
        fix = "Install the same release everywhere, unless an upgrade is under way."
        yield Finding(TOPIC, Level.WARNING, f"the nodes are of different versions: {_said(values)}", fix)


def _buses(told: list[Told]) -> Iterator[Finding]:
    kinds = _by_value(told, lambda one: one.about.get("bus"))
    keys = _by_value(told, lambda one: one.about.get("key"))
    if len(kinds) > 1:
        fix = "Give all nodes the same --bus, and restart those that had another."
        yield Finding(TOPIC, Level.ERROR, f"the nodes use different buses: {_said(kinds)}", fix)
    elif len(told) > 1 and "alone" in kinds:
        fix = "Give all of them the same --bus: without one they don't hear of each other's messages."
        yield Finding(TOPIC, Level.ERROR, f"several nodes use this database without a bus: {_said(kinds)}", fix)
    if len(keys) > 1:
        names = "; ".join(", ".join(nodes) for nodes in keys.values())
        fix = "Copy cluster.key of one of them to all others, and restart these."
        yield Finding(TOPIC, Level.ERROR, f"the nodes have different cluster keys: {names}", fix)


def _by_value(told: list[Told], value_of: Callable[[Told], str | None]) -> dict[str, list[str]]:
    """Which nodes have which value; those that have none are left out."""
    found: dict[str, list[str]] = {}
    for one in told:
        value = value_of(one)
        if value is not None:
            found.setdefault(value, []).append(_called(one))
    return found


def _said(values: dict[str, list[str]]) -> str:
    return "; ".join(f"{value} ({', '.join(nodes)})" for value, nodes in sorted(values.items()))


def _called(one: Told) -> str:
    return one.about.get("address") or one.node


def _given(name: str, one: Told) -> str | None:
    return one.given.get(name)
