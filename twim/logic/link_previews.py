"""Previews of links: the server asks for the page in its readers' place, and only where the operator wants it to.

Whoever writes a link chooses whom the server asks. So it asks public addresses only, one page at a time of each host
and few in all, for a bounded time and size, and keeps what it found for whoever sees the link next.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from twisted.internet.defer import DeferredLock, DeferredSemaphore

from twim.errors import NotFound
from twim.limits.limits import Limits
from twim.logic.page_meta import NONE, Preview, is_page, read_page
from twim.outbound.requests import BadUrl, NotAnswered, OutboundRequests

SECONDS: Final = 5.0  # for a page, its redirects among them
BYTES: Final = 256 * 1024  # of a page; what it says of itself stands at its beginning
REDIRECTS: Final = 3
AT_ONCE: Final = 8  # pages that are asked for; more wait
WAITING: Final = 100  # that wait; of more nothing is shown
WAITING_FOR_HOST: Final = 5  # the same for each host
KEPT: Final = 2_000  # pages
KEPT_SECONDS: Final = 3_600.0
KEPT_NONE_SECONDS: Final = 300.0  # where there was nothing to show
HEADERS: Final = {"Accept": "text/html, application/xhtml+xml", "User-Agent": "twim (link preview)"}
_ELSEWHERE: Final = (301, 302, 303, 307, 308)


class _Kept(NamedTuple):
    preview: Preview
    until: float


class LinkPreviews:
    """Finds what links lead to. `requests` is None where there are no previews."""

    def __init__(self, requests: OutboundRequests | None, limits: Limits, seconds: Callable[[], float]) -> None:
        self._requests = requests
        self._limits = limits
        self._seconds = seconds
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lanes: dict[str, DeferredLock] = {}
        self._all = DeferredSemaphore(AT_ONCE)
        self._waiting = 0

    async def of(self, userid: int, url: str) -> Preview:
        """What the page at `url` says of itself; `NONE` where it says nothing, isn't reached or may not be asked.

        Raises `NotFound` where there are no previews, and `TooMany` beyond the limit of a user.
        """
        if self._requests is None:
            raise NotFound("there are no previews here")
        self._limits.preview(userid)
        page = url.partition("#")[0]
        kept = self._known(page)
        return kept if kept is not None else await self._in_lane(self._requests, page)

    def _known(self, page: str) -> Preview | None:
        kept = self._kept.get(page)
        return kept.preview if kept is not None and kept.until > self._seconds() else None

    async def _in_lane(self, requests: OutboundRequests, page: str) -> Preview:
        """Ask for a page after the others of its host."""
        try:
            requests.check(page)
            host = (urlsplit(page).hostname or "").rstrip(".")
        except ValueError:  # a BadUrl is one
            return NONE
        lane = self._lanes.get(host) or DeferredLock()
        if self._waiting >= WAITING or len(lane.waiting) >= WAITING_FOR_HOST:
            return NONE
        self._lanes[host] = lane
        self._waiting += 1
        try:
            await lane.acquire()
            try:
                known = self._known(page)
                return known if known is not None else await self._ask(requests, page)
            finally:
                lane.release()
        finally:
            self._waiting -= 1
            if not lane.locked:
                self._lanes.pop(host, None)

    async def _ask(self, requests: OutboundRequests, page: str) -> Preview:
        await self._all.acquire()
        try:
            found = await self._found(requests, page)
        except (BadUrl, NotAnswered):
            found = NONE
        finally:
            self._all.release()
        self._kept[page] = _Kept(found, self._seconds() + (KEPT_SECONDS if found.title else KEPT_NONE_SECONDS))
        self._kept.move_to_end(page)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    async def _found(self, requests: OutboundRequests, page: str) -> Preview:
        """Follow a page's redirects, each of which is checked as the first address was."""
        end = self._seconds() + SECONDS
        for _ in range(1 + REDIRECTS):
            left = end - self._seconds()
            if left <= 0:
                break
            answer = await requests.get(page, HEADERS, seconds=left, answer_limit=BYTES)
            if answer.status == 200 and is_page(answer.headers):
                return read_page(answer.body, answer.headers)
            if answer.status not in _ELSEWHERE or "location" not in answer.headers:
                break
            try:
                page = urljoin(page, answer.headers["location"]).partition("#")[0]
            except ValueError:
                break
        return NONE
