"""The hub compared with a plain model of who is connected and who belongs to whom, over random scripts."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.hub.hub import Hub
from twim.hub.outbox import Outboxes
from twim.hub.session import Session
from twim.storage.interface import Circle

USERS, GROUPS = 4, 3
users = st.integers(1, USERS)
groups = st.integers(1, GROUPS)
scripts = st.lists(
    st.tuples(st.just("enter"), users, st.none())
    | st.tuples(st.just("leave"), users, st.none())
    | st.tuples(st.sampled_from(["befriend", "part"]), users, users)
    | st.tuples(st.sampled_from(["join", "quit"]), users, groups),
    max_size=60,
)


class FakeSocket:
    """A socket that accepts everything."""

    def send(self, data: bytes) -> None:
        pass

    def waits(self, above: int) -> int:
        return above

    def shut(self, code: int, reason: str) -> None:
        pass


class HubTests(SynchronousTestCase):
    """`Hub`."""

    @given(scripts)
    @settings(max_examples=300)
    def test_any_script(self, script: list[tuple[str, int, Any]]) -> None:
        """Everybody connected is known with exactly their friends and groups, and is among the members of exactly
        these groups."""
        hub = Hub()
        friends: dict[int, set[int]] = {user: set() for user in range(1, USERS + 1)}
        members: dict[int, set[int]] = {group: set() for group in range(1, GROUPS + 1)}
        here: dict[int, list[Session]] = {user: [] for user in friends}
        for what, user, other in script:
            before = hub.changes
            if what == "enter":
                self.enter(hub, user, friends, members, here)
            elif what == "leave" and here[user]:
                session = here[user].pop(0)
                self.assertEqual(hub.remove(session), not here[user])
                self.assertFalse(hub.remove(session))
            elif what == "befriend" and user != other:
                friends[user].add(other)
                friends[other].add(user)
                hub.befriended(user, other)
            elif what == "part" and user != other:
                friends[user].discard(other)
                friends[other].discard(user)
                hub.parted(user, other)
            elif what == "join":
                members[other].add(user)
                hub.joined(user, other)
            elif what == "quit":
                members[other].discard(user)
                hub.left(user, other)
            if what in ("join", "quit") or (what in ("befriend", "part") and user != other):
                self.assertGreater(hub.changes, before)
            self.compare(hub, friends, members, here)

    def enter(
        self,
        hub: Hub,
        user: int,
        friends: dict[int, set[int]],
        members: dict[int, set[int]],
        here: dict[int, list[Session]],
    ) -> None:
        """Do what the admission does: use what is known of the user, else what is stored."""
        kept = hub.remembered.pop(user, None) if user not in hub.users else None
        circle = kept or Circle(set(friends[user]), {group for group in members if user in members[group]})
        present = hub.enter(user, circle)
        session = Session(present, len(here[user]), FakeSocket(), Outboxes(Clock()))
        hub.add(present, session)
        here[user].append(session)

    def compare(
        self,
        hub: Hub,
        friends: dict[int, set[int]],
        members: dict[int, set[int]],
        here: dict[int, list[Session]],
    ) -> None:
        """Check that the hub and the model agree."""
        present = {user for user, sessions in here.items() if sessions}
        self.assertEqual(set(hub.users), present)
        self.assertEqual(hub.connections, sum(map(len, here.values())))
        for user in present:
            entry = hub.users[user]
            self.assertEqual(entry.sessions, here[user])
            self.assertEqual(entry.friends, friends[user])
            self.assertEqual(entry.groups, {group for group in members if user in members[group]})
        for group, inside in members.items():
            self.assertEqual(set(hub.members.get(group, {})), inside & present)
        self.assertTrue(all(hub.members.values()), "no group is kept without a member")
