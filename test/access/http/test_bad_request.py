"""What can't be a request is answered like one, and the answer can be read."""

from __future__ import annotations

import json

from test.access.running_node import RunningNode


class BadRequestTests(RunningNode):
    """`RefusingChannel`, through a node."""

    async def test_statuses(self) -> None:
        """Each with its own, in the envelope, after which the connection ends; also when far more is sent than read."""
        head = b"GET / HTTP/1.1\r\nHost: x\r\n"
        for request, status in (
            (b"GET / FOO\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
            (head + b"Transfer-Encoding: gzip\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
            (head + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", 413),
            (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
            (b"GET /" + b"a" * 500_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
            (head + b"A: " + b"a" * 20_000 + b"\r\n\r\n", 431),
            (head + b"A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 1_000 + b"\r\n", 431),
        ):
            answer = await self.ask_raw(request)
            self.assert_refused(answer, status)
            self.assertEqual(answer.header("connection"), "close")

    async def test_one_answer(self) -> None:
        """What follows a refused line isn't read, and what was refused before it broke has its answer already."""
        twice = b"GET / FOO\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nGET / FOO\r\n\r\n"
        self.assertEqual((await self.ask_raw(twice)).raw.count(b"HTTP/1.1 "), 1)
        broken = b"POST /user/login HTTP/1.1\r\nHost: a..b\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        answer = await self.ask_raw(broken)
        self.assertEqual((answer.raw.count(b"HTTP/1.1 "), answer.status), (1, 400))
        self.assertIn("Host", json.loads(answer.body)["msg"])
