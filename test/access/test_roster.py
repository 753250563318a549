"""The roster against a plain model of who is here and who belongs to whom, over any script."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from twim.access.roster import Roster
from twim.access.session import Session

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
    """Takes everything."""

    def send(self, data: bytes) -> None:
        pass

    def shut(self, code: int, reason: str) -> None:
        pass


class RosterTests(SynchronousTestCase):
    """`Roster`."""

    @given(scripts)
    @settings(max_examples=300)
    def test_any_script(self, script: list[tuple[str, int, Any]]) -> None:
        """Whoever is here is known with exactly its friends and groups, and stands in exactly its rooms."""
        roster = Roster()
        friends: dict[int, set[int]] = {user: set() for user in range(1, USERS + 1)}
        members: dict[int, set[int]] = {group: set() for group in range(1, GROUPS + 1)}
        here: dict[int, list[Session]] = {user: [] for user in friends}
        for what, user, other in script:
            before = roster.changes
            if what == "enter":
                self.enter(roster, user, friends, members, here)
            elif what == "leave" and here[user]:
                session = here[user].pop(0)
                self.assertEqual(roster.remove(session.user, session), not here[user])
                self.assertFalse(roster.remove(session.user, session))
            elif what == "befriend" and user != other:
                friends[user].add(other)
                friends[other].add(user)
                roster.befriended(user, other)
            elif what == "part" and user != other:
                friends[user].discard(other)
                friends[other].discard(user)
                roster.parted(user, other)
            elif what == "join":
                members[other].add(user)
                roster.joined(user, other)
            elif what == "quit":
                members[other].discard(user)
                roster.left(user, other)
            if what in ("join", "quit") or (what in ("befriend", "part") and user != other):
                self.assertGreater(roster.changes, before)
            self.compare(roster, friends, members, here)

    def enter(
        self,
        roster: Roster,
        user: int,
        friends: dict[int, set[int]],
        members: dict[int, set[int]],
        here: dict[int, list[Session]],
    ) -> None:
        """As the lobby does it: by what is kept of the user, else by what is stored."""
        kept = roster.circles.pop(user, None) if user not in roster.users else None
        circle = kept or (set(friends[user]), {group for group in members if user in members[group]})
        present = roster.enter(user, *circle)
        session = Session(present, len(here[user]), FakeSocket(), [])
        roster.add(present, session)
        here[user].append(session)

    def compare(
        self,
        roster: Roster,
        friends: dict[int, set[int]],
        members: dict[int, set[int]],
        here: dict[int, list[Session]],
    ) -> None:
        """The roster and the model say the same."""
        present = {user for user, sessions in here.items() if sessions}
        self.assertEqual(set(roster.users), present)
        self.assertEqual(roster.connections, sum(map(len, here.values())))
        for user in present:
            entry = roster.users[user]
            self.assertEqual(entry.sessions, here[user])
            self.assertEqual(entry.friends, friends[user])
            self.assertEqual(entry.groups, {group for group in members if user in members[group]})
        for group, inside in members.items():
            self.assertEqual(set(roster.rooms.get(group, {})), inside & present)
        self.assertTrue(all(roster.rooms.values()), "no room is kept empty")
