"""Who may see what this node measures: programs on this machine, and the addresses of ``--monitors``."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from twisted.web.server import Request

from twim.access.http.peers import Peers


class Monitors:
    """Knows them by where a request comes from. What a trusted proxy passes on comes from its client; what another
    proxy passes on comes from anybody."""

    def __init__(self, peers: Peers, allowed: frozenset[str]) -> None:
        self._peers = peers
        self._networks = [ip_network(one) for one in allowed]

    def include(self, request: Request) -> bool:
        """Whether the request is one of theirs."""
        asker = self._peers.of(request)
        if asker.here:
            return True
        if asker.passed_on or not asker.address:
            return False
        address = ip_address(asker.address)
        return any(address in network for network in self._networks)
