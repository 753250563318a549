"""The reactor's clock.

It relies on Twisted 26.10: `ReactorBase` asks its own `seconds` for the time of every delayed call.
https://github.com/twisted/twisted/blob/twisted-26.10.0/src/twisted/internet/base.py
"""

from __future__ import annotations

from time import monotonic
from typing import Any


def use_monotonic_clock(reactor: Any) -> None:
    """Let the timers of `reactor` follow a clock that is never set. Twisted's follow the wall clock: when that is set
    back an hour, every pending timer waits an hour longer."""
    reactor.seconds = monotonic
