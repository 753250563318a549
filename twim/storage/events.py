"""Recall, edit and reaction: what an event does to the message it refers to, in the transaction that stores the event.

The stored body of the earlier message is rewritten, so that history and catch-up show the new state without
looking anything up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, select

from twim.errors import Refusal
from twim.storage import attachments, places
from twim.storage.interface import Post
from twim.storage.schema import community, message
from twim.wire.commands import EDIT, EVENTS, GROUP, NOTICE, REACTION, RECALL
from twim.wire.message import Shown, decode_shown, encode

EMOJI_CHARS: Final = 32  # one emoji can be a long sequence of joined code points
REACTIONS: Final = 50  # different emoji on one message
REACTING: Final = 2_000  # users whose reactions one message shows: its row stays well below a megabyte


def apply(connection: Connection, post: Post, at: int) -> None:
    """Change the message that `post` refers to. `Refusal` when the rules forbid it."""
    said = post.message
    if not said.ref:
        raise Refusal("ref: which message?")
    place = post.conversation.id
    shown = _load(connection, place, said.ref)
    if shown is None:
        raise Refusal("ref: there is no such message")
    if shown.media in EVENTS or shown.media == NOTICE:
        raise Refusal("ref: that is not a message")
    if shown.recalled:
        raise Refusal("ref: that message was recalled")
    _RULES[said.media](connection, post, shown, at)
    _store(connection, place, shown)


def _recall(connection: Connection, post: Post, shown: Shown, at: int) -> None:
    if shown.userid != post.message.userid and not _owns(connection, post):
        raise Refusal("only its author recalls a message")
    _blank(shown)
    shown.recalled = 1
    place = post.conversation.id
    edits = select(message.c.body).where(message.c.conversation == place, message.c.ref == post.message.ref)
    blanked = [shown.seq]
    for (body,) in connection.execute(edits).all():
        edit = decode_shown(body)
        if edit.media == EDIT:
            _blank(edit)
            _store(connection, place, edit)
            blanked.append(edit.seq)
    attachments.forget_messages(connection, place, blanked)


def _blank(shown: Shown) -> None:
    shown.content = shown.pic = shown.url = shown.memo = ""
    shown.amount = shown.edited = 0
    shown.mentions, shown.reactions = (), {}


def _edit(connection: Connection, post: Post, shown: Shown, at: int) -> None:
    if shown.userid != post.message.userid:
        raise Refusal("only its author edits a message")
    if not post.message.content:
        raise Refusal("content: an edited message can't be empty")
    shown.content = post.message.content
    # Whoever edits the text alone says nothing of who is meant.
    shown.mentions = post.message.mentions or shown.mentions
    shown.edited = at


def _react(connection: Connection, post: Post, shown: Shown, at: int) -> None:
    emoji = post.message.content
    if len(emoji) > EMOJI_CHARS:
        raise Refusal(f"content: an emoji is {EMOJI_CHARS} characters at most")
    others = {e: [u for u in users if u != post.message.userid] for e, users in shown.reactions.items()}
    kept = {e: users for e, users in others.items() if users}
    if emoji:
        kept.setdefault(emoji, []).append(post.message.userid)
    if len(kept) > REACTIONS or sum(map(len, kept.values())) > REACTING:
        raise Refusal("that message has all the reactions it can hold")
    shown.reactions = kept


_RULES: Final[dict[int, Callable[[Connection, Post, Shown, int], None]]] = {
    RECALL: _recall,
    EDIT: _edit,
    REACTION: _react,
}


def _owns(connection: Connection, post: Post) -> bool:
    if post.conversation.scope != GROUP:
        return False
    owner = select(community.c.ownerid).where(community.c.id == post.conversation.a)
    return connection.execute(owner).scalar_one_or_none() == post.message.userid


def _load(connection: Connection, place: int, seq: int) -> Shown | None:
    body = places.body_at(connection, place, seq)
    return None if body is None else decode_shown(body)


def _store(connection: Connection, place: int, shown: Shown) -> None:
    places.replace_body(connection, place, shown.seq, encode(shown))
