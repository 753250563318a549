"""Whatever a stranger may send: messages and profiles, odd ones more often than chance would have them.

What is acceptable is for the server to say: these may be refused.
"""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

MEDIA: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 100)
LATEST: Final = 2**53 - 1
KEYS: Final = ("__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then", "length", "1", "")
"""What every plain object of JavaScript has, and what an array is asked for."""

TURNING: Final = ("\u202e", "\u202d", "\u2066", "\u2067", "\u2069", "\u200f", "\u061c")
UNSEEN: Final = ("\u200b", "\u3164", "\u2060", "\ufeff", "\u00ad", "\u180e", "\U000e0041", "\u0000", "\u2028", "\x85")
SHAPES: Final = (
    *("<img src=x onerror=alert(1)>", "</script>", "%", "%-o", "%E4%B8", "%ff", "{who}", "$&", "\\", "@everyone", "@"),
    *("👨‍👩‍👧‍👦", "🇨🇳", "e" + "\u0301" * 60, "﷽" * 30, "Ｗ" * 60, "w" * 400, "שלום", "مرحبا", "雪", "\n" * 30, "\t"),
    *("holiday\u202egpj.exe", "photo.jpg" + "\u00a0" * 90 + ".exe", ".", "..", "a.", ".exe", "a.b/c", "9" * 60),
)
ADDRESSES: Final = (
    *(
        "https://shop.example/sale-100%-off",
        "https://x.example/%E2%80%AEgpj.exe",
        "https://x.example/%ff?%",
        "https://x.example/%E4%B8",
        "https://x.example/" + "%F0%9F%98" * 40,
    ),
    *(
        "/mnt/none.png",
        "/mnt/%",
        "/asset/stickers/none/none.svg",
        "/asset/stickers/%",
        "/asset/icon.svg",
        "//",
        "//x.example/y",
    ),
    *(
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "blob:none",
        "https://",
        "https://[",
        "https://user:word@x.example/",
    ),
    *(
        "http://x.example:99999/",
        "http://x.example/",
        "about:blank",
        "file:///etc/passwd",
        "relative/path",
        "?",
        "#",
        "#user=99",
    ),
    *(
        "https://xn--/",
        "https://例子.测试/路径",
        "https://a.example/" + "b" * 900,
        "#10:1",
        "/chat/index.shtml#user=9007199254740993",
    ),
)

odd = st.one_of(st.sampled_from((*KEYS, *TURNING, *UNSEEN, *SHAPES, *ADDRESSES)), st.text(max_size=30))
words = st.lists(odd, max_size=6).map("".join)
addresses = st.one_of(st.sampled_from(ADDRESSES), st.sampled_from(ADDRESSES), words)
numbers = st.one_of(
    st.sampled_from((0, 1, -1, 59, 3600, 86_400_000, 2**31, 2**32, LATEST, -LATEST)), st.integers(-LATEST, LATEST)
)
ids = st.one_of(st.integers(0, 90), st.sampled_from((2**31, LATEST, LATEST - 1)))


def fields(name: str, strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The field, mostly; sometimes without a value, sometimes not at all."""
    return st.one_of(strategy.map(lambda value: {name: value}), st.just({}), st.just({name: None}))


def _joined(parts: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}


said = st.tuples(
    st.sampled_from(MEDIA).map(lambda media: {"media": media}),
    fields("content", words),
    fields("pic", addresses),
    fields("url", addresses),
    fields("memo", words),
    fields("amount", numbers),
    fields("ref", ids),
    fields("mentions", st.lists(ids, max_size=4)),
    fields("cid", words.map(lambda text: text[:64])),
).map(_joined)
events = st.tuples(
    st.sampled_from((20, 21, 22, 22, 22)).map(lambda media: {"media": media}),
    st.one_of(st.sampled_from(KEYS), words).map(lambda text: {"content": text[:32]}),
    st.integers(1, 60).map(lambda ref: {"ref": ref}),
).map(_joined)

conversations = st.lists(st.one_of(said, said, events), min_size=40, max_size=80)
"""Messages of one conversation, in order."""

profiles = st.fixed_dictionaries(
    {
        "nickname": words.map(lambda text: text[:20]),
        "memo": words.map(lambda text: text[:140]),
        "avatar": addresses.map(lambda text: text[:150]),
    }
)
