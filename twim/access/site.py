"""The web side of the door: one tree of paths, put together from the areas.

`Root` looks at the path first: the upgrade of ``/chat`` and static files need no router. Everything else is Klein's.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from klein import Klein
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request
from werkzeug.exceptions import MethodNotAllowed

from twim.access.contacts import Contacts
from twim.access.door import Door, answer_refusals, check_own, refuse, refuse_bug, refuse_http
from twim.access.downloads import Downloads
from twim.access.entrance import Entrance
from twim.access.fields import header, read_query
from twim.access.intake import Intake
from twim.access.lobby import Lobby
from twim.access.messages import Messages
from twim.access.operate import Operate
from twim.access.pages import ONE_DAY, Pages, choose_language
from twim.access.uploads import Uploads
from twim.access.users import Users
from twim.access.websocket import ChatUpgrade
from twim.errors import Malformed, NotFound, NotLoggedIn, NotYours, Refusal
from twim.storage.accounts import Accounts as AccountStore

CHAT_PAGE: Final = "/chat/index.shtml"
LOGIN_PAGE: Final = "/user/login.shtml"
ICON: Final = "/asset/icon.svg"
PAGE_METHODS: Final = ("GET", "HEAD")
SOCKET_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{22}==")  # as Autobahn takes it: the last 4 bits may be anything


class Rest:
    """The areas of REST, and the pages."""

    app = Klein()

    def __init__(
        self,
        door: Door,
        store: AccountStore,
        pages: Pages,
        users: Users,
        contacts: Contacts,
        messages: Messages,
        uploads: Uploads,
        downloads: Downloads,
    ) -> None:
        self._door = door
        self._store = store
        self._pages = pages
        self._users = users.app.resource()
        self._contacts = contacts.app.resource()
        self._messages = messages.app.resource()
        self._uploads = uploads.app.resource()
        self._downloads = downloads.app.resource()

    @app.route("/user/", branch=True)
    def users(self, request: Request) -> Any:
        """Accounts, and the pages beside them."""
        return self._users if not request.path.endswith(b".shtml") else self.page(request)

    @app.route("/contact/", branch=True)
    def contacts(self, request: Request) -> IResource:
        """Friends and groups."""
        return self._contacts

    @app.route("/message/", branch=True)
    def messages(self, request: Request) -> IResource:
        """The log."""
        return self._messages

    @app.route("/attach/", branch=True)
    def uploads(self, request: Request) -> IResource:
        """Files coming in."""
        return self._uploads

    @app.route("/mnt/", branch=True)
    def downloads(self, request: Request) -> IResource:
        """Files going out."""
        return self._downloads

    @app.route("/", methods=list(PAGE_METHODS))
    async def start(self, request: Request) -> bytes:
        """To the chat when logged in, else to the log-in."""
        user = await self._user(request)
        request.redirect(CHAT_PAGE.encode() if user else LOGIN_PAGE.encode())
        return b""

    @app.route("/favicon.ico", methods=list(PAGE_METHODS))
    def favicon(self, request: Request) -> bytes:
        """To the icon, for whoever doesn't ask a page where it is."""
        request.redirect(ICON.encode())
        request.setHeader(b"cache-control", ONE_DAY.encode())
        return b""

    @app.route("/<path:path>")
    async def page(self, request: Request, path: str = "") -> bytes:
        """A template, by its path."""
        where = request.path.decode("utf-8", "replace")
        if request.method not in (b"GET", b"HEAD") and where.endswith(".shtml"):
            raise MethodNotAllowed(PAGE_METHODS)
        user = await self._user(request)
        lang = choose_language(
            (request.getCookie(b"lang") or b"").decode("ascii", "replace"), header(request, "accept-language")
        )
        page = self._pages.render(where, lang, user)
        for name, value in self._pages.headers.items():
            request.setHeader(name, value)
        return page

    async def _user(self, request: Request) -> dict[str, object] | None:
        try:
            # A page is asked for by its query: a body says nothing, of whatever type it is.
            who = await self._door.caller(request, read_query(request))
        except (NotLoggedIn, NotYours):
            return None
        found = await self._store.by_id(who.userid)
        return found[0].own() if found is not None else None


for _area in (Rest.app, Operate.app, Users.app, Contacts.app, Messages.app, Uploads.app, Downloads.app):
    answer_refusals(_area)


class Chat(Resource):
    """The upgrade to a WebSocket on ``/chat``, of those whom the `Entrance` doesn't let in by itself. Who may not enter
    is told so in HTTP."""

    isLeaf = True

    def __init__(self, door: Door, lobby: Lobby, upgrade: ChatUpgrade) -> None:
        super().__init__()
        self._door = door
        self._lobby = lobby
        self._upgrade = upgrade

    def render(self, request: Request) -> bytes | int:
        """Admit, then hand the connection over."""
        if request.method != b"GET":
            return refuse_http(request, MethodNotAllowed(("GET",)))
        entering = Deferred.fromCoroutine(self._enter(request))
        request.notifyFinish().addErrback(lambda _: entering.cancel())
        entering.addErrback(self._refuse, request)
        return NOT_DONE_YET

    async def _enter(self, request: Request) -> None:
        fields = read_query(request)
        admitted = await self._lobby.admit(self._door.token_of(request, fields, upgrade=True))
        check_own(fields, admitted.who.userid, "id")
        _check_handshake(request)
        self._upgrade.hand_over(request, admitted)

    def _refuse(self, failure: Failure, request: Request) -> None:
        if failure.check(CancelledError) or request._disconnected:
            return
        why = failure.value
        request.write(refuse(request, why) if isinstance(why, Refusal) else refuse_bug(request, failure))
        request.finish()


def _check_handshake(request: Request) -> None:
    """`Malformed` when a request asks for no WebSocket, for another version of it, or has no key (RFC 6455, section
    4.2). Autobahn refuses the same, but without our envelope. It keeps what a client hardly ever gets wrong."""
    if header(request, "upgrade").lower() != "websocket":
        raise Malformed("a WebSocket, please")
    if header(request, "sec-websocket-version") != "13":
        # What would do is said in headers too: RFC 6455, section 4.4, and RFC 9110, section 15.5.22.
        request.setHeader(b"sec-websocket-version", b"13")
        request.setHeader(b"upgrade", b"websocket")
        request.responseHeaders.addRawHeader(b"connection", b"Upgrade")
        raise Malformed("Sec-WebSocket-Version: 13, please", status=426)
    keys = request.requestHeaders.getRawHeaders(b"sec-websocket-key", [])
    if len(keys) != 1 or not SOCKET_KEY.fullmatch(keys[0]):
        raise Malformed("Sec-WebSocket-Key: 16 bytes in base64, please")


class Root(Resource):
    """The first look at a path."""

    def __init__(self, chat: Chat, assets: Resource, rest: Rest, operate: Operate) -> None:
        super().__init__()
        self._chat = chat
        self._assets = assets
        self._rest = rest.app.resource()
        self._operate = operate.app.resource()

    def getChildWithDefault(self, path: bytes, request: Request) -> IResource:
        """Twisted's hook, called with the path's first segment."""
        if not _is_text(request):
            return Nothing()
        if path == b"chat" and not request.postpath:
            return self._chat
        if path == b"asset":
            return self._assets
        rest: list[bytes] = request.postpath or []
        operates = path in (b"cluster", b"metrics") and not rest
        # Klein looks at the whole path.
        request.postpath = [path, *rest]
        request.prepath = []
        return self._operate if operates else self._rest


class Nothing(Resource):
    """What is asked for by bytes that are no text: Klein's answer to it has no envelope."""

    isLeaf = True

    def render(self, request: Request) -> bytes:
        """404."""
        return refuse(request, NotFound("no such path"))


def _is_text(request: Request) -> bool:
    try:
        unquote_to_bytes(request.path).decode()
        (request.getHeader(b"host") or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def make_site(root: Root, intake: Intake, door: Door, lobby: Lobby, upgrade: ChatUpgrade, reactor: Any) -> Entrance:
    """The factory to listen with."""
    site = Entrance(root, door, lobby, upgrade, reactor)
    made: Any = intake.request
    site.requestFactory = made
    site.displayTracebacks = False
    # An access log line a request would cost more than most requests; nginx writes one where it is wanted.
    site.log = lambda request: None  # type: ignore[method-assign]
    return site
