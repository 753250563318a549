"""The pages: found by their file, in two languages, with headers that keep strangers' text harmless."""

from __future__ import annotations

import json
import re
from pathlib import Path
from tempfile import mkdtemp

from twisted.trial.unittest import TestCase

from twim.access.http.pages import LANGUAGES, Pages, choose_language, read_words
from twim.errors import NotFound

PROJECT = Path(__file__).resolve().parents[3]
VIEWS, ASSET = PROJECT / "views", PROJECT / "asset"
KEY = re.compile(r"""\bt\(["']([^"']+)["'][,)]""")
USER = {"id": 7, "mobile": "13800000001", "nickname": "Li", "avatar": "", "sex": "U", "memo": "", "role": "member"}


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

    def test_kept_page_is_nobodys(self) -> None:
        """The chat page that browsers keep says of no user whose it is, whoever asks, and else is the chat page."""
        kept = self.pages.render("/chat/kept.shtml", "en", USER).decode()
        page = self.pages.render("/chat/index.shtml", "en", None).decode()
        self.assertEqual(kept, page.replace('data-me="null"', 'data-me="null" data-kept'))
        self.assertIn("frame-ancestors 'none'", self.pages.headers_of("/chat/kept.shtml")["Content-Security-Policy"])

    def test_words_of_one_language(self) -> None:
        """A page carries the words of its language, and nothing in them can end the element they stand in."""
        asset = Path(mkdtemp(dir="."))
        (asset / "i18n").mkdir()
        for lang in LANGUAGES:
            words = json.dumps({"a": f"{lang} </script><b>"})
            (asset / "i18n" / f"{lang}.json").write_text(words, "utf-8")
        views = Path(mkdtemp(dir="."))
        (views / "w.html").write_text("{{ words | tojson }}", "utf-8")
        for lang in LANGUAGES:
            page = Pages(views, asset).render("/w.shtml", lang, None).decode()
            self.assertNotIn("<", page)
            self.assertEqual(json.loads(page), {"a": f"{lang} </script><b>"})

    def test_pages_name_what_lasts(self) -> None:
        """A page names its files below the hash of the tree, its style sheets and scripts each as one file."""
        page = self.pages.render("/chat/index.shtml", "en", USER).decode()
        named = re.findall(r'(?:src|href)="(/asset/[^"]*)"', page)
        self.assertGreaterEqual(len(named), 4)
        self.assertEqual([one for one in named if not one.startswith(f"/asset/{self.pages.assets.hash}/")], [])
        self.assertEqual((page.count('rel="stylesheet"'), page.count('<script type="module"')), (1, 2))

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
        self.assertIn(
            "img-src 'self' blob: https: http://files.lan:9000 data:;", pages.headers["Content-Security-Policy"]
        )

    def test_pages_obey_the_policy(self) -> None:
        """No template has an inline script, an inline style or a listener, which the policy would stop."""
        for file in VIEWS.rglob("*.html"):
            text = file.read_text("utf-8")
            # To the policy an element that isn't run is data, not a script.
            text = text.replace('<script type="application/json"', "")
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
