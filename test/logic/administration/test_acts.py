"""The list of acts: what each is told, and how careful one is with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from twim.errors import Malformed, NotFound, Unavailable
from twim.logic.administration.acts import ACTS, Actor, Result, page
from twim.logic.administration.administration import Administration
from twim.logic.administration.values import Values

BOSS = Actor.user(7)
VALUES: dict[str, dict[str, object]] = {
    "user.list": {"q": "ann", "before": 9, "limit": 200, "waiting": 1},
    "user.find": {"word": "mobile:+49"},
    "user.role": {"user": 1, "role": "admin"},
    "group.list": {"q": "rowers"},
    "group.show": {"group": 1},
    "group.takeover": {"group": 1, "user": 2},
    "group.dissolve": {"group": 1},
    "purge": {"days": 365, "group": 1},
    "invite.list": {"limit": 1},
    "invite.create": {"for": "server", "uses": 1, "days": 30, "user": 2},
    "invite.revoke": {"id": 1},
    "key.create": {"name": "a script", "scopes": "read,users"},
    "key.revoke": {"id": 1},
    "webhook.delete": {"id": 1},
    "webhook.retry": {"id": 1},
    "setting.set": {"name": "signup", "value": "off"},
    "audit.list": {"before": 3},
    "storage.list": {"limit": 3},
}
WRONG: dict[str, tuple[dict[str, object], ...]] = {
    "user.list": ({"limit": 201}, {"limit": 0}, {"before": -1}, {"q": "\0"}, {"q": "x" * 101}, {"waiting": 2}),
    "user.find": ({}, {"word": ""}, {"word": 7}),
    "user.show": ({}, {"user": 0}, {"user": "7"}, {"user": True}, {"user": 2**53}, {"user": 1, "more": 1}),
    "user.role": ({"user": 1}, {"user": 1, "role": "owner"}),
    "purge": ({}, {"days": 0}, {"days": 1, "group": -1}, {"days": 0.5}),
    "invite.create": ({}, {"for": "all"}, {"for": 0}, {"for": 1, "uses": 1_001}, {"for": 1, "days": 31}),
    "key.create": ({}, {"name": ""}, {"name": "x" * 41}, {"name": "x", "scopes": "A"}),
    "setting.set": ({"name": "signup"}, {"name": "signup", "value": 1}, {"name": "name", "value": "a\nb"}),
}


class Recording:
    """An area that has every act, gives `result` and keeps what it was told."""

    def __init__(self) -> None:
        self.result: Result = {}
        self.told: list[Values] = []
        self.acts = dict.fromkeys(ACTS, self.act)

    async def act(self, values: Any, actor: Actor) -> Result:
        self.told.append(values)
        return self.result


class Kept:
    """An audit log."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, ...]] = []
        self.fails = False

    def append(self, *line: object) -> Any:
        if self.fails:
            raise Unavailable
        self.lines.append(line)
        return succeed(None)


class ActsTests(SynchronousTestCase):
    """What is asked of each."""

    def setUp(self) -> None:
        self.area, self.audit = Recording(), Kept()
        audit: Any = self.audit
        self.administration = Administration([self.area], audit, lambda: 5)

    def act(self, name: str, values: dict[str, object], actor: Actor = BOSS) -> Result:
        return self.successResultOf(_later(self.administration.act(name, values, actor)))

    def refused(self, name: str, values: dict[str, object], why: type[Exception]) -> None:
        self.failureResultOf(_later(self.administration.act(name, values, BOSS)), why)

    def test_told(self) -> None:
        """Each act takes its values, and is written down if it changes something, with ids and numbers alone."""
        for name, act in ACTS.items():
            self.audit.lines.clear()
            values = VALUES.get(name, {"user": 1} if name.startswith("user.") else {})
            self.act(name, values)
            self.assertIsInstance(self.area.told[-1], act.values)
            self.assertEqual(len(self.audit.lines), int(act.changes), name)
            self.assertTrue(act.help and (act.changes or not (act.asks or act.secret)), name)

    def test_refused(self) -> None:
        """A value that is missing, of another type, out of bounds or unknown is refused, and nothing is done."""
        for name, wrong in WRONG.items():
            for values in wrong:
                self.refused(name, values, Malformed)
        self.refused("user.promote", {}, NotFound)
        self.assertEqual((self.area.told, self.audit.lines), ([], []))

    def test_written_down(self) -> None:
        """The audit log has ids, numbers and choices: no name, no words, no code."""
        cases: tuple[tuple[str, dict[str, object], Result, dict[str, object]], ...] = (
            ("user.role", {"user": 1, "role": "admin"}, {}, {"user": 1, "role": "admin"}),
            ("user.reset", {"user": 1}, {"url": "/reset/CODE", "expires": 2}, {"user": 1}),
            ("key.create", {"name": "Ann's"}, {"id": 3, "key": "twk_x"}, {"scopes": "", "id": 3}),
            ("setting.set", {"name": "signup", "value": "off"}, {}, {"name": "signup", "value": "off"}),
            ("setting.set", {"name": "name", "value": "Ann's"}, {}, {"name": "name"}),
            ("purge", {"days": 9}, {"messages": 1}, {"days": 9, "group": 0, "messages": 1}),
        )
        for name, values, self.area.result, what in cases:
            self.act(name, values)
            self.assertEqual(self.audit.lines[-1], ("id:7", name, what, 5))
        created = {"id": 4, "code": "CODE", "url": "/i/CODE", "expires": 9}
        self.area.result = created
        self.assertEqual(self.act("invite.create", {"for": 8}, Actor("command:root")), created)
        what = {"for": 8, "uses": 100, "days": 7, "user": 0, "id": 4}
        self.assertEqual(self.audit.lines[-1], ("command:root", "invite.create", what, 5))

    def test_not_written_down(self) -> None:
        """Where the audit log can't be written, the result of what is done is told all the same, and logged."""
        self.audit.fails = True
        self.area.result = {"url": "/reset/CODE", "expires": 2}
        events: list[Mapping[str, Any]] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.assertEqual(self.act("user.reset", {"user": 1}), self.area.result)
        (event,) = events
        self.assertEqual((event["who"], event["act"], event["what"]), ("id:7", "user.reset", {"user": 1}))
        self.assertNotIn("CODE", formatEvent(event))

    def test_pages(self) -> None:
        """A list that is full may go on from its last row, a shorter one is the end."""
        rows: list[dict[str, object]] = [{"id": 9}, {"id": 5}]
        self.assertEqual((page(rows, 2)["next"], page(rows, 3)["next"], page([], 1)["next"]), (5, 0, 0))


def _later(work: Any) -> Deferred[Any]:
    return Deferred.fromCoroutine(work)
