"""The files of the pages: found, joined, compressed, and kept by browsers no longer than they are right."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import brotli
from twisted.internet import reactor
from twisted.python.filepath import FilePath
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, readBody
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import Site

from twim.access.http.assets import AssetResource, Assets, choose_encoding


class AssetTests(TestCase):
    """``/asset/`` over HTTP."""

    def setUp(self) -> None:
        """A folder with a file of each kind of interest, and one outside it."""
        root = FilePath(self.mktemp())
        self.folder = root.child("asset")
        self.folder.child("js").makedirs()
        self.folder.child("js").child("a.js").setContent(b"export {};\n")
        self.folder.child("p.svg").setContent(b"<svg/>")
        self.folder.child("weird.xyz").setContent(b"?")
        self.folder.child(".hidden").setContent(b"secret")
        root.child("outside.txt").setContent(b"secret")
        site = Resource()
        self.assets = Assets(Path(self.folder.path))
        site.putChild(b"asset", AssetResource(self.assets))
        # A real port: a file is sent piece by piece as the transport asks, which a transport in memory never does.
        port = reactor.listenTCP(0, Site(site), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.base = f"http://127.0.0.1:{port.getHost().port}/asset/"

    async def ask(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Any:
        """The response, its body read into `body`."""
        # Not treq, which asks for gzip by itself and undoes it.
        url = (self.base + path).encode()
        sent = Headers({name: [value] for name, value in (headers or {}).items()})
        response: Any = await Agent(reactor).request(method.encode(), url, sent)
        response.body = await readBody(response)
        return response

    def header(self, response: Any, name: str) -> str:
        """One header of a response, or ""."""
        return (response.headers.getRawHeaders(name) or [""])[0]

    async def test_types_and_caching(self) -> None:
        """Code is revalidated at each use, pictures are kept for a day; both say what they are."""
        script, picture, other = (
            await self.ask("js/a.js"),
            await self.ask("p.svg"),
            await self.ask("weird.xyz"),
        )
        self.assertEqual(script.body, b"export {};\n")
        self.assertEqual(self.header(script, "content-type"), "text/javascript; charset=utf-8")
        self.assertEqual(self.header(script, "cache-control"), "no-cache")
        self.assertEqual(self.header(picture, "content-type"), "image/svg+xml")
        self.assertIn("max-age", self.header(picture, "cache-control"))
        self.assertEqual(self.header(other, "content-type"), "application/octet-stream")
        self.assertEqual(self.header(other, "x-content-type-options"), "nosniff")

    async def test_validators(self) -> None:
        """A copy that is still good is not sent again, by tag and by date."""
        first = await self.ask("js/a.js")
        tag = self.header(first, "etag")
        for name, value in (
            ("If-None-Match", tag),
            # A proxy that compresses weakens the tag.
            ("If-None-Match", f"W/{tag}"),
            ("If-None-Match", f'"other", W/{tag}'),
            ("If-None-Match", f'{tag},"other"'),
            ("If-None-Match", "*"),
            ("If-Modified-Since", self.header(first, "last-modified")),
        ):
            for method in ("GET", "HEAD"):
                again = await self.ask("js/a.js", {name: value}, method)
                self.assertEqual((again.code, again.body), (304, b""), value)
                self.assertEqual(self.header(again, "etag"), tag)
        for other in ('"other"', tag.strip('"'), f'"{tag}"', 'W/"', '"*"', '", "'):
            self.assertEqual((await self.ask("js/a.js", {"If-None-Match": other})).code, 200, other)

    async def test_tag_counts_more_than_date(self) -> None:
        """A wrong tag gets the file, whatever the date beside it says (RFC 9110, 13.1.3)."""
        first = await self.ask("js/a.js")
        headers = {"If-None-Match": '"other"', "If-Modified-Since": self.header(first, "last-modified")}
        self.assertEqual((await self.ask("js/a.js", headers)).code, 200)

    async def test_changed_file(self) -> None:
        """A file that changed gets another tag."""
        first = await self.ask("js/a.js")
        self.folder.child("js").child("a.js").setContent(b"export const b = 1;\n")
        again = await self.ask("js/a.js", {"If-None-Match": self.header(first, "etag")})
        self.assertEqual(again.code, 200)

    async def test_not_found(self) -> None:
        """Missing files, folders, hidden files and whatever lies outside: the envelope with 404."""
        for path in (
            "missing.js",
            "js",
            "js/",
            "",
            ".hidden",
            "%2e%2e/outside.txt",
            "..%2foutside.txt",
            "js/%00",
        ):
            response = await self.ask(path)
            self.assertEqual(response.code, 404, path)
            self.assertEqual(json.loads(response.body)["code"], -4)

    async def test_other_methods(self) -> None:
        """Files are read only."""
        response = await self.ask("p.svg", method="POST")
        self.assertEqual((response.code, json.loads(response.body)["code"]), (405, -1))
        self.assertEqual(self.header(response, "allow"), "GET, HEAD")

    async def test_head(self) -> None:
        """HEAD tells what GET would, without the body."""
        response = await self.ask("p.svg", method="HEAD")
        self.assertEqual((response.code, response.body), (200, b""))
        self.assertEqual(self.header(response, "content-length"), "6")

    async def test_hashed(self) -> None:
        """Below the hash a file never changes; below another hash it is today's, which isn't kept."""
        for path, caching in ((self.assets.url("js/a.js")[7:], "immutable"), ("0" * 16 + "/js/a.js", "no-cache")):
            response = await self.ask(path)
            self.assertEqual((response.code, response.body), (200, b"export {};\n"))
            self.assertIn(caching, self.header(response, "cache-control"))
        self.assertEqual((await self.ask("0" * 16 + "/.hidden")).code, 404)
        self.assertEqual((await self.ask("0" * 16 + "/%2e%2e/outside.txt")).code, 404)
        self.assertEqual((await self.ask("0" * 16)).code, 404)

    async def test_hash_follows_the_tree(self) -> None:
        """A file that is changed, added or removed gives the tree another hash; undone, the one it had."""
        first = self.assets.hash
        script = self.folder.child("js").child("a.js")
        other = script.sibling("b.js")
        for change in (lambda: script.setContent(b"1;\n"), lambda: other.setContent(b""), script.remove):
            before = self.assets.hash
            change()
            self.assets.refresh()
            self.assertNotEqual(self.assets.hash, before)
        other.remove()
        script.setContent(b"export {};\n")
        self.assets.refresh()
        self.assertEqual(self.assets.hash, first)

    async def test_encodings(self) -> None:
        """A text comes in the best encoding that the client takes, each with a tag of its own."""
        text = b"const a = 1;\n" * 100
        self.folder.child("js").child("a.js").setContent(text)
        tags = set()
        for accept, encoding, decode in (
            ("gzip, deflate, br", "br", brotli.decompress),
            ("gzip", "gzip", gzip.decompress),
            ("identity", "", bytes),
            ("br;q=0, gzip;q=0.0", "", bytes),
        ):
            response = await self.ask("js/a.js", {"Accept-Encoding": accept})
            self.assertEqual(self.header(response, "content-encoding"), encoding)
            self.assertEqual(self.header(response, "vary"), "Accept-Encoding")
            self.assertEqual(decode(response.body), text)
            self.assertEqual(response.length, len(response.body))
            tag = self.header(response, "etag")
            tags.add(tag)
            again = await self.ask("js/a.js", {"Accept-Encoding": accept, "If-None-Match": tag})
            self.assertEqual(again.code, 304)
        self.assertEqual(len(tags), 3)

    async def test_joined(self) -> None:
        """Style sheets and scripts come as one file, made anew when one of them changes."""
        css = self.folder.child("css")
        css.makedirs()
        css.child("a.css").setContent(b"a{}")
        css.child("b.css").setContent(b"b{}")
        self.folder.child("js").child("b.js").setContent(b'import { one } from "./a.js";\nconsole.log(one);\n')
        self.folder.child("js").child("a.js").setContent(b"export const one = 1;\n")
        self.assets.refresh()
        sheet = await self.ask(self.assets.styles("b", "a")[7:])
        self.assertEqual((sheet.body, self.header(sheet, "content-type")), (b"b{}\na{}", "text/css; charset=utf-8"))
        script = await self.ask(self.assets.script("b.js")[7:])
        self.assertIn(b"console.log(one)", script.body)
        self.assertNotIn(b"import", script.body)
        css.child("a.css").setContent(b"a{color:red}")
        self.assets.refresh()
        self.assertEqual((await self.ask(self.assets.styles("b", "a")[7:])).body, b"b{}\na{color:red}")

    async def test_joined_not_found(self) -> None:
        """What isn't there, and what isn't a style sheet or a script, can't be joined."""
        for name in ("joined/none.css", "joined/none.js", "joined/../p.svg", "joined/p.svg", "joined/", "joined"):
            self.assertEqual((await self.ask(f"{'0' * 16}/{name}")).code, 404, name)
        self.assertEqual((await self.ask("joined/a.js")).code, 404)

    async def test_cannot_join(self) -> None:
        """A script that isn't written as ours are is sent so that it works unjoined, and says why."""
        self.folder.child("js").child("a.js").setContent(b"export default 1;\n")
        self.assets.refresh()
        script = (await self.ask(self.assets.script("a.js")[7:])).body
        self.assertIn(b'await import("../../js/a.js")', script)
        self.assertIn(b"export default", script)


class EncodingTests(TestCase):
    """Which encoding is taken."""

    def test_choose(self) -> None:
        """The first one offered that the header allows; `*` stands for those that it doesn't name."""
        offered = {"br": b"", "gzip": b"", "identity": b""}
        for accept, expected in (
            (b"", "identity"),
            (b"gzip", "gzip"),
            (b"GZIP;q=0.5, br ; q=1", "br"),
            (b"*", "br"),
            (b"br;q=0, *;q=0.5", "gzip"),
            (b"*;q=0", "identity"),
            (b"gzip;q=0", "identity"),
            (b"\xff\xfe, gzip", "gzip"),
        ):
            self.assertEqual(choose_encoding(offered, accept), expected, accept)
