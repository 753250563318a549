"""Where the addresses in a text begin and end, in the page's own module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from test.running.server import Server

Links = Callable[[str], list[str]]

# The address stands in the text between 〚 and 〛.
CASES = [
    # Brackets that were opened in the address belong to it, others end it.
    "〚https://x.example/wiki/Foo_(bar)〛",
    "〚https://x.example/wiki/Foo_(bar_(baz))〛 and",
    "(see 〚https://x.example/z〛)",
    "(see 〚https://x.example/wiki/Foo_(bar)〛).",
    "[words](〚https://x.example/z〛)后面",
    "[〚https://x.example/z〛]",
    "{〚https://x.example/z〛} and",
    "〚https://x.example/z〛}more",
    "〚https://x.example/a〛(b",
    "〚https://x.example/?a[]=1&b[0]=2〛",
    "〚https://x.example/〛(a]b)",
    "<〚https://x.example/z〛>more",
    # Quotes, in any script.
    '"〚https://x.example/z〛"more',
    "'〚https://x.example/z〛'more",
    "`〚https://x.example/z〛`",
    "“〚https://x.example/z〛”好",
    "‘〚https://x.example/z〛’好",
    "«〚https://x.example/z〛»more",
    "‹〚https://x.example/z〛›more",
    "„〚https://x.example/z〛“ so",
    "〚https://x.example/wiki/Schindler's_List〛",
    # Chinese and Japanese punctuation.
    "（〚https://x.example/z〛）好",
    "〚https://x.example/z〛（注）",
    "「〚https://x.example/z〛」好",
    "『〚https://x.example/z〛』好",
    "《〚https://x.example/z〛》好",
    "〈〚https://x.example/z〛〉好",
    "〔〚https://x.example/z〛〕好",
    "【〚https://x.example/z〛】好",
    "〚https://x.example/z〛…好",
    "〚https://x.example/z〛——好",
    "〚https://x.example/z〛～好",
    "〚https://x.example/z〛〜好",
    "〚https://x.example/z〛、〚https://y.example/〛。",
    "〚https://x.example/z〛，好",
    "〚https://x.example/z〛！好",
    "〚https://x.example/z〛？好",
    "〚https://x.example/z〛；好：",
    "〚https://x.example/z〛：好",
    "〚https://x.example〛。好",
    "〚https://x.example/z〛｜好",
    "〚https://x.example/z〛→好",
    "〚https://x.example/路径/文件?名=值#段〛，好",
    "〚https://x.example/z后面〛",
    "〚https://x.example/卡尔·马克思〛",
    "〚https://x.example/カール・マルクス〛・",
    # Other scripts.
    "〚https://x.example/ملف〛؟",
    "〚https://x.example/पृष्ठ〛।",
    # Marks of emphasis.
    "**〚https://x.example/z〛**",
    "**〚https://x.example/z〛**后面",
    "_〚https://x.example/z〛_",
    "_〚https://x.example〛_",
    "~~〚https://x.example/z〛~~后面",
    "||〚https://x.example/z〛||",
    "〚https://x.example/__init__.py〛",
    "〚https://x.example/~user/〛",
    # The end of a sentence.
    "〚https://x.example〛.",
    "〚https://x.example/z〛...",
    "〚https://x.example/z〛?!",
    "〚https://x.example/a,b?c=1,2〛, then",
    "〚https://x.example/a〛,〚https://y.example/b〛;",
    "〚https://x.example/?url=https://y.example/b〛",
    "〚https://x.example./z〛",
    "〚https://x.example/sale-100%-off〛",
    "〚https://x.example/%E4%B8%AD〛",
    # Hosts.
    "〚https://例子.测试/路径〛",
    "〚https://bücher.example/ü〛",
    "〚https://x.example:8443/z〛",
    "〚https://x.example:8443〛:",
    "〚https://x.example〛请看",
    "请看〚https://x.example〛请看",
    "〚https://x.example:8443〛请看",
    "〚http://127.0.0.1〛请看",
    "〚http://[2001:db8::1]:8080/z〛)",
    "〚http://localhost/z〛",
    "〚HTTPS://X.EXAMPLE/z〛",
    "〚https://x.example#part〛",
    "〚https://x.example?q=1〛",
    "〚https://x.example〛?",
    # Emoji, and what can't be seen.
    "〚https://x.example/😀👨‍👩‍👧🇨🇳👍🏽〛",
    "〚https://x.example〛😀",
    "〚https://x.example/z〛\u200bmore",
    "〚https://x.example/z〛\u202emore",
    "〚https://x.example/z〛\u2060more",
    "〚https://x.example/z〛\u00a0more",
    "〚https://x.example/z〛\u3000more",
    "〚https://fa.example/می‌خواهم〛",
    # No addresses.
    "http:// https://",
    "https://. http://- :// https:///z",
    "javascript:alert(1) data:text/html,x ftp://x.example/ file:///etc mailto:a@x.example",
    "git+https://x.example/z xhttps://x.example/z",
    "https://x.example:99999/",
]


@pytest.fixture(scope="module")
def links(chromium: Browser, server: Server) -> Iterator[Links]:
    """Gives the addresses that the page finds in a text, as they are written there."""
    context = chromium.new_context(base_url=server.url)
    page = context.new_page()
    page.goto("/user/login.shtml")

    def found(text: str) -> list[str]:
        parts: list[dict[str, str]] = page.evaluate(
            """async (text) => (await import("/asset/js/page/address.js")).addressesIn(text)""", text
        )
        assert "".join(part["text"] for part in parts) == text
        assert all(urlsplit(part["address"]).scheme in ("http", "https") for part in parts if "address" in part)
        return [part["text"] for part in parts if "address" in part]

    yield found
    context.close()


@pytest.mark.parametrize("case", CASES)
def test_where_links_end(links: Links, case: str) -> None:
    """An address is linked whole, without the characters that surround it."""
    wanted = [part.split("〛")[0] for part in case.split("〚")[1:]]
    assert links(case.replace("〚", "").replace("〛", "")) == wanted


def test_long_texts_are_cut_quickly(links: Links) -> None:
    """The longest text that the server accepts is searched quickly, whatever it contains."""
    for text in (
        "https://x.example/" + "(" * 7900,
        "http://" * 1140,
        "https://x.example/a," * 400,
        "https://" + "a" * 7900,
    ):
        links(text)
