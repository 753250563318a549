"""`/openapi.json` and `/asyncapi.json`: valid, complete, and what the code does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import Mock

from jsonschema import Draft7Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from test.access.conformance import check_frame
from test.access.running_node import RunningNode, until
from twim.access.http.asyncapi import asyncapi
from twim.access.http.openapi import openapi
from twim.access.http.route import described
from twim.access.http.site import AREAS, Rest
from twim.errors import Malformed, TooMany
from twim.logic.dispatch import Dispatch
from twim.wire import commands, envelope
from twim.wire.described import HEARD, SAID
from twim.wire.message import Frame

PAGES = {
    *("/", "/<path:path>", "/admin", "/admin/", "/embed", "/favicon.ico", "/i/<code>", "/reset/<code>"),
    *("/openapi.json", "/asyncapi.json", "/mnt/granted", "/manifest.webmanifest", "/service-worker.js"),
}
"""Paths that are for people and proxies. A POST to one of them may be described all the same."""
ASYNCAPI = Path(__file__).parents[3] / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"


def routed() -> Iterator[tuple[str, str]]:
    """Every method and path for which the site has a route, pages apart."""
    for prefix, area in AREAS:
        for rule in area.app.url_map.iter_rules():
            path = prefix + rule.rule
            for method in (rule.methods or set()) - {"HEAD"}:
                if path not in PAGES or method == "POST":
                    yield method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)


class OpenApiTests(SynchronousTestCase):
    """The paths."""

    document: ClassVar[dict[str, Any]] = json.loads(json.dumps(openapi(AREAS, "1.2.3", "/chat")))

    def test_valid(self) -> None:
        """It is OpenAPI 3.1, by its own schema and rules."""
        OpenAPIV31SpecValidator(self.document).validate()
        self.assertEqual(self.document["servers"], [{"url": "/chat"}])
        self.assertEqual(self.document["info"]["version"], "1.2.3")

    def test_complete(self) -> None:
        """Every route is described, and nothing else is."""
        found = {(method.upper(), path) for path, one in self.document["paths"].items() for method in one}
        self.assertEqual(found, set(routed()))

    def test_areas(self) -> None:
        """No area is missing: each that the site knows is listed."""
        branches = {
            rule.rule for rule in Rest.app.url_map.iter_rules() if rule.rule.endswith("/") and len(rule.rule) > 1
        }
        listed = {f"{prefix}/" for prefix, _ in AREAS if prefix}
        self.assertEqual(branches - {"/admin/"}, listed)

    def test_declared(self) -> None:
        """Every route says which fields it takes, among them those of its path, and what it is for."""
        for prefix, area in AREAS:
            for one in described(area):
                where = f"{prefix}{one.path}"
                self.assertIsNotNone(one.takes, f"{where}: takes= is missing")
                self.assertGreater(len(one.summary), 5, where)
                names = [field.name for field in one.takes or ()]
                self.assertEqual(len(names), len(set(names)), where)
                self.assertLessEqual(set(re.findall(r"<(\w+)>", one.path)), set(names), where)

    def test_operations(self) -> None:
        """Each operation has a name of its own."""
        names = [one["operationId"] for path in self.document["paths"].values() for one in path.values()]
        self.assertEqual(len(names), len(set(names)))

    def test_names(self) -> None:
        """No schema is called as the constructor of another one would be in Go, ``NewX`` beside ``X``."""
        names = set(self.document["components"]["schemas"])
        self.assertEqual({name for name in names if name.removeprefix("New") in names - {name}}, set())


class AsyncApiTests(SynchronousTestCase):
    """The socket."""

    document: ClassVar[dict[str, Any]] = json.loads(json.dumps(asyncapi("1.2.3", "/chat")))

    def test_valid(self) -> None:
        """It is AsyncAPI 3.0, by the schema that AsyncAPI publishes."""
        if not ASYNCAPI.exists():
            raise SkipTest("npm ci brings the schema")
        Draft7Validator(json.loads(ASYNCAPI.read_text("utf-8"))).validate(self.document)
        self.assertEqual(self.document["channels"]["chat"]["address"], "/chat/chat")

    def test_what_clients_say(self) -> None:
        """Every command that is obeyed is described, by fields that a frame has, and nothing else is."""
        dispatch = Dispatch(Mock(), Mock(), Mock(), Mock(), Mock(), Mock())
        self.assertEqual(set(SAID), set(dispatch._table))
        for said in SAID.values():
            self.assertLessEqual({*said.fields, *said.required}, set(Frame.__struct_fields__))

    def test_what_the_server_says(self) -> None:
        """Whatever the server says by itself is described."""
        for frame in (
            envelope.answer(1, "c", 10, 2, 3, 4),
            envelope.refused_frame(1, "c", Malformed("no")),
            envelope.refused_frame(0, "", TooMany("wait", retry_after=1)),
            envelope.heartbeat(5),
            envelope.typing(10, 2, 3),
            envelope.read(11, 2, 3, 4),
            envelope.presence(2, True),
            envelope.changed("friends", userid=2),
            envelope.catch_up_begin("e", True) + envelope.CATCH_UP_END,
        ):
            check_frame(json.loads(frame))
        numbers = {value for name, value in vars(commands).items() if name in COMMANDS}
        self.assertEqual(set(HEARD), numbers)


COMMANDS = ("HEARTBEAT", "ANSWER", "CATCH_UP", "TYPING", "READ", "PRESENCE", "CHANGED", "SINGLE", "GROUP")


class ServedTests(RunningNode):
    """The documents as they are served."""

    async def test_served(self) -> None:
        """To everybody, compressed, and only once."""
        for path in ("/openapi.json", "/asyncapi.json"):
            answer = await self.ask("GET", path)
            self.assertEqual((answer.status, answer.header("content-type")), (200, "application/json; charset=utf-8"))
            self.assertEqual(answer.header("cache-control"), "no-cache")
            self.assertEqual(answer.header("vary"), "Accept-Encoding, X-Forwarded-Prefix")
            again = await self.ask("GET", path, f"If-None-Match: {answer.header('etag')}")
            self.assertEqual((again.status, again.body), (304, b""))
            packed = await self.ask("GET", path, "Accept-Encoding: gzip")
            self.assertLess(len(packed.body), len(answer.body) / 4)
            self.assert_refused(await self.ask("POST", path), 405)
        document = (await self.ask("GET", "/openapi.json")).json
        self.assertEqual(document["servers"], [{"url": "/"}])

    async def test_frames(self) -> None:
        """What two devices hear of a whole conversation is described; each frame is checked as it is heard."""
        ann, ben = await self.friends()
        one, other = await ann.device(), await ben.device()
        sent = await one.ask(cmd=10, dstid=ben.id, media=1, content="hello", cid="c")
        one.say(cmd=5, scope=10, dstid=ben.id)
        await other.hear(cmd=5)
        other.say(cmd=6, scope=10, dstid=ann.id, seq=sent["seq"])
        await one.hear(cmd=6)
        await one.ask(cmd=10, dstid=ben.id, media=22, ref=sent["seq"], content="👍")
        later = await ben.device()
        later.say(cmd=4, have={})
        await later.hear(cmd=4)
        one.say(cmd=0)
        await one.hear(cmd=0)
        await other.leave()
        await later.leave()
        await one.hear(cmd=7, online=0)
        await until(lambda: len(one.heard) > 4)
