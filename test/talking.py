"""What every bare WebSocket device of the tests can do, on whatever connection it sends its frames."""

from __future__ import annotations

import itertools
from typing import Any

_cids = itertools.count(1)


def new_cid() -> str:
    """A `cid` that no other message of this test run has."""
    return f"c{next(_cids)}"


class Talking:
    """A device that can `say` a frame and wait to `hear` one. `heard` has all frames that came."""

    heard: list[dict[str, Any]]

    def say(self, **frame: Any) -> None:
        """Send a frame."""
        raise NotImplementedError

    async def hear(self, **wanted: Any) -> dict[str, Any]:
        """Wait for a frame with these fields, and take it."""
        raise NotImplementedError

    async def ask(self, **frame: Any) -> dict[str, Any]:
        """Send a frame, with a new cid unless it has one, and return its answer."""
        frame = {"cid": new_cid()} | frame
        self.say(**frame)
        return await self.hear(cmd=1, cid=frame["cid"])

    async def caught_up(self, **how: Any) -> dict[str, Any]:
        """Ask for a catch-up, and return its last frame."""
        self.say(cmd=4, **how)
        return await self.hear(cmd=4)

    def messages(self) -> list[dict[str, Any]]:
        """The messages among the frames that came."""
        return [frame for frame in self.heard if frame.get("cmd") in (10, 11)]
