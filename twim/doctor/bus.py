"""The bus: whether the nodes can hear each other, and nobody else can speak there."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from twim.cluster.interface import BusUrlError
from twim.cluster.opening import Broadcast, RedisServer, parse_bus_url
from twim.cluster.udp.key import load_key
from twim.doctor.finding import Finding, Level
from twim.doctor.listening import is_loopback
from twim.doctor.processes import KNOWS_USERS
from twim.doctor.redis import RedisRefused, talk
from twim.doctor.subject import Subject

TOPIC: Final = "bus"
EVERYBODY: Final = "255.255.255.255"  # of the network of the default route
_ROUTES: Final = Path("/proc/net/fib_trie")
_KEY_FIX: Final = (
    "Copy cluster.key of the first node to all others, and let the server's user alone read it (chmod 600)."
)


def look_at_bus(subject: Subject) -> Iterator[Finding]:
    """Examine the one that is chosen."""
    try:
        target = parse_bus_url(subject.config.bus)
    except BusUrlError as error:
        yield Finding(TOPIC, Level.ERROR, str(error), "Correct --bus.")
        return
    if target is None:
        yield Finding(TOPIC, Level.OK, "there is one node, which needs no bus")
    elif isinstance(target, RedisServer):
        yield from _redis(target)
    else:
        yield from _udp(target)
        yield from _key(subject.config.cluster_key)


def _redis(server: RedisServer) -> Iterator[Finding]:
    where = f"Redis on {server.host}:{server.port}"
    is_here = is_loopback(server.host)
    if not server.tls and not is_here:
        fix = "Let Redis speak TLS, and write rediss://…?ca=FILE, as docs/operating.md shows."
        yield Finding(TOPIC, Level.WARNING, f"{where} is asked without TLS: messages can be read on the way", fix)
    if server.password is None and not is_here:
        fix = "Give Redis a user and a password for twim alone, and write them in --bus, as docs/operating.md shows."
        text = f"{where} is asked without a password: who reaches it may read and forge messages"
        yield Finding(TOPIC, Level.ERROR, text, fix)
    try:
        talk(server)
    except RedisRefused as error:
        fix = "Correct the user and the password in --bus, or give that user the rights that docs/operating.md lists."
        yield Finding(TOPIC, Level.ERROR, f"{where} refuses: {error}", fix)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        fix = "Start it, or correct --bus; look that the firewall lets this machine through."
        yield Finding(TOPIC, Level.ERROR, f"{where} can't be reached: {' '.join(str(why).split())}", fix)
    else:
        yield Finding(TOPIC, Level.OK, f"{where} takes what a node publishes")


def _udp(target: Broadcast) -> Iterator[Finding]:
    known = broadcast_addresses()
    if target.host in (*known, EVERYBODY):
        yield Finding(TOPIC, Level.OK, f"{target.host} is a broadcast address of this machine")
    elif is_loopback(target.host):
        fix = "For nodes on other machines name the broadcast address of their network."
        yield Finding(TOPIC, Level.NOTE, f"{target.host} reaches only nodes on this machine", fix)
    elif not known:
        yield Finding(TOPIC, Level.NOTE, "the broadcast addresses of this machine aren't known")
    else:
        fix = f"Name one of these: {', '.join(known)} (ip address shows them as brd)."
        yield Finding(TOPIC, Level.ERROR, f"{target.host} is no broadcast address of this machine", fix)


def broadcast_addresses() -> list[str]:
    """Of the networks that this machine is in, its own excepted. Linux alone tells."""
    try:
        routes = _ROUTES.read_text()
    except OSError:
        return []
    found = dict.fromkeys(re.findall(r"\|-- (\S+)\n\s+/32 link BROADCAST", routes))
    return [one for one in found if not is_loopback(one)]


def _key(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield Finding(TOPIC, Level.NOTE, f"{path} isn't there yet; the first node makes it", _KEY_FIX)
        return
    try:
        load_key(path)
        mode = stat.S_IMODE(path.stat().st_mode)
    except (OSError, BusUrlError) as error:
        why = f"{path}: {error.strerror}" if isinstance(error, OSError) else str(error)
        yield Finding(TOPIC, Level.ERROR, why, _KEY_FIX)
        return
    if KNOWS_USERS and mode & 0o077:
        text = f"others on this machine may read {path} (mode {mode:04o}), and so read and forge messages"
        yield Finding(TOPIC, Level.ERROR, text, f"Close it: chmod 600 {path}.")
    else:
        yield Finding(TOPIC, Level.OK, f"{path} is a cluster's key, and this user's alone")
