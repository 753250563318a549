"""The pages a browser gets, and the files they are made of.

Every template ``views/a/b.html`` is the page ``/a/b.shtml``; none is named in code. A name that starts with
``_`` is a part of other pages and no page itself. The words stand in ``asset/i18n/LANGUAGE.json``, one flat
dictionary a language, which the browser's modules read too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jinja2
from twisted.web import resource, static

from twim.access.door import refuse
from twim.access.validators import answered_by_copy
from twim.errors import Malformed, NotFound

DEFAULT_LANGUAGE: Final = "en"
LANGUAGES: Final = ("zh", "en")
ACCEPT_BOUND: Final = 1_000
"""Characters of an Accept-Language header that are looked at; browsers send fewer than 200."""

PAGE_PATH: Final = re.compile(r"/((?:[A-Za-z0-9][A-Za-z0-9_-]*/)*[A-Za-z0-9][A-Za-z0-9_-]*)\.shtml")
"""No dot and no leading underscore in any segment: neither ``..`` nor a partial can be asked for."""

ASSET_SEGMENT: Final = re.compile(r"[A-Za-z0-9@_-][A-Za-z0-9@._ -]*")

REVALIDATE: Final = "no-cache"
"""For what changes with the program: used only after a 304, so the modules of two versions never mix."""
ONE_DAY: Final = "public, max-age=86400"

ASSET_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    ".js": ("text/javascript; charset=utf-8", REVALIDATE),
    ".css": ("text/css; charset=utf-8", REVALIDATE),
    ".json": ("application/json; charset=utf-8", REVALIDATE),
    ".html": ("text/html; charset=utf-8", REVALIDATE),
    ".txt": ("text/plain; charset=utf-8", REVALIDATE),
    ".webmanifest": ("application/manifest+json", REVALIDATE),
    ".svg": ("image/svg+xml", ONE_DAY),
    ".png": ("image/png", ONE_DAY),
    ".jpg": ("image/jpeg", ONE_DAY),
    ".gif": ("image/gif", ONE_DAY),
    ".webp": ("image/webp", ONE_DAY),
    ".ico": ("image/x-icon", ONE_DAY),
    ".mp3": ("audio/mpeg", ONE_DAY),
    ".woff2": ("font/woff2", ONE_DAY),
}
UNKNOWN_TYPE: Final = ("application/octet-stream", REVALIDATE)


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
    the pages send uploads there too, by ``/attach/presign``.
    """

    def __init__(self, views: Path, asset: Path, *, file_origins: Sequence[str] = (), direct: bool = False) -> None:
        self._asset = asset
        self._words = {name: read_words(asset, name) for name in LANGUAGES}
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(views), autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._direct = direct
        self._modules = sorted(file.relative_to(asset).as_posix() for file in (asset / "js").rglob("*.js"))
        self.headers: Final = page_headers(file_origins)

    def render(self, path: str, lang: str, user: Mapping[str, Any] | None) -> bytes:
        """The page at `path` (``/user/login.shtml``) in UTF-8, to be sent with `headers`.

        `user` is the caller as the contract shows a user to itself, or None. Raises `NotFound`.
        """
        match = PAGE_PATH.fullmatch(path)
        if match is None:
            raise NotFound("no such page")
        try:
            template = self._templates.get_template(match[1] + ".html")
        except jinja2.TemplateNotFound as e:
            raise NotFound("no such page") from e
        words = self._words.get(lang, self._words[DEFAULT_LANGUAGE])
        page = template.render(
            t=words.__getitem__,
            lang=lang,
            languages=LANGUAGES,
            user=user,
            direct=self._direct,
            modules=self._modules,
        )
        return page.encode("utf-8")

    def asset_resource(self) -> resource.Resource:
        """What serves ``/asset/``."""
        return AssetResource(self._asset)


def read_words(asset: Path, lang: str) -> dict[str, str]:
    """The dictionary ``asset/i18n/LANG.json``: from the key in the code to the words on the page."""
    words: dict[str, str] = json.loads((asset / "i18n" / f"{lang}.json").read_text("utf-8"))
    return words


def page_headers(file_origins: Sequence[str]) -> dict[str, str]:
    """The headers of every page. Scripts are our files alone: text that slips into the HTML can't run."""
    media = " ".join(["'self'", "blob:", "https:", *file_origins])
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": media,
        "media-src": media,
        "connect-src": " ".join(["'self'", "ws:", "wss:", *file_origins]),
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
        "Cache-Control": "no-store",
        "Vary": "Cookie, Accept-Language",
    }


class AssetResource(resource.Resource):
    """Files below one folder, by GET and HEAD, with validators. Folders are never listed."""

    isLeaf = True

    def __init__(self, root: Path) -> None:
        resource.Resource.__init__(self)
        self._root = root

    def render(self, request: Any) -> Any:
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"Allow", b"GET, HEAD")
            return refuse(request, Malformed("method not allowed", status=405))
        found = self._find(request.postpath)
        return self._send(request, found) if found else refuse(request, NotFound("no such file"))

    def _find(self, segments: Sequence[bytes]) -> Path | None:
        names = [segment.decode("utf-8", "replace") for segment in segments]
        if not all(ASSET_SEGMENT.fullmatch(name) for name in names):
            return None
        path = self._root.joinpath(*names)
        return path if path.is_file() else None

    def _send(self, request: Any, path: Path) -> Any:
        kind, caching = ASSET_TYPES.get(path.suffix.lower(), UNKNOWN_TYPE)
        request.setHeader(b"Cache-Control", caching.encode())
        request.setHeader(b"X-Content-Type-Options", b"nosniff")
        status = path.stat()
        etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'.encode()
        request.setHeader(b"ETag", etag)
        if answered_by_copy(request, etag):
            return b""
        # RFC 9110, 13.1.3: with If-None-Match the date is not looked at.
        if request.getHeader(b"if-none-match"):
            request.requestHeaders.removeHeader(b"if-modified-since")
        file: Any = static.File(str(path))
        file.type, file.encoding = kind, None
        return file.render_GET(request)
