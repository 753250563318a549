"""The ports: whether they are ours, or can become so, and who reaches them."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from twim.doctor.asking import answers
from twim.doctor.finding import Finding, Level
from twim.doctor.listening import Listening, read_listening
from twim.doctor.processes import KNOWS_USERS, listener, lock_holder, may_write, name_of, server_user
from twim.doctor.subject import Subject

TOPIC: Final = "port"
UNIX_BYTES: Final = 107  # of a Unix socket's path: unix(7)
_SOMEWHERE: Final = {socket.AF_INET: ("192.0.2.1", 9), socket.AF_INET6: ("2001:db8::1", 9)}
"""Addresses of examples (RFC 5737, RFC 3849): a datagram socket that is connected to one sends nothing, and has this
machine's own address."""
_RIGHT: Final = (
    "Give the server that right, as deploy/twim-tls.service does with AmbientCapabilities=CAP_NET_BIND_SERVICE, or put"
    " a proxy in front that has it."
)


def look_at_port(subject: Subject) -> Iterator[Finding]:
    """Examine each endpoint."""
    places = [read_listening(one) for one in subject.config.port]
    anybody = False
    for place in places:
        if place.path is not None:
            yield from _unix(subject, place, place.path)
        elif place.has_port:
            is_ours = answers(place)
            anybody = anybody or is_ours
            yield _ours(subject, place) if is_ours else _free(subject, place)
            yield from _seen(place)
        else:
            yield Finding(TOPIC, Level.NOTE, f"{place.description} isn't examined: its port isn't known beforehand")
    if not anybody and _holder(subject) is not None:
        fix = "Give this command the options, the variables and the --config that the server was started with."
        yield Finding(TOPIC, Level.WARNING, "a server uses the database, but listens on none of these ports", fix)


def _holder(subject: Subject) -> int | None:
    path = subject.database.path
    return None if path is None else lock_holder(path.with_name(f"{path.name}.lock"))


def _ours(subject: Subject, place: Listening) -> Finding:
    path = subject.database.path
    # While a server uses a SQLite database there is a write-ahead log beside it.
    if path is not None and not path.with_name(f"{path.name}-wal").exists():
        fix = "Stop that server, or choose another --port."
        return Finding(TOPIC, Level.ERROR, f"{place.description} is used by a server with other data", fix)
    return Finding(TOPIC, Level.OK, f"the server answers on {place.description}")


def _free(subject: Subject, place: Listening) -> Finding:
    family = socket.AF_INET6 if ":" in place.interface else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trying:
            if os.name != "nt":
                trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trying.bind((place.interface, place.port))
            trying.listen(1)
    except OSError as error:
        return _refused(place, error)
    uid = server_user(subject.config.data)
    if KNOWS_USERS and place.port < _first_free_port() and not os.geteuid() and uid:
        text = f"{place.description} is free, but {name_of(uid)} may have no right to ports below 1024"
        return Finding(TOPIC, Level.NOTE, text, _RIGHT)
    return Finding(TOPIC, Level.OK, f"{place.description} is free; no server runs there")


def _refused(place: Listening, error: OSError) -> Finding:
    if error.errno == errno.EADDRINUSE:
        who = listener(place.port) or "another program"
        fix = f"Stop that program (ss -ltnp 'sport = :{place.port}' names it), or choose another --port."
        return Finding(TOPIC, Level.ERROR, f"{place.description} is taken by {who}", fix)
    if error.errno in (errno.EACCES, errno.EPERM):
        text = f"{place.description} may not be used: ports below {_first_free_port()} are root's"
        return Finding(TOPIC, Level.ERROR, text, _RIGHT)
    fix = "Name an address of this machine (ip address shows them), or leave interface= out."
    return Finding(TOPIC, Level.ERROR, f"{place.description} can't be used: {error.strerror}", fix)


def _first_free_port() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except (OSError, ValueError):
        return 1024


def _seen(place: Listening) -> Iterator[Finding]:
    if place.is_tls or place.is_here:
        return
    fix = (
        "Let it speak TLS (ssl:443:privateKey=…:certKey=…), or bind it to this machine with :interface=127.0.0.1 and"
        " put a proxy with TLS in front, as deploy/nginx.conf does."
    )
    text = f"{place.description} is open to the {{}} without TLS: passwords and messages can be read on the way"
    if _reaches_internet(place):
        yield Finding(TOPIC, Level.WARNING, text.format("internet"), fix)
    else:
        yield Finding(TOPIC, Level.NOTE, text.format("local network"), fix)


def _reaches_internet(place: Listening) -> bool:
    addresses = own_addresses() if place.is_everywhere else [place.interface]
    return any(is_public(one) for one in addresses)


def is_public(address: str) -> bool:
    """Whether an address is one of the internet."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_global
    except ValueError:
        return False


def own_addresses() -> list[str]:
    """The addresses by which this machine would speak to the internet."""
    found = []
    for family, somewhere in _SOMEWHERE.items():
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as trying:
                trying.connect(somewhere)
                found.append(str(trying.getsockname()[0]))
        except OSError:
            continue
    return found


def _unix(subject: Subject, place: Listening, path: Path) -> Iterator[Finding]:
    if answers(place):
        yield Finding(TOPIC, Level.OK, f"the server answers on {place.description}")
        return
    uid = server_user(subject.config.data)
    if len(os.fsencode(path)) > UNIX_BYTES:
        fix = f"Choose a path of at most {UNIX_BYTES} bytes."
        yield Finding(TOPIC, Level.ERROR, f"the path of {place.description} is too long for a Unix socket", fix)
    elif not path.parent.is_dir() or not may_write(path.parent, uid):
        fix = f"Make the folder {path.parent} for {name_of(uid)}; systemd does so with RuntimeDirectory=."
        yield Finding(TOPIC, Level.ERROR, f"{place.description} can't be made by {name_of(uid)}", fix)
    else:
        yield Finding(TOPIC, Level.OK, f"{place.description} can be made; no server runs there")
