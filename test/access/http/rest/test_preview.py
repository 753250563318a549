"""``/message/preview`` on a running node: what a page that a message links to says of itself."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import Data

from test.access.running_node import RunningNode


class PreviewTests(RunningNode):
    """With previews."""

    settings = RunningNode.settings | {"previews": "private"}

    async def test_preview(self) -> None:
        """The title, words and site of a page; all "" where there is nothing to show, and 400 without a URL."""
        head = (
            b"<title>A page</title><meta name=description content='Its words'><meta property=og:site_name content=It>"
        )
        site = Resource()
        site.putChild(b"", Data(head, "text/html"))
        port = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(Site(site))
        self.addCleanup(port.stopListening)
        ann = await self.person()
        answer = await ann.get("/message/preview", url=f"http://127.0.0.1:{port.getHost().port}/")
        self.assertEqual(answer.data, {"title": "A page", "description": "Its words", "site": "It"})
        for url in ("http://127.0.0.1:1/", "javascript:1"):
            answer = await ann.post("/message/preview", url=url)
            self.assertEqual(answer.data, {"title": "", "description": "", "site": ""})
        for wrong in ({}, {"url": ""}, {"url": "x" * 2049}):
            self.assert_refused(await ann.get("/message/preview", **wrong), 400, "url")

    async def test_page(self) -> None:
        """The chat page knows that there are previews."""
        ann = await self.person()
        self.assertIn(b" data-previews", (await ann.get("/chat/index.shtml")).body)


class WithoutPreviews(RunningNode):
    """As a node is by itself."""

    async def test_off(self) -> None:
        """Nothing is asked, and the page knows."""
        ann = await self.person()
        self.assert_refused(await ann.get("/message/preview", url="https://example.com/"), 404, "previews")
        self.assertNotIn(b" data-previews", (await ann.get("/chat/index.shtml")).body)
