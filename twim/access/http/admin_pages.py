"""Who gets the administrators' pages ``/admin/….shtml``: others are told so, and nobody may frame them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from twisted.web.server import Request

from twim.access.http.pages import PAGE_PATH
from twim.access.http.prefix import redirect
from twim.errors import NotFound
from twim.logic.roles import Roles

ADMIN: Final = "/admin/"
ADMIN_PAGE: Final = "/admin/overview.shtml"
REFUSED_PAGE: Final = "/admin/refused.shtml"


def forbid_frames(request: Request) -> None:
    """No page may show the answer in a frame, by the newer header and the older one."""
    request.setHeader(b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
    request.setHeader(b"x-frame-options", b"DENY")


class AdminPages:
    """Decides which page is shown."""

    def __init__(self, roles: Roles, login_page: str) -> None:
        self._roles = roles
        self._login_page = login_page

    async def shown(self, request: Request, where: str, user: Mapping[str, object] | None) -> str:
        """The page for who asks for `where`: that one, or the one that refuses; "" when the request is redirected to
        the log-in, which leads back. `NotFound` for what can be no page."""
        if not PAGE_PATH.fullmatch(where):
            raise NotFound("no such page")
        forbid_frames(request)
        if user is None:
            redirect(request, f"{self._login_page}?to={where}")
            request.setHeader(b"cache-control", b"no-store")
            return ""
        userid = user["id"]
        assert isinstance(userid, int)
        if await self._roles.is_administrator(userid):
            return where
        request.setResponseCode(403)
        return REFUSED_PAGE
