"""What is read of a page's head, however it is written."""

from __future__ import annotations

from unittest import TestCase

from twim.logic.page_meta import NONE, Preview, is_page, read_page

HTML = {"content-type": "text/html; charset=utf-8"}
HOSTILE = (
    "<meta ",
    "<meta a='",
    "<meta a=\"<meta b='",
    "<title ",
    "<title>",
    "<head",
    "<meta content=" + "x " * 90 + ">",
    "<meta " + "a=b " * 90 + ">",
    "&#x41;",
    "<title>&amp;</title>",
)


class PageTests(TestCase):
    """`read_page` and `is_page`."""

    def read(self, text: str, **headers: str) -> Preview:
        return read_page(text.encode("utf-8"), headers or HTML)

    def test_what_is_said(self) -> None:
        """Open Graph comes first, then the plain elements; attributes stand in any order and any quotes."""
        self.assertEqual(self.read("<title>A &lt;b&gt;\n p<i>age</TITLE>"), Preview("A <b> p<i>age"))
        page = (
            "<html><head><title>Plain</title><META content='It&#39;s > this' property=og:title>"
            '<meta name="description" content="Plain words"/><meta property="og:description" content="Some words">'
            '<meta content="A site" property="og:site_name"><meta property="og:title" content="Later"></head>'
            '<body><meta property="og:site_name" content="Not this">'
        )
        self.assertEqual(self.read(page), Preview("It's > this", "Some words", "A site"))
        for nothing in ("", "<title> \u200b\u202e</title>", "<body><title>Late</title>", "words"):
            self.assertEqual(self.read(nothing), NONE)

    def test_lengths(self) -> None:
        """What is long is cut, and half a character is none."""
        title = self.read(f"<title>{'雪' * 500}&#xD800;</title>").title
        self.assertEqual((len(title), title[-1]), (200, "…"))
        self.assertEqual(self.read("<title>a&#xD800;b\x00c</title>").title, "a\ufffdb c")

    def test_encodings(self) -> None:
        """The encoding that the headers or the page name, if text can be read by it; else UTF-8."""
        for name in ("gbk", "Shift_JIS", "windows-1251", "utf-8"):
            word = "снег" if name == "windows-1251" else "雪"
            body = f"<meta charset={name}><title>{word}</title>".encode(name)
            self.assertEqual(read_page(body, {"content-type": "text/html"}).title, word)
            self.assertEqual(read_page(body, {"content-type": f'text/html; charset="{name}"'}).title, word)
        for name in ("punycode", "idna", "hex", "undefined", "rot13", "unicode_escape", "none", "x" * 90):
            self.assertEqual(
                self.read("<title>雪</title>", **{"content-type": f"text/html;charset={name}"}).title, "雪"
            )

    def test_what_is_a_page(self) -> None:
        """HTML that isn't packed."""
        self.assertTrue(is_page({"content-type": "Text/HTML; charset=x"}))
        self.assertTrue(is_page({"content-type": "application/xhtml+xml", "content-encoding": "identity"}))
        for headers in ({}, {"content-type": "image/png"}, {"content-type": "text/html", "content-encoding": "gzip"}):
            self.assertFalse(is_page(headers))

    def test_hostile_pages(self) -> None:
        """A page of the largest size is read without an error, whatever it is made of."""
        for piece in HOSTILE:
            body = (piece * (256 * 1024 // len(piece))).encode()
            self.assertLessEqual(len(read_page(body, HTML).title), 200)
