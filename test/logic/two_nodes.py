"""Three friends with a group, at two nodes of a `World`: what the tests of several nodes begin with."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from test.logic.cluster_world import Node, World

ANN, BEN, CAT, TEAM = 1, 2, 3, 9


def friends(random: Random, loss: float = 0.0) -> World:
    """Three friends with a group."""
    world = World(random, loss)
    for one, other in [(ANN, BEN), (BEN, CAT), (ANN, CAT)]:
        world.befriend(one, other)
    for one in (ANN, BEN, CAT):
        world.groups[one][TEAM] = 0
    return world


class TwoNodes(SynchronousTestCase):
    """Two nodes, `a` and `b`, that are stopped when the test ends."""

    def setUp(self) -> None:
        self.world = friends(Random(1))
        self.a, self.b = Node(self.world, "a"), Node(self.world, "b")
        self.addCleanup(self.end)

    def end(self) -> None:
        for node in self.world.nodes:
            node.cluster.stop()
            node.presence.stop()

    def settle(self, seconds: float = 1) -> None:
        """Let time pass until everything has arrived."""
        self.world.pass_time(seconds)
