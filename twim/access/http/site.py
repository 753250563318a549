"""The tree of all paths, put together from the areas.

`Root` looks at the path first: the upgrade of ``/chat``, static files, and what has the exact path and method of a
route need no router. Everything else is Klein's.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from klein import Klein
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request
from werkzeug.exceptions import MethodNotAllowed

from twim.access.files.downloads import Downloads
from twim.access.files.uploads import Uploads
from twim.access.http.admin_pages import ADMIN, ADMIN_PAGE, AdminPages
from twim.access.http.assets import ONE_DAY, choose_encoding
from twim.access.http.authentication import Authenticator
from twim.access.http.chat import Chat
from twim.access.http.declared import data, passwd, text
from twim.access.http.descriptions import DOCUMENTS, Descriptions
from twim.access.http.fields import Fields, header, read_query
from twim.access.http.installable import MANIFEST, WORKER, Installable
from twim.access.http.pages import CHAT_PAGE, EMBED_PAGE, LOGIN_PAGE, NO_INVITATION, Pages, choose_language
from twim.access.http.prefix import prefix_of, redirect
from twim.access.http.registration_pages import RegistrationPages
from twim.access.http.request import BoundedRequests
from twim.access.http.rest import answers
from twim.access.http.rest.admin import Admin
from twim.access.http.rest.api.areas import Api
from twim.access.http.rest.api.bots import ApiBots
from twim.access.http.rest.api.groups import ApiGroups
from twim.access.http.rest.api.messages import ApiMessages
from twim.access.http.rest.api.users import ApiUsers
from twim.access.http.rest.api.webhooks import ApiWebhooks
from twim.access.http.rest.cluster import Operate
from twim.access.http.rest.contacts import Contacts
from twim.access.http.rest.entry import PATHS as ENTRY_PATHS
from twim.access.http.rest.entry import Entry
from twim.access.http.rest.health import Health
from twim.access.http.rest.hooks import IncomingHooks
from twim.access.http.rest.invites import Invites
from twim.access.http.rest.messages import Messages
from twim.access.http.rest.push import Push
from twim.access.http.rest.users import Users
from twim.access.http.route import answer_refusals, direct_routes, refuse, route
from twim.access.http.sites import Preflight, Sites
from twim.access.http.transport_security import TransportSecurity
from twim.access.websocket.admission import Admission
from twim.access.websocket.connection import ConnectionFactory
from twim.access.websocket.upgrade import ChatUpgrade
from twim.errors import NotFound, NotLoggedIn, NotYours, OtherUser
from twim.logic.files import Files
from twim.logic.live_settings import LiveSettings
from twim.logic.password_resets import PasswordResets
from twim.storage.accounts import AccountStore
from twim.wire import envelope

REGISTER_PAGE: Final = "/user/register.shtml"
INVITE_PAGE: Final = "/user/invite.shtml"
INVITES: Final = "/i/"
RESET_PAGE: Final = "/user/reset.shtml"
RESETS: Final = "/reset/"
SETTINGS: Final = "/settings"
READING: Final = ("GET", "POST")
ICON: Final = "/asset/icon.svg"
PAGE_METHODS: Final = ("GET", "HEAD")
NEW_PASSWD: Final = passwd()
RESET_CODE: Final = text("code", 200, least=1)
EMBED: Final = "/embed"
FRAMES: Final = ("iframe", "frame", "embed", "object")


class Rest:
    """The areas of REST, and the pages."""

    app = Klein()

    def __init__(
        self,
        authenticator: Authenticator,
        store: AccountStore,
        pages: Pages,
        users: Users,
        contacts: Contacts,
        messages: Messages,
        invites: Invites,
        uploads: Uploads,
        downloads: Downloads,
        settings: LiveSettings,
        registration_pages: RegistrationPages,
        admin: Admin,
        admin_pages: AdminPages,
        api: Api,
        resets: PasswordResets,
        files: Files,
        entry: Entry,
        push: Push,
    ) -> None:
        self._files = files
        self._push = push
        self._push_area = push.app.resource()
        self._installable = Installable(pages, settings)
        self._authenticator = authenticator
        self._store = store
        self._pages = pages
        self._settings = settings
        self._registration_pages = registration_pages
        self._admin = admin.app.resource()
        self._admin_pages = admin_pages
        self._api = api
        self._hooks = api.incoming_hooks.app.resource()
        self._resets = resets
        self._users = users.app.resource()
        self._entry = entry.app.resource()
        self._contacts = contacts.app.resource()
        self._messages = messages.app.resource()
        self._invites = invites.app.resource()
        self._uploads = uploads.app.resource()
        self._downloads = downloads.app.resource()
        areas = (
            *(("/user", users), ("/user", entry), ("/contact", contacts)),
            *(("/message", messages), ("/invite", invites), ("/push", push)),
        )
        self.direct: dict[tuple[bytes, bytes], Resource] = {}
        """Routes whose paths have no variable part, by method and path."""
        for prefix, area in areas:
            self.direct |= direct_routes(prefix, area)

    @app.route("/user/", branch=True)
    def users(self, request: Request) -> Any:
        """Accounts, and the pages beside them."""
        if request.path in ENTRY_PATHS:
            return self._entry
        return self._users if not request.path.endswith(b".shtml") else self.page(request)

    @app.route("/contact/", branch=True)
    def contacts(self, request: Request) -> IResource:
        """Friends and groups."""
        return self._contacts

    @app.route("/message/", branch=True)
    def messages(self, request: Request) -> IResource:
        """Conversations and messages."""
        return self._messages

    @app.route("/invite/", branch=True)
    def invites(self, request: Request) -> IResource:
        """Invitations."""
        return self._invites

    @app.route("/push/", branch=True)
    def push(self, request: Request) -> IResource:
        """Browsers that are told of messages while no page is open."""
        return self._push_area

    @app.route("/admin/api/", branch=True)
    def admin(self, request: Request) -> IResource:
        """What administrators do."""
        return self._admin

    @app.route("/api/v1/", branch=True)
    def api(self, request: Request) -> IResource:
        """What other programs do, which have a key."""
        return self._api.area(request)

    @app.route("/hook/", branch=True)
    def hooks(self, request: Request) -> IResource:
        """What other programs say in groups."""
        return self._hooks

    @app.route("/attach/", branch=True)
    def uploads(self, request: Request) -> IResource:
        """Uploads."""
        return self._uploads

    @app.route("/mnt/", branch=True)
    def downloads(self, request: Request) -> IResource:
        """Downloads."""
        return self._downloads

    @route(app, SETTINGS, *READING, takes=(), gives=data(answers.Settings), who="anybody")
    async def settings(self, request: Request, fields: Fields) -> bytes:
        """What a page has to know before anybody has logged in."""
        return envelope.ok(self._settings.public() | {"push": self._push.key})

    @app.route("/", methods=list(PAGE_METHODS))
    async def start(self, request: Request) -> bytes:
        """Redirects to the chat if the user is logged in, and to the log-in page otherwise."""
        user = await self._user(request)
        redirect(request, CHAT_PAGE if user else LOGIN_PAGE)
        return b""

    @app.route("/admin", methods=list(PAGE_METHODS))
    @app.route("/admin/", methods=list(PAGE_METHODS))
    def administration(self, request: Request) -> bytes:
        """Redirects to the first of the administrators' pages."""
        redirect(request, ADMIN_PAGE)
        return b""

    @app.route("/favicon.ico", methods=list(PAGE_METHODS))
    def favicon(self, request: Request) -> bytes:
        """Redirects to the icon, for clients that don't learn its address from a page."""
        redirect(request, ICON)
        request.setHeader(b"cache-control", ONE_DAY.encode())
        return b""

    @app.route(MANIFEST, methods=list(PAGE_METHODS))
    def manifest(self, request: Request) -> bytes:
        """What a browser has to know to install the chat as an app."""
        return self._installable.manifest(request)

    @app.route(WORKER, methods=list(PAGE_METHODS))
    def worker(self, request: Request) -> bytes:
        """The browser's part that shows what is pushed."""
        return self._installable.worker(request)

    @app.route(EMBED, methods=list(PAGE_METHODS))
    def embed(self, request: Request) -> bytes:
        """The page in the frame of a listed site. It is the same for everybody, since no cookie is read for it: its
        user is the one whose token the page around it has."""
        if not self._authenticator.sites.origins:
            raise NotFound("no such page")
        lang = choose_language(read_query(request).text("lang", 20), header(request, "accept-language"))
        return self._finished(request, EMBED_PAGE, self._pages.render(EMBED_PAGE, lang, None, base=prefix_of(request)))

    @app.route("/i/<code>", methods=list(PAGE_METHODS))
    async def invitation(self, request: Request, code: str) -> bytes:
        """The page of an invitation: 404 for one that is not good. Asking for it uses nothing up."""
        try:
            registration: Mapping[str, object] = await self._registration_pages.invitation(code)
        except NotFound:
            registration = NO_INVITATION
            request.setResponseCode(404)
        return await self._rendered_of_code(request, INVITE_PAGE, registration)

    @app.route("/reset/<code>", methods=list(PAGE_METHODS))
    async def reset(self, request: Request, code: str) -> bytes:
        """The page that sets a new password: 404 by a link that is not good. Asking for it uses nothing up."""
        try:
            await self._resets.check(code)
        except NotFound:
            code = ""
            request.setResponseCode(404)
        return await self._rendered_of_code(request, RESET_PAGE, {**NO_INVITATION, "code": code})

    @route(app, "/reset/<code>", takes=(RESET_CODE, NEW_PASSWD), who="anybody")
    async def set_passwd(self, request: Request, fields: Fields) -> bytes:
        """Sets a new password, once."""
        request.setHeader(b"referrer-policy", b"no-referrer")
        code = request.path.rpartition(b"/")[2].decode("ascii", "replace")
        await self._resets.use(code, fields[NEW_PASSWD])
        return envelope.ok()

    @app.route("/<path:path>")
    async def page(self, request: Request, path: str = "") -> bytes:
        """A template, by its path."""
        where = request.path.decode("utf-8", "replace")
        if request.method not in (b"GET", b"HEAD") and where.endswith(".shtml"):
            raise MethodNotAllowed(PAGE_METHODS)
        if where.startswith(INVITES):  # as the next ones
            raise MethodNotAllowed(PAGE_METHODS)
        if where.startswith(RESETS):
            raise MethodNotAllowed((*PAGE_METHODS, "POST"))
        if where == SETTINGS:  # by a method of which it isn't a route
            raise MethodNotAllowed(READING)
        if where.startswith(ADMIN):
            shown = await self._admin_pages.shown(request, where, await self._user(request))
            return await self._rendered(request, shown, NO_INVITATION) if shown else b""
        if where == EMBED_PAGE:  # whose path is EMBED
            raise NotFound("no such page")
        if where == CHAT_PAGE and self._authenticator.sites.origins and header(request, "sec-fetch-dest") in FRAMES:
            redirect(request, EMBED)  # a frame never has the cookie's user
            return b""
        is_registration = where == REGISTER_PAGE
        registration = (
            await self._registration_pages.registration(request, read_query(request))
            if is_registration
            else NO_INVITATION
        )
        return await self._rendered(request, where, registration)

    async def _rendered_of_code(self, request: Request, where: str, registration: Mapping[str, object]) -> bytes:
        page = await self._rendered(request, where, registration)
        # The code in the address must not be told to sites that the page leads to.
        request.setHeader(b"referrer-policy", b"no-referrer")
        return page

    async def _rendered(self, request: Request, where: str, registration: Mapping[str, object]) -> bytes:
        user = await self._user(request)
        lang = choose_language(
            (request.getCookie(b"lang") or b"").decode("ascii", "replace"), header(request, "accept-language")
        )
        return self._finished(request, where, self._pages.render(where, lang, user, registration, prefix_of(request)))

    def _finished(self, request: Request, where: str, page: bytes) -> bytes:
        for name, value in self._pages.headers_of(where).items():
            request.setHeader(name, value)
        return _compressed(request, page)

    async def _user(self, request: Request) -> dict[str, object] | None:
        try:
            # A page is asked for by its query: a body says nothing, of whatever type it is.
            who = await self._authenticator.caller(request, read_query(request))
        except (NotLoggedIn, NotYours, OtherUser):
            return None
        found = await self._store.by_id(who.userid)
        if found is None:
            return None
        return found[0].own() | {"avatar": self._files.urls.sign(found[0].avatar)}


def _compressed(request: Request, page: bytes) -> bytes:
    # Lightly, since each is made for its reader. Nothing secret stands in a page beside what its reader sent.
    if choose_encoding({"gzip": b""}, request.getHeader(b"accept-encoding") or b"") != "gzip":
        return page
    request.setHeader(b"content-encoding", b"gzip")
    return gzip.compress(page, 3, mtime=0)


AREAS: Final = (
    *(("", Rest), ("", Operate), ("", Health), ("", Descriptions)),
    *(("/user", Users), ("/user", Entry), ("/contact", Contacts), ("/message", Messages), ("/invite", Invites)),
    *(("/attach", Uploads), ("/mnt", Downloads), ("/push", Push), ("/admin/api", Admin), ("/hook", IncomingHooks)),
    *(("/api/v1", ApiUsers), ("/api/v1", ApiGroups), ("/api/v1", ApiMessages)),
    *(("/api/v1", ApiWebhooks), ("/api/v1", ApiBots)),
)
"""All that has routes, and below which path they are."""

for _, _area in AREAS:
    answer_refusals(_area.app)


class Root(Resource):
    """Decides by the path what handles a request."""

    def __init__(
        self,
        chat: Chat,
        assets: Resource,
        rest: Rest,
        operate: Operate,
        health: Health,
        security: TransportSecurity,
        sites: Sites,
        version: str,
    ) -> None:
        super().__init__()
        self._descriptions = Descriptions(AREAS, version).app.resource()
        self._chat = chat
        self._assets = assets
        self._rest = rest.app.resource()
        self._direct = rest.direct
        self._operate = operate.app.resource()
        self._health = health.app.resource()
        self._security = security
        self._sites = sites

    def getChildWithDefault(self, path: bytes, request: Request) -> IResource:
        """twisted.web calls this with the first segment of the path."""
        self._security.apply(request)
        direct = self._direct.get((request.method, request.path))
        if direct is not None:
            return direct
        if not _is_text(request):
            return Nothing()
        if self._sites.is_preflight(request):
            return Preflight()
        if path == b"chat" and not request.postpath:
            return self._chat
        if path == b"asset":
            return self._assets
        if path == b"embed.js" and not request.postpath and self._sites.origins:
            request.postpath = [b"js", b"embed.js"]
            return self._assets
        rest: list[bytes] = request.postpath or []
        # Klein looks at the whole path.
        request.postpath = [path, *rest]
        request.prepath = []
        if path == b"health" or (path == b"metrics" and not rest):
            return self._health
        if path in DOCUMENTS and not rest:
            return self._descriptions
        return self._operate if path == b"cluster" and not rest else self._rest


class Nothing(Resource):
    """Answers for a path that is no UTF-8, for which Klein's answer would have no envelope."""

    isLeaf = True

    def render(self, request: Request) -> bytes:
        """Answers that there is no such path (404)."""
        return refuse(request, NotFound("no such path"))


def _is_text(request: Request) -> bool:
    try:
        unquote_to_bytes(request.path).decode()
    except UnicodeDecodeError:
        return False
    return True


def make_site(
    root: Root,
    requests: BoundedRequests,
    authenticator: Authenticator,
    admission: Admission,
    upgrade: ChatUpgrade,
    reactor: Any,
) -> ConnectionFactory:
    """The factory to listen with."""
    site = ConnectionFactory(root, authenticator, admission, upgrade, reactor, requests.prefixes.own)
    made: Any = requests.request
    site.requestFactory = made
    site.displayTracebacks = False
    # An access log line a request would cost more than most requests; nginx writes one where it is wanted.
    site.log = lambda request: None  # type: ignore[method-assign]
    return site
