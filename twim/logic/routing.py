"""From the log to the devices: each stored message is framed once and put into the outbox of whom it is for.

A message of a single chat goes to every device of both users but the one that sent it; a group's to every device
of its members here. The sending device gets the answer instead. A batch is delivered as a whole: each device's
frames are joined into one write, and what a group's members get in common is joined only once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twim.access.roster import Roster
from twim.access.session import Session
from twim.errors import Refusal
from twim.storage.interface import Post
from twim.wire import envelope
from twim.wire.commands import SINGLE
from twim.wire.frames import text_frame


class Routing:
    """Delivers what the log stored (a `LogListener`), and everything else that is said to users."""

    def __init__(self, roster: Roster, dirty: list[Session], seconds: Callable[[], float]) -> None:
        self._roster = roster
        self._dirty = dirty
        self._seconds = seconds
        self.delivered = 0

    def committed(self, posts: Sequence[Post]) -> None:
        """Answer the senders and deliver to everybody else, in the order of the log."""
        rooms: dict[int, list[tuple[Post, bytes]]] = {}
        for post in posts:
            if post.refused is not None:
                self._refuse(post, post.refused)
                continue
            self._answer(post)
            if post.repeat:
                continue
            frame = text_frame(post.body)
            if post.scope == SINGLE:
                self._to_pair(post, frame)
            else:
                rooms.setdefault(post.dstid, []).append((post, frame))
        for group, said in rooms.items():
            self._to_room(group, said)
        self.flush()

    def refuse(self, post: Post, refused: Refusal) -> None:
        """Answer one post that came to nothing."""
        self._refuse(post, refused)
        self.flush()

    def failed(self, posts: Sequence[Post], refused: Refusal) -> None:
        """Tell the senders that nothing was stored."""
        for post in posts:
            self._refuse(post, refused)
        self.flush()

    def _answer(self, post: Post) -> None:
        said = post.message
        if isinstance(post.origin, Session) and (said.id or said.cid):
            post.origin.put(
                text_frame(envelope.answer(said.id, said.cid, post.scope, post.dstid, post.seq, post.at))
            )

    def _refuse(self, post: Post, refused: Refusal) -> None:
        if isinstance(post.origin, Session):
            post.origin.refuse(refused, post.message.id, post.message.cid, self._seconds())

    def _to_pair(self, post: Post, frame: bytes) -> None:
        users = self._roster.users
        receiver = users.get(post.dstid)
        if receiver is not None and post.dstid != post.sender:
            name = f"10:{post.sender}"
            for session in receiver.sessions:
                session.deliver(name, post.seq, frame)
                self.delivered += 1
        sender = users.get(post.sender)
        if sender is not None and (len(sender.sessions) > 1 or not isinstance(post.origin, Session)):
            name = f"10:{post.dstid}"
            for session in sender.sessions:
                if session is not post.origin:
                    session.deliver(name, post.seq, frame)

    def _to_room(self, group: int, said: list[tuple[Post, bytes]]) -> None:
        name = f"11:{group}"
        origins = {id(post.origin) for post, _ in said}
        together = b"".join([frame for _, frame in said])
        for present in self._roster.rooms.get(group, {}).values():
            for session in present.sessions:
                if session.held is None and id(session) not in origins:
                    session.put(together)
                    continue
                for post, frame in said:
                    if post.origin is not session:
                        session.deliver(name, post.seq, frame)
        self.delivered += len(said) * len(self._roster.rooms.get(group, {}))

    def to_user(self, userid: int, payload: bytes, but: Session | None = None) -> None:
        """Say `payload` to every device of the user but one."""
        frame = text_frame(payload)
        for session in self._roster.sessions_of(userid):
            if session is not but:
                session.put(frame)

    def to_group(self, group: int, payload: bytes, but: Session | None = None) -> None:
        """Say `payload` to every device of the group's members but one."""
        frame = text_frame(payload)
        for session in self._roster.sessions_in(group):
            if session is not but:
                session.put(frame)

    def flush(self) -> None:
        """Write what was put, one write a device."""
        dirty = self._dirty
        while dirty:
            ready = dirty[:]
            dirty.clear()
            for session in ready:
                if session.pending:
                    session.flush()
