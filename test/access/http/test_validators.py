"""Conditions and ranges of static files, however they are written."""

from __future__ import annotations

import time

from test.access.running_node import RunningNode


class AssetTests(RunningNode):
    """``/asset/``, through a node."""

    async def test_dates(self) -> None:
        """A date that is one counts; whatever else is as if it weren't there, and takes no time."""
        dated = (await self.ask("GET", "/asset/icon.svg")).header("last-modified")
        self.assertEqual((await self.ask("GET", "/asset/icon.svg", f"If-Modified-Since: {dated}")).status, 304)
        since = time.monotonic()
        for said in (
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 99999999999999 08:49:37 GMT",
            "Sunday, 06-Nov-99999999 08:49:37 GMT",
            "Sun, 06 Nov 9999999 08:49:37",
            "Sun, 99 Nov 2994 08:49:37 GMT",
            "Sun, 06 Nov 2994 99:99:99 GMT",
            "Sun",
            ";",
            b"\xff",
        ):
            line = b"If-Modified-Since: " + (said if isinstance(said, bytes) else said.encode())
            self.assertEqual((await self.ask("GET", "/asset/icon.svg", line)).status, 200, said)
        self.assertLess(time.monotonic() - since, 10)

    async def test_ranges(self) -> None:
        """One range that is one counts, what lies behind the end is refused, whatever else gets the whole."""
        whole = (await self.ask("GET", "/asset/icon.svg")).body
        for said, status, body in (
            ("bytes=0-9", 206, whole[:10]),
            ("bytes=-5", 206, whole[-5:]),
            ("bytes=10-", 206, whole[10:]),
            (f"bytes=0-{'9' * 18}", 206, whole),
            ("bytes=9-0", 200, whole),
            ("bytes=-", 200, whole),
            ("bytes=0-1,3-4", 200, whole),
            ("bytes=" + "0-0," * 3_000, 200, whole),
            (f"bytes=0-{'9' * 5_000}", 200, whole),
            ("items=0-1", 200, whole),
        ):
            answer = await self.ask("GET", "/asset/icon.svg", f"Range: {said}")
            self.assertEqual((answer.status, answer.body), (status, body), said)
        for said in (f"bytes={len(whole)}-", "bytes=-0", f"bytes={'9' * 18}-"):
            answer = await self.ask("GET", "/asset/icon.svg", f"Range: {said}")
            self.assert_refused(answer, 416)
            self.assertEqual(answer.header("content-range"), f"bytes */{len(whole)}")
        self.assertEqual((await self.ask("GET", "/asset/icon.svg", "Range: bytes=0-9", "If-Range: x")).body, whole)
