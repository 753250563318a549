"""``python -m bench.simulate``: how the traffic grows with users and nodes, from chance and measured costs.

Each message is drawn at random: whether it goes to one peer or to a group, how large the group is, and which of its
members are connected at which nodes. What a message costs at each node was measured (see COSTS below). ``--write`` puts
the table into docs/scale.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

# What users do.
CONNECTED = 0.2  # share of the users who are connected at the busiest hour
DEVICES = 1.3  # connections of a connected user
MESSAGES_A_DAY = 40  # of one user
PEAK = 3  # the rate of the busiest hour, as a multiple of the average rate
GROUPS = 0.3  # share of the messages that go to groups
GROUP_MEDIAN, GROUP_SIGMA, GROUP_MOST = 8, 1.3, 1_000  # members, log-normal

# COSTS, in microseconds of a node's CPU: bench/SCALE.md, bench/README.md.
STORED = 400.0  # to take a message, store it on a database server in a batch of four, answer it, and publish it
DELIVERED = 8.0  # to put it into one connection, in a group of which each batch has three or four messages
HEARD = 3.0  # to take an event of another node from the bus, and to decode it
NODE_BUDGET = 0.5  # of a core: the rest is for bursts, log-ins, catch-ups
NODE_CONNECTIONS = 50_000  # 10 KiB each, and a storm of their reconnects

# Bytes of a message of 60 characters, with its share of the datagrams' heads; it goes over the bus and to the log.
EVENT_BYTES = 190
# One database server and one Redis: orders of magnitude for ordinary machines with SSDs, which we can't promise.
DATABASE_MESSAGES = 20_000  # messages a second, in batches
REDIS_COMMANDS = 150_000  # publishes and deliveries a second
LAN_BYTES = 30_000_000  # a second of broadcast that every node of a LAN can receive

DRAWS = 4_000


@dataclass
class Grown:
    """A cluster of one size. Rates are per second, at the busiest hour."""

    users: int
    nodes: int
    connections: float
    messages: float
    deliveries: float
    interested: float
    """How many other nodes must hear of a message, on average."""

    @property
    def writes(self) -> float:
        """Rows that are written: the message, the sender's read mark, and the head."""
        return 3 * self.messages

    def heard(self, broadcast: bool) -> float:
        """Events that one node takes from the bus."""
        if broadcast:
            return self.messages * (self.nodes - 1) / self.nodes
        return self.messages * self.interested / self.nodes

    def load(self, broadcast: bool) -> float:
        """The share of one core that is used at each node."""
        here = self.messages / self.nodes * STORED + self.deliveries / self.nodes * DELIVERED
        return (here + self.heard(broadcast) * HEARD) / 1e6

    @property
    def redis(self) -> float:
        """Commands of one Redis: a single chat's message is published for two users, a group's once; deliveries count,
        too."""
        return self.messages * (2 - GROUPS + self.interested)


def people_of(random: Random) -> int:
    """The users who get a message, besides its sender."""
    if random.random() >= GROUPS:
        return 1
    return min(GROUP_MOST, max(2, round(GROUP_MEDIAN * random.lognormvariate(0, GROUP_SIGMA)))) - 1


def draw(users: int, nodes: int, random: Random) -> Grown:
    """Simulate so many users on so many nodes."""
    connections, interested = 0, 0
    for _ in range(DRAWS):
        here = sum(random.random() < CONNECTED for _ in range(people_of(random)))
        devices = here + sum(random.random() < DEVICES - 1 for _ in range(here + 1))
        connections += devices
        # Node 0 is the sender's.
        interested += len({at for at in (random.randrange(nodes) for _ in range(devices)) if at})
    rate = users * MESSAGES_A_DAY * PEAK / 86_400
    return Grown(
        users=users,
        nodes=nodes,
        connections=users * CONNECTED * DEVICES,
        messages=rate,
        deliveries=rate * connections / DRAWS,
        interested=interested / DRAWS,
    )


def enough(users: int, broadcast: bool, random: Random) -> Grown:
    """The smallest number of nodes that stay within their budgets. With broadcast there may be none."""
    nodes = max(1, round(users * CONNECTED * DEVICES / NODE_CONNECTIONS + 0.499))
    while True:
        grown = draw(users, nodes, random)
        if grown.load(broadcast) <= NODE_BUDGET or nodes > 100_000:
            return grown
        nodes = max(nodes + 1, round(nodes * min(2.0, grown.load(broadcast) / NODE_BUDGET)))


def rows() -> Iterator[str]:
    """The table."""
    yield (
        "| users | connections | messages/s | rows/s | nodes | other nodes a message | bus | heard/s a node"
        " | core a node | limit |"
    )
    yield "|--:|--:|--:|--:|--:|--:|---|--:|--:|---|"
    for users in (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000):
        # From one seed, so that the kinds of bus are compared over the same messages.
        grown = enough(users, False, Random(1))
        for broadcast in (True, False):
            yield _row(grown, broadcast)


def _row(grown: Grown, broadcast: bool) -> str:
    size = f"{grown.users:,} | {grown.connections:,.0f} | {grown.messages:,.0f} | {grown.writes:,.0f} | {grown.nodes:,}"
    load = f"{grown.heard(broadcast):,.0f} | {grown.load(broadcast):.2f}"
    bus = "udp" if broadcast else "redis"
    return f"| {size} | {grown.interested:.2f} | {bus} | {load} | {_limit(grown, broadcast)} |"


def _limit(grown: Grown, broadcast: bool) -> str:
    limits = []
    if grown.nodes == 1:
        return "none: one node needs no bus"
    if broadcast and grown.nodes > 64:
        limits.append("more than 64 nodes")
    if broadcast and grown.messages * EVENT_BYTES > LAN_BYTES:
        limits.append("the LAN")
    if grown.load(broadcast) > NODE_BUDGET:
        limits.append("hearing everything")
    if not broadcast and grown.redis > REDIS_COMMANDS:
        limits.append(f"{grown.redis / REDIS_COMMANDS:.1f} Redises")
    if grown.messages > DATABASE_MESSAGES:
        limits.append(f"{grown.messages / DATABASE_MESSAGES:.1f} databases")
    return ", ".join(limits) or "none"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m bench.simulate", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into docs/scale.md")
    given = parser.parse_args()
    table = "\n".join(rows())
    print(table)
    if given.write:
        page = Path(__file__).parents[1] / "docs" / "scale.md"
        head, _, rest = page.read_text("utf-8").partition("<!-- simulated -->")
        tail = rest.partition("<!-- /simulated -->")[2]
        page.write_text(f"{head}<!-- simulated -->\n{table}\n<!-- /simulated -->{tail}", "utf-8")


if __name__ == "__main__":
    main()
