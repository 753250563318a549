"""The shortcuts past Twisted and Autobahn: what they are called, and which build on which others.

Each saves time and changes nothing that a client can tell. Without any of them the server is plain Twisted and
Autobahn.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SHORTCUTS: Final[dict[str, tuple[str, ...]]] = {
    "epoll": (),
    "frames": (),
    "writes": (),
    "options": (),
    "handshake": ("options",),
    "upgrade": ("handshake",),
}
"""Every shortcut, and those that it builds on.

- epoll: sockets are read in front of the reactor's dispatch (`twim.internals.epoll`)
- frames: ordinary text frames are parsed without Autobahn (`twim.internals.autobahn_frames`)
- writes: frames are written to the socket, past the transport's buffer while that is empty (`ChatProtocol.send`)
- options: Autobahn's options stand in a class, and are not copied to each connection (`autobahn_options`)
- handshake: an ordinary opening handshake is answered without Autobahn (`twim.internals.autobahn_handshake`)
- upgrade: an ordinary upgrade is read without twisted.web (`twim.access.websocket.connection`)
"""

ALL: Final = frozenset(SHORTCUTS)
NONE: Final[frozenset[str]] = frozenset()


def read_shortcuts(value: str) -> frozenset[str]:
    """The shortcuts that ``on``, ``off`` or a list of names asks for, with those that they build on. `ValueError`
    for a name that is none."""
    if value in ("on", "off"):
        return ALL if value == "on" else NONE
    names = value.replace(",", " ").split()
    unknown = sorted(set(names) - ALL)
    if unknown or not names:
        raise ValueError(f"on, off or some of {', '.join(SHORTCUTS)}")
    return with_needed(names)


def with_needed(names: Iterable[str]) -> frozenset[str]:
    """These shortcuts, and all that they build on."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting += SHORTCUTS[name]
    return frozenset(found)


def without(names: Iterable[str], broken: Iterable[str]) -> frozenset[str]:
    """Those of `names` that neither are `broken` nor build on one that is."""
    return frozenset(name for name in names if with_needed([name]).isdisjoint(broken))
