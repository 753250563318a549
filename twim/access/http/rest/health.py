"""``/health/live``, ``/health/ready`` and ``/metrics``: for whatever starts, restarts and watches this node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from klein import Klein
from twisted.web.server import Request

from twim.access.http.declared import Answer, data
from twim.access.http.fields import Fields, header
from twim.access.http.metrics import Metrics
from twim.access.http.monitors import Monitors
from twim.access.http.peers import Peers
from twim.access.http.route import answer, describe, route
from twim.errors import UNAVAILABLE, NotFound
from twim.logic.live_settings import LiveSettings
from twim.logic.readiness import Readiness
from twim.wire import envelope


class Health:
    """The routes. `is_operator` tells whether an operator who is logged in asks."""

    app = Klein()

    def __init__(
        self,
        readiness: Readiness,
        metrics: Metrics,
        monitors: Monitors,
        is_operator: Callable[[Request], Awaitable[bool]],
        settings: LiveSettings,
        peers: Peers,
    ) -> None:
        self._readiness = readiness
        self._metrics = metrics
        self._monitors = monitors
        self._is_operator = is_operator
        self._settings = settings
        self._peers = peers

    @route(app, "/health/live", "GET", takes=(), who="anybody")
    async def live(self, request: Request, fields: Fields) -> bytes:
        """200: the reactor turns."""
        return envelope.ok()

    @route(app, "/health/ready", "GET", takes=(), gives=data(dict[str, Any]), who="anybody")
    async def ready(self, request: Request, fields: Fields) -> bytes:
        """200, or 503 when clients should go to another node. Only monitors are told which part is why."""
        parts = await self._readiness.parts()
        body: dict[str, object] = {"code": 0, "msg": ""}
        if not all(parts.values()):
            request.setResponseCode(503)
            body = {"code": UNAVAILABLE, "msg": "not ready"}
        if self._monitors.include(request):
            body["data"] = {name: int(is_right) for name, is_right in parts.items()} | self._remarks()
        return envelope.encode(body)

    def _remarks(self) -> dict[str, object]:
        """What a monitor should know although the node is ready."""
        remarks: dict[str, object] = {}
        if self._settings.differing:
            remarks["differing"] = sorted(self._settings.differing)
        if self._peers.unnamed:
            remarks["unnamed_proxy"] = self._peers.unnamed
        return remarks

    @app.route("/metrics", methods=["GET"])
    @describe("/metrics", "GET", takes=(), gives=Answer(media="text/plain"), who="anybody")
    async def metrics(self, request: Request) -> bytes:
        """The figures of this node. 404 for who is no monitor."""
        if not self._monitors.include(request) and not await self._is_operator(request):
            raise NotFound("no such path")
        self._metrics.ready = await self._readiness.parts()
        text, media = self._metrics.text(header(request, "accept"))
        body = answer(request, text)
        request.setHeader(b"content-type", media.encode())
        return body
