"""The bus of a single node."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from test.cluster.contract import AnyBus
from twim.cluster.interface import Bus
from twim.cluster.opening import open_bus


class AloneTests(AnyBus, TestCase):
    """The contract, as far as it concerns a single node."""

    def make(self, epoch: str = "epoch") -> Bus:
        return open_bus("alone", key=None, epoch=epoch, reactor=reactor)
