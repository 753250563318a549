"""From the log to the devices: each stored message is framed once and put into the outbox of whom it is for.

A message of a single chat goes to every device of both users but the one that sent it; a group's to every device
of its members here. The sending device gets the answer instead, in the message's place: a client that has seen seq 7
has got everything before it. A batch is delivered as a whole: each device's frames are joined into one write, and what
a group's members get in common is joined only once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from twisted.internet.interfaces import IReactorTime

from twim.access.roster import Roster
from twim.access.session import Session
from twim.errors import Refusal
from twim.logic.elsewhere import Elsewhere, Nowhere
from twim.storage.interface import Post
from twim.wire import envelope
from twim.wire.commands import GROUP, SINGLE
from twim.wire.frames import text_frame

STALL_SECONDS: Final = 0.02  # how long one flush may keep the reactor
LOOK_EVERY: Final = 64  # writes between looks at the clock


class Routing:
    """Delivers what the log stored (a `LogListener`), and everything else that is said to users."""

    def __init__(self, roster: Roster, dirty: list[Session], clock: IReactorTime) -> None:
        self._roster = roster
        self._dirty = dirty
        self._clock = clock
        self._going_on = False
        self.elsewhere: Elsewhere = Nowhere()
        self.delivered = 0

    def committed(self, posts: Sequence[Post]) -> None:
        """Deliver and answer in the order of the log."""
        self.deliver(posts)

    def answer(self, post: Post) -> None:
        """Tell the sender what became of one post."""
        said = post.message
        if post.refused is not None:
            self._refuse(post, post.refused)
        elif post.origin is not None and (said.id or said.cid):
            place = post.first or (said.cmd, said.dstid, said.seq, said.at)
            post.origin.answer(text_frame(envelope.answer(said.id, said.cid, *place)))

    def deliver(self, posts: Sequence[Post]) -> None:
        """Deliver what is new, in this order, to those who are here, answer the senders, and write everything."""
        # This and `_to_room` are each message's way: they do what Session.put does without calling it.
        rooms: dict[int, list[Post]] = {}
        users = self._roster.users
        dirty = self._dirty
        delivered = 0
        for post in posts:
            said = post.message
            if said.cmd != SINGLE:
                rooms.setdefault(said.dstid, []).append(post)
                continue
            if post.first is not None or post.refused is not None:
                self.answer(post)
                continue
            frame = text_frame(post.body)
            sender, dstid, origin = said.userid, said.dstid, post.origin
            if origin is not None and (said.id or said.cid):
                answer = text_frame(envelope.answer(said.id, said.cid, SINGLE, dstid, said.seq, said.at))
                if origin.held is None:
                    if not origin.pending:
                        dirty.append(origin)
                    origin.pending.append(answer)
                else:
                    origin.answer(answer)
            own = users.get(sender)
            receiver = users.get(dstid)
            if receiver is not None and receiver is not own:
                for session in receiver.sessions:
                    delivered += 1
                    if session.held is None and session.floors is None:
                        if not session.pending:
                            dirty.append(session)
                        session.pending.append(frame)
                    else:
                        session.deliver(SINGLE, sender, said.seq, frame)
            # Nearly everybody has one device here, which is the one that sent it.
            if own is not None and (len(own.sessions) != 1 or own.sessions[0] is not origin):
                for session in own.sessions:
                    if session is not origin:
                        delivered += 1
                        session.deliver(SINGLE, dstid, said.seq, frame)
        self.delivered += delivered
        for group, together in rooms.items():
            self._to_room(group, together)
        self.flush()

    def failed(self, posts: Sequence[Post], refused: Refusal) -> None:
        """Tell the senders that nothing was stored."""
        for post in posts:
            self._refuse(post, refused)
        self.flush()

    def refuse(self, post: Post, refused: Refusal) -> None:
        """Answer one post that came to nothing."""
        self._refuse(post, refused)
        self.flush()

    def repeat(self, post: Post) -> None:
        """Answer one post that was said before."""
        self.answer(post)
        self.flush()

    def _refuse(self, post: Post, refused: Refusal) -> None:
        if post.origin is not None:
            post.origin.refuse(refused, post.message.id, post.message.cid, self._clock.seconds())

    def _to_room(self, group: int, posts: list[Post]) -> None:
        # What isn't new has an empty frame: only its sender is told of it.
        said = [(post, text_frame(post.body) if post.is_new else b"") for post in posts]
        here = self._roster.rooms.get(group, {})
        origins = {post.origin for post in posts}
        absent = set(origins)
        together = b"".join([frame for _, frame in said])
        dirty = self._dirty
        for present in here.values():
            for session in present.sessions:
                if session.held is None and session.floors is None and session not in origins:
                    if not together:
                        continue
                    if not session.pending:
                        dirty.append(session)
                    session.pending.append(together)
                    continue
                absent.discard(session)
                for post, frame in said:
                    if post.origin is session:
                        self.answer(post)
                    elif frame:
                        session.deliver(GROUP, group, post.message.seq, frame)
        self.delivered += sum(map(bool, (frame for _, frame in said))) * len(here)
        # Who has left the group since is answered all the same.
        for post in posts:
            if post.origin in absent:
                self.answer(post)

    def to_users(self, users: Sequence[int], payload: bytes, but: Session | None = None) -> None:
        """Say `payload` to every device of the users but one."""
        for userid in users:
            self.to_user_here(userid, payload, but)
        self.elsewhere.to_users(users, payload)

    def to_group(self, group: int, payload: bytes, but: Session | None = None) -> None:
        """Say `payload` to every device of the group's members but one."""
        self.to_group_here(group, payload, but)
        self.elsewhere.to_group(group, payload)

    def to_user_here(self, userid: int, payload: bytes, but: Session | None = None) -> None:
        """The part of `to_users` on this node."""
        present = self._roster.users.get(userid)
        if present is not None:
            frame = text_frame(payload)
            for session in present.sessions:
                if session is not but:
                    session.put(frame)

    def to_group_here(self, group: int, payload: bytes, but: Session | None = None) -> None:
        """The part of `to_group` on this node."""
        frame = text_frame(payload)
        for session in self._roster.sessions_in(group):
            if session is not but:
                session.put(frame)

    def flush(self) -> None:
        """Write what was put, one write a device. After `STALL_SECONDS` the rest waits for the reactor's next turn,
        so that a burst to thousands of devices holds up nobody else's."""
        dirty = self._dirty
        end = self._clock.seconds() + STALL_SECONDS
        while dirty:
            ready = dirty[:]
            dirty.clear()
            for start in range(0, len(ready), LOOK_EVERY):
                if start and self._clock.seconds() > end:
                    dirty[:0] = ready[start:]
                    if not self._going_on:
                        self._going_on = True
                        self._clock.callLater(0, self._go_on)
                    return
                for session in ready[start : start + LOOK_EVERY]:
                    if session.pending:
                        session.flush()

    def _go_on(self) -> None:
        self._going_on = False
        self.flush()
