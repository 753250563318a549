"""``/cluster`` and ``/metrics``: what the operator wants to know. For users whose mobile is among ``--operators``, and
``/metrics`` for programs on this machine too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from ipaddress import ip_address

from klein import Klein
from twisted.web.server import Request

from twim.access.door import Door, route
from twim.access.fields import Fields
from twim.cluster.interface import Bus, NodeInfo
from twim.errors import NotYours
from twim.storage.accounts import Accounts as AccountStore
from twim.wire import envelope

Figures = Callable[[], Mapping[str, float]]
"""Names (without the ``twim_`` that Prometheus gets) and values of what this node measures."""


class Operate:
    """The routes for the operator."""

    app = Klein()

    def __init__(self, door: Door, store: AccountStore, bus: Bus, figures: Figures, operators: frozenset[str]) -> None:
        self._door = door
        self._store = store
        self._bus = bus
        self._figures = figures
        self._operators = operators

    @route(app, "/cluster", "GET")
    async def cluster(self, request: Request, fields: Fields) -> bytes:
        """The nodes that are up, this one first, and this one's figures."""
        await self._check(request, fields)
        self._bus.describe(connections=int(self._figures()["connections"]))
        found = self._bus.nodes()
        nodes = [_line(one, now=found[0].last_seen) for one in found]
        return envelope.encode(
            {"code": 0, "msg": "", "rows": nodes, "total": len(nodes), "figures": dict(self._figures())}
        )

    @app.route("/metrics", methods=["GET"])
    async def metrics(self, request: Request) -> bytes:
        """The figures in the text format of Prometheus (version 0.0.4)."""
        # Behind a proxy every stranger comes from this machine: what it forwarded is no program here.
        if request.getHeader("x-forwarded-for") or not _is_here(self._door.address_of(request)):
            await self._check(request, Fields({}))
        request.setHeader(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
        lines = [f"# TYPE twim_{name} gauge\ntwim_{name} {value}\n" for name, value in self._figures().items()]
        return "".join(lines).encode()

    async def _check(self, request: Request, fields: Fields) -> None:
        who = await self._door.caller(request, fields)
        found = await self._store.by_id(who.userid)
        if found is None or found[0].mobile not in self._operators:
            raise NotYours("for operators")


def _line(node: NodeInfo, now: float) -> dict[str, object]:
    """As JSON: its times as seconds ago, since the clock they were read from is this process's own."""
    line = asdict(node)
    return line | {"age": round(now - line.pop("started"), 1), "silent": round(now - line.pop("last_seen"), 1)}


def _is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
