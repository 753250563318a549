"""Each event is one line, whatever it contains."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twim.logs.context import begin_request, ids, log_id_of
from twim.logs.formats import as_json, as_lines, as_text


class Connection:
    """Stands for a connection with an id."""


class FormatTests(SynchronousTestCase):
    """Text and JSON."""

    def setUp(self) -> None:
        self.events: list[Any] = []
        self.log = Logger("somewhere", observer=LogPublisher(self.events.append))

    def test_text(self) -> None:
        """A line has time, source, level and text."""
        self.log.warn("{count} of {what}", count=3, what="them")
        self.assertRegex(
            as_text(self.events[0]), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000 \[somewhere#warn\] 3 of them$"
        )

    def test_json(self) -> None:
        """JSON has the same, and the fields of the text."""
        self.log.warn("{count} of {what}", count=3, what=b"them", other=[1])
        line = json.loads(as_json(self.events[0]))
        self.assertRegex(line.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        fields = {"count": 3, "what": "them", "other": "[1]"}
        self.assertEqual(line, {"level": "warn", "source": "somewhere", "text": "3 of b'them'", "fields": fields})

    def test_one_line(self) -> None:
        """Line breaks in an event or a traceback don't split its line, and can't forge another one."""
        self.log.info("{what}", what="a\nb\r\nc\\nd")
        try:
            raise ValueError("no\ngood")
        except ValueError:
            self.log.failure("it failed", Failure())
        for event in self.events:
            self.assertEqual(len(as_text(event).splitlines()), 1)
            self.assertEqual(len(as_json(event).splitlines()), 1)
        self.assertIn("a\\nb\\r\\nc\\\\nd", as_text(self.events[0]))
        for form in (as_text, as_json):
            self.assertIn("Traceback", form(self.events[1]))
            self.assertIn("ValueError", form(self.events[1]))
        self.assertIn("\n\tTraceback", as_lines(self.events[1]))

    def test_secrets(self) -> None:
        """No format writes a secret, be it in the words or in a field."""
        self.log.info("{path} failed", path="/i/Zq3xK9", token="?token=Zq3xK9")
        for form in (as_text, as_lines, as_json):
            self.assertNotIn("Zq3xK9", form(self.events[0]))

    def test_ids(self) -> None:
        """What is logged while a request is answered names it and its connection, and nothing after it does."""
        connection = Connection()
        waiting: list[Deferred[None]] = []

        async def answer() -> None:
            begin_request(connection)
            self.log.info("begun")
            waiting.append(Deferred())
            await waiting[-1]
            self.log.info("ended", form=as_text(self.events[-1]))
            self.lines.append(as_text(self.events[-1]))

        self.lines: list[str] = []
        for _ in range(2):
            Deferred.fromCoroutine(answer())
        for one in waiting:
            one.callback(None)
        self.assertEqual(ids(), {})
        found = log_id_of(connection)
        self.assertEqual([line.split(" connection=")[1].split()[0] for line in self.lines], [found, found])
        requests = {line.split(" request=")[1] for line in self.lines}
        self.assertEqual(len(requests), 2)
        self.log.failure("of a socket", Failure(ValueError("x")), connection=found)
        self.assertEqual(json.loads(as_json(self.events[-1]))["connection"], found)
