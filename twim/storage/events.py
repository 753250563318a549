"""Recall, edit and reaction: what an event does to the message it refers to, in the transaction that stores the event.

The stored body of the earlier message is rewritten, so that history and catch-up show the new state without
looking anything up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, select

from twim.errors import Refusal
from twim.storage import attachments, unread, versions
from twim.storage.groups import read_community, standing
from twim.storage.interface import Post
from twim.storage.message_index import MessageIndex
from twim.storage.schema import message, participant
from twim.storage.search import changes
from twim.wire.commands import EDIT, EVENTS, GROUP, NOTICE, REACTION, RECALL
from twim.wire.message import Shown, decode_shown, encode

EMOJI_CHARS: Final = 32  # one emoji can be a long sequence of joined code points
REACTIONS: Final = 50  # different emoji on one message
REACTING: Final = 2_000  # users whose reactions one message shows: its row stays well below a megabyte


def apply(connection: Connection, messages: MessageIndex, post: Post, at: int) -> None:
    """Change the message that `post` refers to. `Refusal` when the rules forbid it."""
    said = post.message
    if not said.ref:
        raise Refusal("ref: which message?")
    conversation_id = post.conversation.id
    body = messages.body_at(connection, conversation_id, said.ref)
    if body is not None and said.ref < _floor(connection, said.userid, conversation_id):
        body = None
    shown = None if body is None else decode_shown(body)
    if shown is None:
        raise Refusal("ref: there is no such message")
    if shown.media in EVENTS or shown.media == NOTICE:
        raise Refusal("ref: that is not a message")
    if shown.recalled:
        raise Refusal("ref: that message was recalled")
    _RULES[said.media](connection, messages, post, shown, at)
    messages.replace_body(connection, conversation_id, shown.seq, encode(shown))


def _recall(connection: Connection, messages: MessageIndex, post: Post, shown: Shown, at: int) -> None:
    if shown.userid != post.message.userid and not _outranks(connection, post, shown.userid):
        raise Refusal("only its author recalls a message")
    conversation_id = post.conversation.id
    unread.replace_names(connection, conversation_id, shown.seq, shown.mentions, ())
    unread.add_silent(connection, [(conversation_id, shown.seq)])
    _blank(shown)
    shown.recalled = 1
    edits = select(message.c.body).where(message.c.conversation == conversation_id, message.c.ref == post.message.ref)
    blanked = [shown.seq]
    for (body,) in connection.execute(edits).all():
        edit = decode_shown(body)
        if edit.media == EDIT:
            _blank(edit)
            messages.replace_body(connection, conversation_id, edit.seq, encode(edit))
            blanked.append(edit.seq)
    attachments.forget_messages(connection, conversation_id, blanked)
    versions.forget(connection, conversation_id, [shown.seq])
    changes.note(connection, [messages.id_at(connection, conversation_id, shown.seq)], at)


def _blank(shown: Shown) -> None:
    shown.content = shown.pic = shown.url = shown.memo = ""
    shown.amount = shown.edited = 0
    shown.mentions, shown.reactions = (), {}


def _edit(connection: Connection, messages: MessageIndex, post: Post, shown: Shown, at: int) -> None:
    if shown.userid != post.message.userid:
        raise Refusal("only its author edits a message")
    if not post.message.content:
        raise Refusal("content: an edited message can't be empty")
    versions.keep(connection, post.conversation.id, shown)
    shown.content = post.message.content
    # Whoever edits the text alone says nothing of who is meant.
    mentions = post.message.mentions or shown.mentions
    unread.replace_names(connection, post.conversation.id, shown.seq, shown.mentions, mentions)
    shown.mentions = mentions
    shown.edited = at
    changes.note(connection, [messages.id_at(connection, post.conversation.id, shown.seq)], at, edited=True)


def _react(connection: Connection, messages: MessageIndex, post: Post, shown: Shown, at: int) -> None:
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


_RULES: Final[dict[int, Callable[[Connection, MessageIndex, Post, Shown, int], None]]] = {
    RECALL: _recall,
    EDIT: _edit,
    REACTION: _react,
}


def _outranks(connection: Connection, post: Post, author: int) -> bool:
    """Whether it is a group's owner's, or an admin's of a member or of who is none any more."""
    if post.conversation.scope != GROUP:
        return False
    group = read_community(connection, post.conversation.a)
    return standing(connection, group, post.message.userid).outranks(standing(connection, group, author))


def _floor(connection: Connection, userid: int, conversation_id: int) -> int:
    mine = select(participant.c.floor).where(
        participant.c.userid == userid, participant.c.conversation == conversation_id
    )
    return connection.execute(mine).scalar_one_or_none() or 1
