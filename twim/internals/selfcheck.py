"""The check at the start of the server: do the installed versions still work as the shortcuts assume?

It takes a few milliseconds. What differs switches a shortcut off, and those that build on it, with one line in the log
for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Final

from twisted.logger import Logger

from twim.internals import autobahn_assumptions, twisted_assumptions
from twim.internals.shortcuts import without

Check = Callable[[], Iterator[str]]
"""Gives a line for each thing that differs; any exception is a difference, too."""

CHECKS: Final[dict[str, Check]] = {
    "epoll": twisted_assumptions.of_epoll,
    "frames": autobahn_assumptions.of_frames,
    "writes": twisted_assumptions.of_writes,
    "options": autobahn_assumptions.of_options,
    "handshake": autobahn_assumptions.of_handshake,
    "upgrade": twisted_assumptions.of_upgrade,
}
NEEDED: Final[dict[str, Check]] = {
    "the count of bytes that wait for slow readers": twisted_assumptions.of_waiting,
    "the refusals of what is no HTTP request": twisted_assumptions.of_http,
    "the end of a WebSocket connection": autobahn_assumptions.of_closing,
}
"""What the server relies on without shortcuts, too. Nothing can stand in for these: the log only says what differs."""

_log = Logger()


def usable(wanted: frozenset[str]) -> frozenset[str]:
    """Those of the shortcuts that fit the installed versions of Twisted and Autobahn."""
    broken = set()
    installed = f"Twisted {version('twisted')}, Autobahn {version('autobahn')}"
    for name in sorted(wanted):
        differences = found_by(CHECKS[name])
        if differences:
            broken.add(name)
            _log.warn(
                "the shortcut {name} is off: with {installed} {why}", name=name, installed=installed, why=differences
            )
    for what, check in NEEDED.items():
        differences = found_by(check)
        if differences:
            _log.warn("{what} may fail: with {installed} {why}", what=what, installed=installed, why=differences)
    return without(wanted, broken)


def found_by(check: Check) -> str:
    """What a check found to differ, in one line; empty when everything is as assumed."""
    try:
        return "; ".join(check())
    except Exception as error:
        return f"the check fails: {type(error).__name__}: {' '.join(str(error).split())}"
