"""The two schemes of the original Go server for finding a group's connections, measured: ``python -m bench.rooms``.

1. every connection keeps the set of its groups, and a message walks all connections;
2. every group keeps its connections, and a message walks those (what `twim.hub.hub` does).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

CONNECTIONS = (1_000, 10_000)
GROUPS = (20, 200, 2_000)
GROUPS_EACH = 10
SECONDS = 0.5


class Connection:
    """The part of a session that is needed to find it."""

    __slots__ = ("groups",)

    def __init__(self, groups: set[int]) -> None:
        self.groups = groups


def rate(work: Callable[[], int]) -> tuple[float, int]:
    """Microseconds of a call, and what it found."""
    found = work()
    calls, start = 0, time.process_time()
    while time.process_time() - start < SECONDS:
        work()
        calls += 1
    return (time.process_time() - start) / calls * 1e6, found


def measure(connections: int, members: int) -> tuple[float, float, float]:
    """Microseconds per message by either scheme, and per change of membership by the second."""
    chance = random.Random(1)
    everybody = [Connection({chance.randrange(2, 10_000) for _ in range(GROUPS_EACH)}) for _ in range(connections)]
    for one in chance.sample(everybody, min(members, connections)):
        one.groups.add(1)
    rooms: dict[int, set[Connection]] = {}
    for one in everybody:
        for group in one.groups:
            rooms.setdefault(group, set()).add(one)
    walk, found = rate(lambda: sum(1 for one in everybody if 1 in one.groups))
    room, same = rate(lambda: sum(1 for _ in rooms[1]))
    assert found == same
    guest = Connection({1})

    def join_and_leave() -> int:
        rooms[1].add(guest)
        rooms[1].discard(guest)
        return 0

    return walk, room, rate(join_and_leave)[0]


def main() -> None:
    """Print the table."""
    print("| connections | in the group | walking all, µs | the group's own, µs | ratio | join and leave, µs |")
    print("|---|---|---|---|---|---|")
    for connections in CONNECTIONS:
        for members in GROUPS:
            if members <= connections:
                walk, room, change = measure(connections, members)
                print(
                    f"| {connections:,} | {members:,} | {walk:,.0f} | {room:,.1f} | {walk / room:,.0f} | {change:.2f} |"
                )


if __name__ == "__main__":
    main()
