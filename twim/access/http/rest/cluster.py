"""``/cluster``: what the operator wants to know. For users whose mobile is among ``--operators``."""

from __future__ import annotations

from collections.abc import Callable

from klein import Klein
from twisted.web.server import Request

from twim.access.http.authentication import Authenticator
from twim.access.http.declared import rows
from twim.access.http.fields import Fields
from twim.access.http.metrics import Figures
from twim.access.http.rest import answers
from twim.access.http.route import route
from twim.cluster.interface import Bus
from twim.errors import NotYours, Refusal
from twim.storage.accounts import AccountStore
from twim.wire import envelope


class Operate:
    """The routes for the operator."""

    app = Klein()

    def __init__(
        self,
        authenticator: Authenticator,
        store: AccountStore,
        bus: Bus,
        figures: Figures,
        operators: frozenset[str],
        differs: Callable[[str], dict[str, str]],
    ) -> None:
        self._authenticator = authenticator
        self._store = store
        self._bus = bus
        self._figures = figures
        self._operators = operators
        self._differs = differs

    @route(app, "/cluster", "GET", takes=(), gives=rows(answers.NodeLine, figures=dict[str, float]))
    async def cluster(self, request: Request, fields: Fields) -> bytes:
        """The nodes that are up, this one first, and this one's figures."""
        await self._check(request, fields)
        self._bus.describe(connections=int(self._figures()["connections"]))
        found = self._bus.nodes()
        now = found[0].last_seen
        nodes = [
            one.public(now) | {"differs": self._differs(one.node if position else "")}
            for position, one in enumerate(found)
        ]
        return envelope.encode(
            {"code": 0, "msg": "", "rows": nodes, "total": len(nodes), "figures": dict(self._figures())}
        )

    async def is_operator(self, request: Request) -> bool:
        """Whether an operator who is logged in sends the request."""
        try:
            await self._check(request, Fields({}))
        except Refusal:
            return False
        return True

    async def _check(self, request: Request, fields: Fields) -> None:
        who = await self._authenticator.caller(request, fields)
        found = await self._store.by_id(who.userid)
        if found is None or found[0].mobile not in self._operators:
            raise NotYours("for operators")
