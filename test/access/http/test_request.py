"""Bodies are bounded while they arrive."""

from __future__ import annotations

import json

from test.access.http.request_rig import LIMIT, Rig, chunked, parsed, post
from test.storage.files.samples import multipart
from twim.access.files.uploads import AROUND_FILE
from twim.access.http.request import DRAIN_BYTES, SMALL_BODY

BEARER = "Authorization: Bearer 7"


class SmallBodies(Rig):
    async def test_a_form_passes(self) -> None:
        """Klein gets an ordinary form unchanged."""
        head = post("/echo?a=1", "application/x-www-form-urlencoded", 3)
        status, _, body = await self.ask(head + b"b=2")
        self.assertEqual((status, json.loads(body)), (200, {"a": "1", "b": "2"}))

    async def test_a_multipart_form_passes(self) -> None:
        """A small multipart body that is no upload is parsed as ever."""
        kind, body = multipart(("b", "", "", b"2"))
        status, _, answer = await self.ask(post("/echo", kind, len(body)) + body)
        self.assertEqual((status, json.loads(answer)), (200, {"b": "2"}))

    async def test_declared_too_long(self) -> None:
        """A body over the bound is refused before it is sent, in the envelope."""
        status, headers, body = await self.refused_early("/echo", SMALL_BODY + 1)
        self.assertEqual(status, 413)
        self.assertEqual(headers[b"connection"], b"close")
        self.assertEqual(json.loads(body)["code"], -1)

    async def refused_early(self, path: str, length: int, *more: str) -> tuple[int, dict[bytes, bytes], bytes]:
        talk = await self.connect()
        talk.transport.write(post(path, "multipart/form-data; boundary=x", length, *more))
        return parsed(await talk.until(b"}"))

    async def test_chunked_too_long(self) -> None:
        """A body that doesn't tell its length is refused where it crosses the bound."""
        head = post("/echo", "application/x-www-form-urlencoded", None)
        status, _, body = await self.ask(head + chunked(b"a" * (SMALL_BODY + 1)))
        self.assertEqual((status, json.loads(body)["code"]), (413, -1))

    async def test_chunked_within(self) -> None:
        """Exactly the bound is not over it."""
        head = post("/echo", "application/x-www-form-urlencoded", None)
        status, _, _ = await self.ask(head + chunked(b"a=" + b"a" * (SMALL_BODY - 2)))
        self.assertEqual(status, 200)

    async def test_the_connection_serves_on(self) -> None:
        """After an ordinary request the same connection takes the next."""
        talk = await self.connect()
        ask = b"GET /echo?n=%d HTTP/1.1\r\nHost: x\r\n\r\n"
        talk.transport.write(ask % 1 + ask % 2)
        self.assertIn(b'"1"', await talk.until(b'{"n": "2"}'))


class Refusing(Rig):
    async def test_a_sender_reads_the_refusal(self) -> None:
        """Who goes on sending after the 413 can read it, and the connection ends cleanly."""
        talk = await self.connect()
        size = 8 * LIMIT
        talk.transport.write(post("/attach/upload", "multipart/form-data; boundary=x", size, BEARER))
        await talk.until(b"}")
        talk.transport.write(b"x" * size)
        await talk.closed
        self.assertTrue(talk.clean)
        self.assertEqual(parsed(talk.received)[0], 413)

    async def test_draining_ends(self) -> None:
        """A refused client that never stops is cut off."""
        talk = await self.connect()
        talk.transport.write(post("/attach/upload", "text/plain", None, BEARER))
        self.assertEqual(parsed(await talk.until(b"}"))[0], 415)
        piece = b"x" * (DRAIN_BYTES // 64)
        for _ in range(66):
            talk.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await talk.closed
        self.assertFalse(self.store_touched())

    def store_touched(self) -> bool:
        return bool(self.spooled() or self.kept())

    async def test_no_100_after_a_refusal(self) -> None:
        """A client that asks before it sends is told no, and not to go on as well."""
        talk = await self.connect()
        length = LIMIT + AROUND_FILE + 1
        wait = "Expect: 100-continue"
        talk.transport.write(post("/attach/upload", "multipart/form-data; boundary=x", length, BEARER, wait))
        answer = await talk.until(b"}")
        self.assertNotIn(b"100 Continue", answer)
        self.assertEqual(parsed(answer)[0], 413)
