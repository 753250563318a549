"""What the logic tells the other nodes and asks of them, as a role. `NoOtherNodes` plays it for a node that is alone,
`Publishing` for a node of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twisted.internet.defer import Deferred, succeed

from twim.hub.session import SessionUser
from twim.storage.conversation_list import Row


class OtherNodes(Protocol):
    """The other nodes. Nothing here blocks or fails."""

    def to_users(self, users: Sequence[int], payload: bytes) -> None:
        """Say `payload` to the users' devices on other nodes."""

    def to_group(self, group: int, payload: bytes) -> None:
        """Say `payload` to the devices of the group's members on other nodes."""

    def befriended(self, one: int, other: int) -> None:
        """The two are friends from now on."""

    def parted(self, one: int, other: int) -> None:
        """The two are friends no longer."""

    def joined(self, userid: int, group: int) -> None:
        """The user is a member from now on."""

    def left(self, userid: int, group: int) -> None:
        """The user is a member no longer."""

    def blocked(self, userid: int, dstid: int, is_blocked: bool) -> None:
        """`userid` blocks `dstid` from now on, or no longer."""

    def group_changed(self, group: int) -> None:
        """The group's rules, or its members' roles or mutes, changed."""

    def settings_changed(self) -> None:
        """Settings were changed at run time."""

    def stored(self) -> None:
        """Messages were stored here, of which webhooks are to be told."""

    def ended(self, userid: int, deviceid: int) -> None:
        """The device's token is worth nothing from now on."""

    def online(self, userid: int) -> bool:
        """Whether the user has a device on another node."""

    def came(self, user: SessionUser) -> None:
        """The user's first device is here."""

    def gone(self, userid: int, friends: set[int]) -> None:
        """The user's last device here is gone for some seconds now."""

    def left_here(self, user: SessionUser) -> None:
        """The user's last device here is gone."""

    def settled(self, user: SessionUser) -> Deferred[None]:
        """Fires when nothing that is said to the user from then on is missed here. A catch-up waits for it. Fails when
        the storage does."""

    def undelivered(self, userid: int, rows: Sequence[Row]) -> dict[str, int]:
        """Of a catch-up that gave the user's conversations up to these rows' heads: those, by name, of which some
        will still be delivered here, and must not be given again."""


class NoOtherNodes:
    """There are no other nodes."""

    def to_users(self, users: Sequence[int], payload: bytes) -> None:
        """See `OtherNodes`, as for all of these."""

    def to_group(self, group: int, payload: bytes) -> None: ...

    def befriended(self, one: int, other: int) -> None: ...

    def parted(self, one: int, other: int) -> None: ...

    def joined(self, userid: int, group: int) -> None: ...

    def left(self, userid: int, group: int) -> None: ...

    def blocked(self, userid: int, dstid: int, is_blocked: bool) -> None: ...

    def group_changed(self, group: int) -> None: ...

    def settings_changed(self) -> None: ...

    def stored(self) -> None: ...

    def ended(self, userid: int, deviceid: int) -> None: ...

    def online(self, userid: int) -> bool:
        return False

    def came(self, user: SessionUser) -> None: ...

    def gone(self, userid: int, friends: set[int]) -> None: ...

    def left_here(self, user: SessionUser) -> None: ...

    def settled(self, user: SessionUser) -> Deferred[None]:
        return succeed(None)

    def undelivered(self, userid: int, rows: Sequence[Row]) -> dict[str, int]:
        return {}
