"""What the logic tells the other nodes, as a role. `Nowhere` plays it for a node that is alone, `Relay` for others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twisted.internet.defer import Deferred, succeed

from twim.access.roster import Present
from twim.storage.conversations import Row


class Elsewhere(Protocol):
    """The other nodes. Nothing here blocks or fails."""

    def to_users(self, users: Sequence[int], payload: bytes) -> None:
        """Say `payload` to the users' devices there."""

    def to_group(self, group: int, payload: bytes) -> None:
        """Say `payload` to the group's devices there."""

    def befriended(self, one: int, other: int) -> None:
        """The two are friends from now on."""

    def parted(self, one: int, other: int) -> None:
        """The two are friends no longer."""

    def joined(self, userid: int, group: int) -> None:
        """The user is a member from now on."""

    def left(self, userid: int, group: int) -> None:
        """The user is a member no longer."""

    def ended(self, userid: int, deviceid: int) -> None:
        """The device's token is worth nothing from now on."""

    def online(self, userid: int) -> bool:
        """Whether the user has a device there."""

    def came(self, user: Present) -> None:
        """The user's first device is here."""

    def gone(self, userid: int, friends: set[int]) -> None:
        """The user's last device here is gone for some seconds now."""

    def left_here(self, user: Present) -> None:
        """The user's last device here is gone."""

    def settled(self, user: Present) -> Deferred[None]:
        """Fires when nothing that is said to the user from now on is missed here. A catch-up waits for it. Fails when
        the storage does."""

    def behind(self, userid: int, rows: Sequence[Row]) -> dict[str, int]:
        """Of a catch-up that gave the user's conversations up to these rows' heads: those, by name, of which some
        will still be delivered here, and must not be given again."""


class Nowhere:
    """There are no other nodes."""

    def to_users(self, users: Sequence[int], payload: bytes) -> None:
        """See `Elsewhere`, as for all of these."""

    def to_group(self, group: int, payload: bytes) -> None: ...

    def befriended(self, one: int, other: int) -> None: ...

    def parted(self, one: int, other: int) -> None: ...

    def joined(self, userid: int, group: int) -> None: ...

    def left(self, userid: int, group: int) -> None: ...

    def ended(self, userid: int, deviceid: int) -> None: ...

    def online(self, userid: int) -> bool:
        return False

    def came(self, user: Present) -> None: ...

    def gone(self, userid: int, friends: set[int]) -> None: ...

    def left_here(self, user: Present) -> None: ...

    def settled(self, user: Present) -> Deferred[None]:
        return succeed(None)

    def behind(self, userid: int, rows: Sequence[Row]) -> dict[str, int]:
        return {}
