"""What a node tells about itself in the database it shares with others, for the operator who compares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from socket import gethostname

from twim.cluster.interface import Bus
from twim.cluster.udp.key import fingerprint
from twim.config import Config


def self_description(config: Config, bus: Bus, version: str, shares_database: bool) -> Callable[[], Mapping[str, str]]:
    """Gives the node's version, its address, the kind of its bus, which is open, and, where it has one, which cluster
    key it uses; nothing where the database is the node's alone."""
    kind = config.bus.partition(":")[0].replace("rediss", "redis")
    fixed = {"version": version, "bus": kind}
    if kind == "udp":
        fixed["key"] = fingerprint(config.cluster_key)

    def describe() -> Mapping[str, str]:
        if not shares_database:
            return {}
        # The bus learns the address when the node listens.
        return fixed | {"address": bus.nodes()[0].address or gethostname()}

    return describe
