"""Carries out the acts of administrators, and writes down what they changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Protocol

import msgspec
from twisted.logger import Logger

from twim.errors import Malformed, NotFound, Refusal
from twim.logic.administration.acts import ACTS, Actor, Result
from twim.logic.administration.values import Values
from twim.storage.audit import AuditStore

OF_RESULT: Final = ("id", "ended", "messages", "files", "bytes")
"""What the audit log has of results: ids and numbers."""


class Acts(Protocol):
    """Carries out some of the acts: each is called with the act's values and with who acts."""

    acts: dict[str, Callable[..., Awaitable[Result]]]


class Administration:
    """Carries out acts. Whether the actor may act is for the caller to check: it is an administrator, or a command."""

    log = Logger()

    def __init__(self, areas: Iterable[Acts], audit: AuditStore, now_ms: Callable[[], int]) -> None:
        self._acts = {name: act for area in areas for name, act in area.acts.items()}
        self._audit = audit
        self._now_ms = now_ms

    async def act(self, name: str, values: Mapping[str, object], actor: Actor) -> Result:
        """Carry out the act `name` of `ACTS`, which is told `values`, as JSON has them. Gives its result, as JSON has
        it; of a list ``{"rows": […], "next": cursor or 0}``. `Malformed` for values that it doesn't take, `NotFound`
        for an act that there isn't, and whatever the act is refused with."""
        if name not in self._acts:
            raise NotFound(f"no act {name}")
        try:
            told: Values = msgspec.convert(dict(values), ACTS[name].values)
        except msgspec.ValidationError as error:
            raise Malformed(str(error)) from None
        result = await self._acts[name](told, actor)
        if ACTS[name].changes:
            await self._write_down(name, told, result, actor)
        return result

    async def _write_down(self, name: str, told: Values, result: Mapping[str, Any], actor: Actor) -> None:
        what = told.ids() | {one: result[one] for one in OF_RESULT if one in result}
        try:
            await self._audit.append(actor.who, name, what, self._now_ms())
        except Refusal as error:
            # It is done, and its result may have a code that is told only now.
            self.log.error(
                "not in the audit log, {why}: {who} did {act} {what}", why=error, who=actor.who, act=name, what=what
            )
