"""Pushes to browsers: one POST to the address that the browser was given by its maker's push service (RFC 8030)."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from twim.outbound.push_sealing import Receiver, seal
from twim.outbound.requests import BadUrl, NotAnswered, OutboundRequests
from twim.outbound.vapid import Vapid

TTL_SECONDS: Final = 24 * 3600  # how long a push service keeps it for a device that is off
SECONDS: Final = 10.0  # that a push service may take
ANSWER_BYTES: Final = 4096
PAUSE_SECONDS: Final = 30.0  # after which a push is tried again where the push service names no time
LONGEST_PAUSE_SECONDS: Final = 3600.0  # also where it names a longer one
_GONE: Final = (404, 410)
_LATER: Final = (429, 500, 502, 503, 504)


class Subscription(NamedTuple):
    """Where a browser is pushed to. `site` is the origin of its page, as push services may be told it."""

    id: int
    endpoint: str
    receiver: Receiver
    site: str


class Fate(enum.Enum):
    """What became of a push."""

    TAKEN = "taken"
    GONE = "gone"
    """There is no such subscription any more."""
    LATER = "later"
    REFUSED = "refused"


class Outcome(NamedTuple):
    """What became of a push. `seconds` is after what time it may be tried again; `why` is for the log."""

    fate: Fate
    seconds: float = 0.0
    why: str = ""


class PushService:
    """Sends pushes. `seconds` gives the time since 1970."""

    def __init__(self, requests: OutboundRequests, vapid: Vapid, seconds: Callable[[], float]) -> None:
        self._requests = requests
        self._vapid = vapid
        self._seconds = seconds

    async def push(self, to: Subscription, payload: bytes, topic: str) -> Outcome:
        """Push `payload`, in place of what waits at the push service with the same `topic` (at most 32 characters of
        base64url)."""
        headers = {
            "Authorization": self._vapid.authorization(to.endpoint, to.site),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TTL_SECONDS),
            "Urgency": "high",
            "Topic": topic,
        }
        body = seal(to.receiver, payload)
        try:
            answer = await self._requests.post(to.endpoint, body, headers, seconds=SECONDS, answer_limit=ANSWER_BYTES)
        except BadUrl as error:  # one that was taken while more addresses were
            return Outcome(Fate.REFUSED, why=str(error))
        except NotAnswered as error:
            return Outcome(Fate.LATER, PAUSE_SECONDS, str(error))
        if 200 <= answer.status < 300:
            return Outcome(Fate.TAKEN)
        why = f"status {answer.status}"
        if answer.status in _GONE:
            return Outcome(Fate.GONE, why=why)
        if answer.status in _LATER:
            return Outcome(Fate.LATER, self._pause(answer.headers), why)
        return Outcome(Fate.REFUSED, why=why)

    def _pause(self, headers: Mapping[str, str]) -> float:
        """What Retry-After says: seconds, or a date (RFC 9110, section 10.2.3)."""
        named = headers.get("retry-after", "").strip()
        if named.isascii() and named.isdigit() and len(named) <= 9:
            return min(max(float(named), 1.0), LONGEST_PAUSE_SECONDS)
        try:
            until = parsedate_to_datetime(named).timestamp()
        except (ValueError, OverflowError):
            return PAUSE_SECONDS
        return min(max(until - self._seconds(), 1.0), LONGEST_PAUSE_SECONDS)
