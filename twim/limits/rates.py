"""Rates as an operator writes them: ``20/s,600`` is 20 a second in the long run, and 600 at once."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MOST: Final = 10**15
_RATE: Final = re.compile(r"([0-9]{1,16})/([smhd])(?:,([0-9]{1,16}))?")


class Rate(NamedTuple):
    """What a token bucket allows."""

    amount: int
    """How much in `seconds`, in the long run."""
    seconds: int
    burst: int
    """How much at once, after a pause that is long enough."""

    @property
    def per_second(self) -> float:
        """How much a second in the long run."""
        return self.amount / self.seconds

    def __str__(self) -> str:
        unit = next(letter for letter, seconds in SECONDS.items() if seconds == self.seconds)
        return f"{self.amount}/{unit}" + (f",{self.burst}" if self.burst != self.amount else "")


def parse_rate(text: str) -> Rate:
    """The rate that is written as ``AMOUNT/UNIT`` or ``AMOUNT/UNIT,BURST``, where the unit is s, m, h or d (second,
    minute, hour, day); without a burst the amount may be used at once. ValueError for anything else."""
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise ValueError("as 20/s,600: an amount, a unit (s, m, h, d) and, if it differs, how much at once")
    amount = int(found[1])
    burst = int(found[3]) if found[3] else amount
    if not 1 <= amount <= MOST or not 1 <= burst <= MOST:
        raise ValueError(f"from 1 to {MOST}")
    return Rate(amount, SECONDS[found[2]], burst)
