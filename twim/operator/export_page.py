"""The page of an export, for whoever reads it in a browser: it needs nothing but the files beside it.

Everything that somebody wrote is escaped, addresses are never links unless the file lies beside the page, and a policy
in the page itself forbids scripts and whatever would be loaded from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final
from urllib.parse import quote

from twim.wire.commands import EDIT, IMAGE, NOTICE, REACTION, RECALL
from twim.wire.message import Shown

BEGIN: Final = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' file:;"
    ' style-src \'unsafe-inline\'"><meta name="referrer" content="no-referrer"><title>{title}</title><style>'
    "body{{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}}"
    "p{{margin:.3rem 0;overflow-wrap:anywhere;white-space:pre-wrap}}small,i{{color:#555}}"
    "img{{display:block;max-width:20rem;max-height:20rem}}td,th{{text-align:left;padding-right:1rem}}"
    "</style></head><body><h1>{title}</h1>\n"
)
END: Final = "</body></html>\n"
_EVENTS: Final = {RECALL: "recalled message {ref}", EDIT: "edited message {ref}", REACTION: "reacted to message {ref}"}


def begin(title: str) -> str:
    """How a page begins."""
    return BEGIN.format(title=escape(title))


def heading(text: str) -> str:
    """The name of what follows."""
    return f"<h2>{escape(text)}</h2>\n"


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows with the same columns."""
    if not rows:
        return "<p><i>none</i></p>\n"
    names = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    lines = ("".join(f"<td>{escape(str(value))}</td>" for value in row.values()) for row in rows)
    return f"<table><tr>{names}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>\n"


def message(said: Shown, author: str, files: Sequence[str]) -> str:
    """One message; `files` are the names of those that lie beside the page."""
    at = datetime.fromtimestamp(said.at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    begins = f'<p id="m{said.seq}"><small>{said.seq} · {at} UTC</small> <b>{escape(author)}</b> '
    return f"{begins}{_words(said)}{''.join(_file(said, name) for name in files)}</p>\n"


def _words(said: Shown) -> str:
    if said.recalled:
        return "<i>recalled</i>"
    if said.media in _EVENTS:
        words = _EVENTS[said.media].format(ref=said.ref)
        return f"<i>{words}</i> {escape(said.content)}"
    if said.media == NOTICE:
        return f"<i>{escape(said.content)} {escape(said.memo)}</i>"
    texts = [said.content, said.memo, said.url, said.pic, str(said.amount or "")]
    quoted = f"<i>about message {said.ref}</i> " if said.ref else ""
    edited = " <i>(edited)</i>" if said.edited else ""
    reactions = "".join(f" {escape(emoji)} {len(users)}" for emoji, users in said.reactions.items())
    return f"{quoted}{escape(' '.join(filter(None, texts)))}{edited}{reactions}"


def _file(said: Shown, name: str) -> str:
    path = quote(f"files/{name}")
    shown = f'<img src="{path}" alt="">' if said.media == IMAGE else escape(name)
    return f' <a href="{path}">{shown}</a>'
