"""The pages: found by their file, in two languages, with headers that keep strangers' text harmless."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.python.filepath import FilePath
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent
from twisted.web.resource import Resource
from twisted.web.server import Site

from twim.access.pages import LANGUAGES, AssetResource, Pages, choose_language, read_words
from twim.errors import NotFound

PROJECT = Path(__file__).resolve().parents[2]
VIEWS, ASSET = PROJECT / "views", PROJECT / "asset"
KEY = re.compile(r"""\bt\(["']([^"']+)["'][,)]""")
USER = {"id": 7, "mobile": "13800000001", "nickname": "Li", "avatar": "", "sex": "U", "memo": ""}


def keys_in_use() -> set[str]:
    """Every key that a template or a module asks words for."""
    files = [*VIEWS.rglob("*.html"), *(ASSET / "js").rglob("*.js")]
    return {key for file in files for key in KEY.findall(file.read_text("utf-8"))}


class WordsTests(TestCase):
    """The dictionaries."""

    def test_same_keys(self) -> None:
        """What can be said in one language can be said in the other."""
        first, *others = [set(read_words(ASSET, lang)) for lang in LANGUAGES]
        for other in others:
            self.assertEqual(first ^ other, set())

    def test_used_keys_exist(self) -> None:
        """No page shows a key in place of words, and no words are left that nothing shows."""
        words = {key for key in read_words(ASSET, "en") if not key.startswith("refusal.")}
        self.assertGreater(len(words), 100)
        self.assertEqual(keys_in_use() ^ words, set())

    def test_same_placeholders(self) -> None:
        """A translation keeps the places for names and numbers."""
        english, chinese = read_words(ASSET, "en"), read_words(ASSET, "zh")
        for key, words in english.items():
            self.assertEqual(set(re.findall(r"\{\w+\}", words)), set(re.findall(r"\{\w+\}", chinese[key])), key)

    def test_every_key_is_named_in_full(self) -> None:
        """Keys are written where they are used, so that the tests above see them all."""
        for file in (ASSET / "js").rglob("*.js"):
            calls = re.findall(r"(?<![\w.])t\((?!\")", file.read_text("utf-8").replace("function t(", ""))
            self.assertEqual(calls, [], str(file))


class LanguageTests(TestCase):
    """Which language a page has."""

    def test_cookie_wins(self) -> None:
        """What the user chose counts more than what the browser says."""
        self.assertEqual(choose_language("zh", "en-US"), "zh")

    def test_unknown_cookie(self) -> None:
        """A cookie that names no language of ours is passed over."""
        self.assertEqual(choose_language("../zh", "zh-CN,zh;q=0.9"), "zh")

    def test_accept(self) -> None:
        """The best of the header's languages that we have, by quality, then by place."""
        for header, expected in (
            ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
            ("en;q=0.3, zh-TW;q=0.7", "zh"),
            ("fr, en-GB;q=0.5", "en"),
            ("zh;q=0, fr", "en"),
            ("zh;q=nonsense, en;q=0.1", "en"),
            ("", "en"),
            (None, "en"),
        ):
            self.assertEqual(choose_language(None, header), expected, header)

    def test_long_header(self) -> None:
        """A header beyond the bound is read no further."""
        self.assertEqual(choose_language(None, "x," * 1_000 + "zh"), "en")


class RenderTests(TestCase):
    """Templates as pages."""

    def setUp(self) -> None:
        """The project's own pages."""
        self.pages = Pages(VIEWS, ASSET)

    def test_every_template_is_a_page(self) -> None:
        """Each template that is no partial renders in each language, for a guest and for a user."""
        names = [file.relative_to(VIEWS) for file in VIEWS.rglob("*.html") if not file.name.startswith("_")]
        self.assertGreaterEqual(len(names), 3)
        for name in names:
            for lang in LANGUAGES:
                for user in (None, USER):
                    page = self.pages.render(f"/{name.with_suffix('.shtml')}", lang, user)
                    self.assertIn(b"<!doctype html>", page)
                    self.assertIn(f'data-lang="{lang}"'.encode(), page)

    def test_new_template_needs_no_code(self) -> None:
        """A template put under the folder is reachable at its path."""
        views = Path(mkdtemp(dir="."))
        (views / "shop" / "deep").mkdir(parents=True)
        (views / "shop" / "deep" / "cart-2.html").write_text("{{ lang }} {{ t('login.title') }}", "utf-8")
        page = Pages(views, ASSET).render("/shop/deep/cart-2.shtml", "en", None)
        self.assertEqual(page, b"en Log in")

    def test_names_are_escaped(self) -> None:
        """What a user calls himself is text, in an attribute too."""
        user = USER | {"nickname": "\"'><script>alert(1)</script>"}
        page = self.pages.render("/chat/index.shtml", "en", user).decode()
        self.assertNotIn("<script>alert", page)
        self.assertNotIn("'><", page)

    def test_unknown_language(self) -> None:
        """A language that we don't have shows the default's words."""
        self.assertIn(b"Log in", self.pages.render("/user/login.shtml", "xx", None))

    def test_refused_paths(self) -> None:
        """Partials, traversal, other endings and missing pages are not found."""
        for path in (
            "/_base.shtml",
            "/user/_secret.shtml",
            "/_hidden/page.shtml",
            "/user/../_base.shtml",
            "/../views/user/login.shtml",
            "/user//login.shtml",
            "/user/login.html",
            "/user/login.shtml/",
            "/user/login.shtml\n",
            "/user\\login.shtml",
            "//user/login.shtml",
            "user/login.shtml",
            "/user/missing.shtml",
            "/user.shtml",
            "/.shtml",
            "",
        ):
            self.assertRaises(NotFound, self.pages.render, path, "en", None)

    def test_headers(self) -> None:
        """Only our own files run as scripts, and nobody may frame a page."""
        headers = self.pages.headers
        policy = headers["Content-Security-Policy"]
        self.assertIn("script-src 'self';", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertIn("Referrer-Policy", headers)

    def test_object_store_is_allowed(self) -> None:
        """Pictures may come from a store that the configuration names."""
        pages = Pages(VIEWS, ASSET, file_origins=["http://files.lan:9000"])
        self.assertIn("img-src 'self' blob: https: http://files.lan:9000;", pages.headers["Content-Security-Policy"])

    def test_pages_obey_the_policy(self) -> None:
        """No template has an inline script, an inline style or a listener, which the policy would stop."""
        for file in VIEWS.rglob("*.html"):
            text = file.read_text("utf-8")
            self.assertIsNone(re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text), file.name)

    def test_modules_build_no_html(self) -> None:
        """What strangers write reaches the page as text only."""
        for file in (ASSET / "js").rglob("*.js"):
            text = file.read_text("utf-8")
            self.assertIsNone(
                re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text), file.name
            )

    def test_client_knows_no_page(self) -> None:
        """The embeddable client imports nothing of the page and never touches the document."""
        for file in (ASSET / "js" / "im").rglob("*.js"):
            text = file.read_text("utf-8")
            self.assertNotIn("../page", text)
            self.assertIsNone(re.search(r"\bdocument\.|\bwindow\.", text), file.name)


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
        site.putChild(b"asset", AssetResource(Path(self.folder.path)))
        # A real port: a file is sent piece by piece as the transport asks, which a transport in memory never does.
        port = reactor.listenTCP(0, Site(site), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.base = f"http://127.0.0.1:{port.getHost().port}/asset/"

    async def ask(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Any:
        """The response, its body read into `body`."""
        agent = Agent(reactor)
        response = await HTTPClient(agent).request(method, self.base + path, headers=headers or {})
        response.body = await response.content()
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


class StickerTests(TestCase):
    """The sticker packs."""

    def test_packs_are_whole(self) -> None:
        """Each pack's description names the files that are there, and no others."""
        packs = list((ASSET / "stickers").iterdir())
        self.assertTrue(packs)
        for folder in packs:
            info = json.loads((folder / "info.json").read_text("utf-8"))
            files = {asset["file"] for asset in info["assets"]}
            self.assertGreaterEqual(len(files), 8)
            self.assertIn(info["icon"], files)
            self.assertEqual(files, {file.name for file in folder.glob("*.svg")})
