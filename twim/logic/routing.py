"""From the log to the devices: each stored message is framed once, and put into the outbox of each device that gets it.

A message of a single chat goes to every device of both users, and a message of a group to every device of its members
here, except the device that sent it. That one gets the answer instead, at the same point of the order: so a client that
has seen seq 7 has got everything before it. A batch is delivered as a whole: each device's frames are joined into one
write, and the frames that all members of a group get are joined only once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from twisted.internet.interfaces import IReactorTime

from twim.errors import Refusal
from twim.hub.hub import Hub
from twim.hub.outbox import TRY_AGAIN_LATER, Outboxes
from twim.hub.session import Session
from twim.logic.other_nodes import NoOtherNodes, OtherNodes
from twim.storage.interface import Post
from twim.wire import envelope
from twim.wire.commands import GROUP, NOTICE, SINGLE
from twim.wire.frames import text_frame
from twim.wire.message import Message


class Routing:
    """Delivers what the log has stored (a `LogListener`), and everything else that users are told. `sign` gives a
    stored message with the URLs of its files signed, the same for every receiver."""

    def __init__(
        self, hub: Hub, outboxes: Outboxes, clock: IReactorTime, sign: Callable[[bytes], bytes] = bytes
    ) -> None:
        self._sign = sign
        self._hub = hub
        self._outboxes = outboxes
        self._clock = clock
        self.other_nodes: OtherNodes = NoOtherNodes()
        self.delivered = 0

    def committed(self, posts: Sequence[Post]) -> None:
        """Deliver and answer in the order of the log."""
        self.deliver(posts)

    def answer(self, post: Post) -> None:
        """Tell the sender of one post whether it was stored."""
        said = post.message
        if post.refused is not None:
            self._refuse(post, post.refused)
        elif post.origin is not None and (said.id or said.cid):
            known_as = post.first or (said.cmd, said.dstid, said.seq, said.at)
            post.origin.answer(text_frame(envelope.answer(said.id, said.cid, *known_as)))

    def deliver(self, posts: Sequence[Post]) -> None:
        """Deliver what is new, in this order, to those who are here, answer the senders, and write everything."""
        groups: dict[int, list[Post]] = {}
        users = self._hub.users
        deliver_single = self._outboxes.deliver_single
        delivered = 0
        # Of what was said first in another conversation, which may be delivered below.
        repeats: list[Post] = []
        for post in posts:
            said = post.message
            if said.cmd != SINGLE:
                if post.first is None or post.first[:2] == (GROUP, said.dstid):
                    groups.setdefault(said.dstid, []).append(post)
                else:
                    repeats.append(post)
                continue
            if post.first is not None or post.refused is not None:
                if post.first is None or post.first[:2] == (SINGLE, said.dstid):
                    self.answer(post)
                else:
                    repeats.append(post)
                continue
            frame = text_frame(self._sign(post.body) if said.url or said.pic else post.body)
            sender, dstid, origin = said.userid, said.dstid, post.origin
            own = users.get(sender)
            receiver = users.get(dstid)
            receivers = receiver.sessions if receiver is not None and receiver is not own else ()
            delivered += len(receivers)
            if origin is not None and (said.id or said.cid):
                answer = text_frame(envelope.answer(said.id, said.cid, SINGLE, dstid, said.seq, said.at))
                deliver_single(origin, answer, receivers, sender, said.seq, frame)
            else:
                deliver_single(None, b"", receivers, sender, said.seq, frame)
            # Nearly everybody has one device here, which is the one that sent it.
            if own is not None and (len(own.sessions) != 1 or own.sessions[0] is not origin):
                for session in own.sessions:
                    if session is not origin:
                        delivered += 1
                        session.deliver(SINGLE, dstid, said.seq, frame)
        self.delivered += delivered
        for group, together in groups.items():
            self._to_members(group, together)
        for post in repeats:
            self.answer(post)
        self._outboxes.flush()

    def deliver_answered(self, post: Post, repeats: Sequence[Post]) -> None:
        """Deliver a message that its sender asks for again meanwhile: these devices get the answer
        instead of it."""
        said = post.message
        asking = {one.origin for one in repeats}
        frame = self._framed(post)
        for session, dstid in self._concerned(said):
            if session is post.origin:
                self.answer(post)
            elif session not in asking:
                self.delivered += 1
                session.deliver(said.cmd, dstid, said.seq, frame)
        for one in repeats:
            self.answer(one)

    def start_over(self, posts: Sequence[Post]) -> None:
        """Let those for whom these messages are connect anew and catch up: nobody can tell who has got them."""
        found = {session for post in posts for session, _ in self._concerned(post.message)}
        for session in found:
            session.shut(TRY_AGAIN_LATER, "please catch up")

    def _concerned(self, said: Message) -> Iterator[tuple[Session, int]]:
        """Each device here that a message is for, and by which `dstid` its user calls the conversation."""
        if said.cmd != SINGLE:
            yield from ((session, said.dstid) for session in self._hub.sessions_in(said.dstid))
            return
        yield from ((session, said.dstid) for session in self._hub.sessions_of(said.userid))
        if said.dstid != said.userid:
            yield from ((session, said.userid) for session in self._hub.sessions_of(said.dstid))

    def failed(self, posts: Sequence[Post], refused: Refusal) -> None:
        """Tell the senders that their posts were not stored."""
        for post in posts:
            self._refuse(post, refused)
        self.flush()

    def refuse(self, post: Post, refused: Refusal) -> None:
        """Answer one post that was not stored."""
        self._refuse(post, refused)
        self.flush()

    def repeat(self, post: Post) -> None:
        """Answer one post that was said before."""
        self.answer(post)
        self.flush()

    def _refuse(self, post: Post, refused: Refusal) -> None:
        if post.origin is not None:
            post.origin.refuse(refused, post.message.id, post.message.cid, self._clock.seconds())

    def _to_members(self, group: int, posts: list[Post]) -> None:
        # A message that isn't new has an empty frame: only its sender is told of it.
        said = [(post, self._framed(post) if post.is_new else b"") for post in posts]
        members = self._hub.members.get(group, {})
        origins = {post.origin for post in posts}
        absent = set(origins)
        together = b"".join([frame for _, frame in said])
        for session in self._outboxes.deliver_together(members.values(), together, origins):
            absent.discard(session)
            for post, frame in said:
                if post.origin is session:
                    self.answer(post)
                elif frame:
                    session.deliver(GROUP, group, post.message.seq, frame)
        self.delivered += sum(map(bool, (frame for _, frame in said))) * len(members)
        # Those who have left the group since are answered all the same.
        for post in posts:
            if post.origin in absent:
                self.answer(post)

    def _framed(self, post: Post) -> bytes:
        said = post.message
        # A notice may say which icon a group has now.
        return text_frame(self._sign(post.body) if said.url or said.pic or said.media == NOTICE else post.body)

    def to_users(self, users: Sequence[int], payload: bytes, but: Session | None = None) -> None:
        """Send `payload` to every device of the users except one."""
        for userid in users:
            self.to_user_here(userid, payload, but)
        self.other_nodes.to_users(users, payload)

    def to_group(self, group: int, payload: bytes, but: Session | None = None) -> None:
        """Send `payload` to every device of the group's members except one."""
        self.to_group_here(group, payload, but)
        self.other_nodes.to_group(group, payload)

    def to_user_here(self, userid: int, payload: bytes, but: Session | None = None) -> None:
        """The part of `to_users` on this node."""
        user = self._hub.users.get(userid)
        if user is not None:
            frame = text_frame(payload)
            for session in user.sessions:
                if session is not but:
                    session.put(frame)

    def to_group_here(self, group: int, payload: bytes, but: Session | None = None) -> None:
        """The part of `to_group` on this node."""
        frame = text_frame(payload)
        for session in self._hub.sessions_in(group):
            if session is not but:
                session.put(frame)

    def flush(self) -> None:
        """Write what was put into the outboxes."""
        self._outboxes.flush()
