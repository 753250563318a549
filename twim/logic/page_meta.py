"""What a page of the web says of itself, read from the head of its HTML in time that grows with its length alone.

Sources: The Open Graph protocol, https://ogp.me/, and the `meta` names of HTML
(https://html.spec.whatwg.org/multipage/semantics.html#standard-metadata-names).
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Mapping
from itertools import islice
from typing import Final, NamedTuple

TITLE_CHARS: Final = 200
DESCRIPTION_CHARS: Final = 300
SITE_CHARS: Final = 80
META_MOST: Final = 200  # elements of a page that are read
META_CHARS: Final = 4_000  # of one of them
_KINDS: Final = ("text/html", "application/xhtml+xml")
_CHARSET: Final = re.compile(r"charset\s{0,9}=\s{0,9}[\"']?([A-Za-z0-9_.:-]{1,40})", re.ASCII)
_ENCODINGS: Final = re.compile(
    r"utf-?8|us-ascii|iso-8859-[0-9]{1,2}|windows-12[0-9]{2}|koi8-[ru]|gbk|gb2312|gb18030|big5(-hkscs)?|euc-(jp|kr)|"
    r"shift[_-]jis|iso-2022-jp"
)
_HEAD_END: Final = re.compile(r"</head\b|<body\b", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title(?:\s[^<>]{0,200})?>", re.IGNORECASE)
_TITLE_END: Final = re.compile(r"</title", re.IGNORECASE)
_META: Final = re.compile(r"<meta[\s/]", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"[\s/]*([^\s\"'<>/=]{1,100})(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>`]+)))?")
_UNSEEN: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069\ufeff]+")


class Preview(NamedTuple):
    """What is shown of a link; what a page doesn't say is "", and a page that says nothing has no `title`."""

    title: str = ""
    description: str = ""
    site: str = ""


NONE: Final = Preview()


def is_page(headers: Mapping[str, str]) -> bool:
    """Whether an answer with these headers, by their names in lower case, is HTML that can be read as it came."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in _KINDS and headers.get("content-encoding", "identity").strip().lower() in ("", "identity")


def read_page(body: bytes, headers: Mapping[str, str]) -> Preview:
    """What the beginning of a page says of it."""
    text = body.decode(_encoding(body, headers), "replace")
    end = _HEAD_END.search(text)
    head = text[: end.start()] if end else text
    said: dict[str, str] = {}
    for found in islice(_META.finditer(head), META_MOST):
        name, content = _meta(head[found.end() : found.end() + META_CHARS])
        if name and content.strip():
            said.setdefault(name, content)
    title = said.get("og:title") or said.get("twitter:title") or _title(head)
    description = said.get("og:description") or said.get("description") or said.get("twitter:description") or ""
    shown = _line(title, TITLE_CHARS)
    if not shown:
        return NONE
    return Preview(shown, _line(description, DESCRIPTION_CHARS), _line(said.get("og:site_name", ""), SITE_CHARS))


def _encoding(body: bytes, headers: Mapping[str, str]) -> str:
    """The page's, by its headers or its first kilobyte, if it is one that text can be read by; else UTF-8."""
    told = _CHARSET.search(headers.get("content-type", "")) or _CHARSET.search(body[:1024].decode("latin-1"))
    # Some of Python's many codecs aren't for text, or slow; and it keeps each name that it was ever asked for.
    name = told[1].lower() if told else ""
    try:
        return codecs.lookup(name).name if _ENCODINGS.fullmatch(name) else "utf-8"
    except LookupError:
        return "utf-8"


def _title(head: str) -> str:
    begin = _TITLE.search(head)
    if begin is None:
        return ""
    text = head[begin.end() : begin.end() + META_CHARS]
    end = _TITLE_END.search(text)
    return text[: end.start()] if end else text


def _meta(text: str) -> tuple[str, str]:
    """The name and the content of a `meta` element, of which `text` has what comes after its own name."""
    attributes: dict[str, str] = {}
    at = 0
    while found := _ATTRIBUTE.match(text, at):
        attributes.setdefault(found[1].lower(), next((one for one in found.groups()[1:] if one is not None), ""))
        at = found.end()
    name = attributes.get("property") or attributes.get("name") or ""
    return name.lower(), attributes.get("content", "")


def _line(text: str, most: int) -> str:
    """One line of at most so many characters, without what can't be seen or turns the direction of text."""
    line = _UNSEEN.sub(" ", html.unescape(text[: most * 10])).strip()
    whole = line.encode("utf-8", "replace").decode("utf-8")
    return whole if len(whole) <= most else whole[: most - 1].rstrip() + "…"
