"""The limits that each node keeps for itself. When they are off, nothing is limited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from twim.errors import TooMany
from twim.limits import table
from twim.limits.buckets import Allowances, RateLimit
from twim.limits.table import DEFAULT_RATES, Limit, Rates

SOCKETS_WAIT: Final = 30.0  # seconds; nobody knows when one of the open connections ends


class Limits:
    """The limits of this node. `sockets` is how many WebSockets may be open from one address."""

    def __init__(
        self,
        on: bool,
        seconds: Callable[[], float],
        rates: Rates = DEFAULT_RATES,
        sockets: int = int(table.SOCKETS_DEFAULT),
    ) -> None:
        self.on = on
        self.rates = rates
        self._most_sockets = sockets
        self._sockets: Counter[str] = Counter()
        self.allowances = Allowances(rates[table.MESSAGES] if on else None, seconds)
        self._buckets = {one: RateLimit(rate, seconds) for one, rate in rates.items()}

    def _take(self, limit: Limit, key: int | str, amount: float = 1) -> None:
        if self.on:
            self._buckets[limit].take(key, amount)

    def address(self, address: str) -> None:
        """Count an attempt to log in or to register, which costs much to check."""
        self._take(table.LOGINS, address)

    def passwd(self, userid: int) -> None:
        """Count an attempt to give the password of a logged-in user: a stolen token must not help to guess it."""
        self._take(table.PASSWORDS, userid)

    def user(self, userid: int) -> None:
        """Count a request of a user."""
        self._take(table.REQUESTS, userid)

    def upload(self, userid: int) -> None:
        """Count a file that a user begins to upload."""
        if self.on:
            self._buckets[table.UPLOAD_BYTES].check(userid)
        self._take(table.UPLOADS, userid)

    def uploaded(self, userid: int, size: int) -> None:
        """Count the bytes of a file that a user has uploaded."""
        if self.on:
            self._buckets[table.UPLOAD_BYTES].charge(userid, size)

    def search(self, userid: int) -> None:
        """Count a search of a user among messages."""
        self._take(table.MESSAGE_SEARCHES, userid)

    def preview(self, userid: int) -> None:
        """Count a link of which a user asks for a preview."""
        self._take(table.PREVIEWS, userid)

    def friend(self, userid: int) -> None:
        """Count a friendship that a user asks for."""
        self._take(table.FRIENDS, userid)

    def group(self, userid: int) -> None:
        """Count a group that a user makes."""
        self._take(table.GROUPS, userid)

    def bot(self, userid: int, messages: int) -> None:
        """Count messages that a bot posts by its key."""
        self._take(table.BOTS, userid, messages)

    def hook(self, id: int) -> None:
        """Count a message that comes in by a hook."""
        self._take(table.HOOKS, id)

    def connect(self, address: str) -> None:
        """Count a WebSocket that is to be opened. `TooMany` also when too many are open. An empty address, which is
        this machine's own, may do what it likes."""
        if self.on and address:
            if self._sockets[address] >= self._most_sockets:
                raise TooMany("too many connections from this address", retry_after=SOCKETS_WAIT)
            self._buckets[table.CONNECTS].take(address)

    def opened(self, address: str) -> None:
        """A WebSocket is open."""
        if address:
            self._sockets[address] += 1

    def closed(self, address: str) -> None:
        """A WebSocket that was open is closed."""
        if address:
            self._sockets[address] -= 1
            if self._sockets[address] <= 0:
                del self._sockets[address]
