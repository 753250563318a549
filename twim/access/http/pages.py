"""The pages a browser gets, and the files they are made of.

Every template ``views/a/b.html`` is the page ``/a/b.shtml``; none is named in code. A name that starts with
``_`` is a part of other pages and no page itself. The words stand in ``asset/i18n/LANGUAGE.json``, one flat
dictionary a language, which the browser's modules read too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import jinja2

from twim.access.http.assets import Assets
from twim.errors import NotFound

DEFAULT_LANGUAGE: Final = "en"
LANGUAGES: Final = ("zh", "en")
ACCEPT_BOUND: Final = 1_000
"""Characters of an Accept-Language header that are looked at; browsers send fewer than 200."""

NO_INVITATION: Final[Mapping[str, Any]] = {
    "signup": "off",
    "first": False,
    "setup": "",
    "code": "",
    "group": "",
    "name": "",
    "registers": False,
    "waits": False,
}
"""How one comes in, as the pages are told: `signup` is the setting; `first` that the first administrator may register,
by the code `setup` where there is one. Of an invitation that is good: its `code`, the name of its `group` ("" for the
server, whose `name` is told), whether one `registers` by it and then `waits` for an approval."""

ADMIN_PAGES: Final = "admin/"
ADMIN_WORDS: Final = "admin."
"""Only the administrators' pages say these words; the others carry none of them."""

LOGIN_PAGE: Final = "/user/login.shtml"
CHAT_PAGE: Final = "/chat/index.shtml"
KEPT_PAGE: Final = "/chat/kept.shtml"
"""The chat page without a user, which a browser keeps to open the chat without a network."""
EMBED_PAGE: Final = "/embed.shtml"
FRAMED: Final = (CHAT_PAGE, EMBED_PAGE)
"""The pages that listed sites may show in a frame."""
NOBODY: Final = "'none'"

PAGE_PATH: Final = re.compile(r"/((?:[A-Za-z0-9][A-Za-z0-9_-]*/)*[A-Za-z0-9][A-Za-z0-9_-]*)\.shtml")
"""No dot and no leading underscore in any segment: neither ``..`` nor a partial can be asked for."""


def choose_language(cookie: str | None, accept: str | None) -> str:
    """The language of a page: the cookie ``lang`` if it names one we have, else the best one of an
    Accept-Language header (RFC 9110, 12.5.4), else `DEFAULT_LANGUAGE`.
    """
    if cookie in LANGUAGES:
        return cookie
    ranked = sorted(_accepted((accept or "")[:ACCEPT_BOUND]), key=lambda item: -item[1])
    return next((name for name, quality in ranked if quality > 0), DEFAULT_LANGUAGE)


def _accepted(header: str) -> list[tuple[str, float]]:
    found = []
    for part in header.split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES:
            found.append((language, _quality(parameter)))
    return found


def _quality(parameter: str) -> float:
    match = re.fullmatch(r"\s*q=([01](?:\.\d{1,3})?)\s*", parameter)
    return float(match[1]) if match else float(not parameter)


class Pages:
    """The templates under `views` and the files under `asset`.

    `file_origins` are other sites (``http://files.lan:9000``) that have the pictures, voice and video: an object
    store reached without TLS must be named, as the pages otherwise allow only this site and https. With `direct`
    the pages send uploads there too, by ``/attach/presign``. `sites` are the origins of sites that may show the pages
    `FRAMED` in a frame. `provider` is the name of where people may log in instead of here, or "". With
    `previews` the chat page asks for previews of links.
    """

    def __init__(
        self,
        views: Path,
        asset: Path,
        *,
        file_origins: Sequence[str] = (),
        direct: bool = False,
        sites: Collection[str] = (),
        provider: str = "",
        previews: bool = False,
    ) -> None:
        self.assets = Assets(asset)
        self._words = {name: read_words(asset, name) for name in LANGUAGES}
        self._without_admin = {name: _without(ADMIN_WORDS, words) for name, words in self._words.items()}
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(views), autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._direct = direct
        self._previews = previews
        self._provider = provider
        self.headers: Final = page_headers(file_origins)
        self._sites = " ".join(sorted(sites))
        self._framed = page_headers(file_origins, self._sites or NOBODY)
        self._files = " ".join(file_origins)
        self._prepare()

    def _prepare(self) -> None:
        """Have what the pages name joined and compressed before the first one is asked for."""
        for name in self._templates.list_templates(extensions=["html"]):
            # A page that must know who asks, or lacks something, says so when it is asked for.
            with suppress(jinja2.TemplateError, NotFound):
                self._rendered(name, DEFAULT_LANGUAGE, None, NO_INVITATION)

    def words(self, lang: str, beginnings: tuple[str, ...]) -> dict[str, str]:
        """The words of a language whose keys begin with one of these."""
        return {key: said for key, said in self._words[lang].items() if key.startswith(beginnings)}

    def headers_of(self, path: str) -> dict[str, str]:
        """The headers of the page at `path`."""
        return self._framed if path in FRAMED else self.headers

    def render(
        self,
        path: str,
        lang: str,
        user: Mapping[str, Any] | None,
        registration: Mapping[str, Any] = NO_INVITATION,
        base: str = "",
    ) -> bytes:
        """The page at `path` (``/user/login.shtml``) in UTF-8, to be sent with `headers_of(path)`.

        `user` is the caller as the contract shows a user to itself, or None; `registration` says how one comes in, with
        the keys of `NO_INVITATION`; `base` stands before every path that the page leads to. Raises `NotFound`.
        """
        match = PAGE_PATH.fullmatch(path)
        if match is None:
            raise NotFound("no such page")
        self.assets.refresh()
        return self._rendered(f"{match[1]}.html", lang, user, registration, base)

    def _rendered(
        self,
        name: str,
        lang: str,
        user: Mapping[str, Any] | None,
        registration: Mapping[str, Any],
        base: str = "",
    ) -> bytes:
        try:
            template = self._templates.get_template(name)
        except jinja2.TemplateNotFound as e:
            raise NotFound("no such page") from e
        all_words = self._words if name.startswith(ADMIN_PAGES) else self._without_admin
        words = all_words.get(lang, all_words[DEFAULT_LANGUAGE])
        page = template.render(
            t=words.__getitem__,
            words=words,
            lang=lang,
            languages=LANGUAGES,
            user=user,
            registration=registration,
            direct=self._direct,
            previews=self._previews,
            base=base,
            asset=lambda name: base + self.assets.url(name),
            styles=lambda *names: base + self.assets.styles(*names),
            script=lambda name: base + self.assets.script(name),
            files=self._files,
            sites=self._sites,
            provider=self._provider,
        )
        return page.encode("utf-8")


def read_words(asset: Path, lang: str) -> dict[str, str]:
    """The dictionary ``asset/i18n/LANG.json``: from the key in the code to the words on the page."""
    words: dict[str, str] = json.loads((asset / "i18n" / f"{lang}.json").read_text("utf-8"))
    return words


def _without(beginning: str, words: Mapping[str, str]) -> dict[str, str]:
    return {key: said for key, said in words.items() if not key.startswith(beginning)}


def page_headers(file_origins: Sequence[str], framed_by: str = NOBODY) -> dict[str, str]:
    """The headers of a page, which the sites `framed_by` may frame. Scripts are our files alone: text that slips into
    the HTML can't run."""
    media = " ".join(["'self'", "blob:", "https:", *file_origins])
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"{media} data:",  # the icon with a count: a blob would be gone with its page, before it is loaded
        "media-src": media,
        "connect-src": " ".join(["'self'", "ws:", "wss:", *file_origins]),
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": framed_by,
    }
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
        "Cache-Control": "no-store",
        "Vary": "Cookie, Accept-Language, Accept-Encoding",
    }
