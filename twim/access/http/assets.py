"""The files of the pages. Our own pages use ``/asset/HASH/…``; pages of others that embed the client use ``/asset/…``.

`HASH` is computed from the content of the whole tree. So nothing below it ever changes, and browsers may keep it for a
year: on the next visit a page requests nothing but itself. A page of an older or newer version of the program asks
below another hash; it gets the current file, which browsers must not keep. Below the hash there are also a page's style
sheets joined into one, and its scripts joined into one (``joined/…``).

The files that a page names are joined and compressed before anybody asks for them. If a file changes on disk, as in a
checkout, the changed file is served: for each page `Assets.refresh` checks whether the tree has changed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from os.path import isfile
from pathlib import Path
from typing import Any, Final

from twisted.web import resource, static
from twisted.web.http import CACHED

from twim.access.http.modules import CannotJoin, join_modules
from twim.access.http.route import refuse
from twim.access.http.validators import RANGE, answered_by_copy, keep_readable
from twim.errors import Malformed, NotFound

try:
    import brotli
except ImportError:  # With it (`pip install twim[brotli]`) a tenth less is sent.
    brotli = None

SEGMENT: Final = re.compile(r"[A-Za-z0-9@_-][A-Za-z0-9@._ -]*")
HASH: Final = re.compile(r"[0-9a-f]{16}")
STYLES: Final = re.compile(r"joined/((?:[a-z0-9-]+,){0,15}[a-z0-9-]+)\.css")
SCRIPT: Final = re.compile(r"joined/((?:[a-z0-9_-]+/)*[a-z0-9_-]+\.js)")
HELD_BYTES: Final = 1024 * 1024  # a larger file is read from the disk for each request, and is not compressed
JOINED: Final = 64  # how many joined files are kept in memory; our pages have ten

REVALIDATE: Final = "no-cache"
"""For files that change with the program. A browser asks each time whether its copy is still good (304), so that the
modules of two versions never mix."""
ONE_DAY: Final = "public, max-age=86400"
FOR_EVER: Final = "public, max-age=31536000, immutable"

TYPES: Final[Mapping[str, tuple[str, str]]] = {
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
TEXTS: Final = frozenset({".js", ".css", ".json", ".html", ".txt", ".webmanifest", ".svg"})
"""The kinds of files that are worth compressing. They are held in memory."""


class Asset:
    """A text file as it is sent: its bytes, plain and compressed."""

    def __init__(self, name: str, content: bytes, modified: float) -> None:
        self.kind, self.caching = _type_of(name)
        self.content = content
        self.modified = modified
        self.tag = hashlib.sha256(content).hexdigest()[:16]

    @cached_property
    def encoded(self) -> Mapping[str, bytes]:
        """The bytes by the name of their encoding (RFC 9110, section 8.4.1), the best encoding first."""
        found = {}
        if brotli is not None:
            # 20 ms for the chat. Quality 9 would take 90 ms to save 3 %.
            found["br"] = brotli.compress(self.content, quality=5)
        found["gzip"] = gzip.compress(self.content, 9, mtime=0)
        found["identity"] = self.content
        return found


def _type_of(name: str) -> tuple[str, str]:
    return TYPES.get(posixpath.splitext(name)[1].lower(), UNKNOWN_TYPE)


class Assets:
    """All files below one folder. Its text files are held in memory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hash = ""
        self._seen: dict[str, tuple[int, int]] = {}
        self._texts: dict[str, Asset] = {}
        self._joined: dict[str, Asset] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read again the files that have changed on disk. This costs about 80 calls of stat if none has."""
        seen = dict(self._walk())
        if seen == self._seen:
            return
        for name in self._texts.keys() - seen.keys():
            del self._texts[name]
        for name, (modified, size) in seen.items():
            is_text = posixpath.splitext(name)[1].lower() in TEXTS
            if is_text and size <= HELD_BYTES and self._seen.get(name) != (modified, size):
                self._texts[name] = Asset(name, (self.root / name).read_bytes(), modified / 1e9)
        self._seen = seen
        self._joined = {}
        # A file that isn't held in memory counts by its time and size, so that it need not be read for the hash.
        marks = ((name, self._texts[name].tag if name in self._texts else mark) for name, mark in seen.items())
        self.hash = hashlib.sha256(repr(sorted(marks, key=str)).encode()).hexdigest()[:16]

    def _walk(self) -> Iterator[tuple[str, tuple[int, int]]]:
        for path in self.root.rglob("*"):
            name = path.relative_to(self.root).as_posix()
            if all(map(SEGMENT.fullmatch, name.split("/"))) and path.is_file():
                status = path.stat()
                yield name, (status.st_mtime_ns, status.st_size)

    def url(self, name: str) -> str:
        """The URL under which our pages find a file."""
        return f"/asset/{self.hash}/{name}"

    def styles(self, *names: str) -> str:
        """The URL of one style sheet that joins ``css/NAME.css`` of each name, in this order."""
        return self._made(f"joined/{','.join(names)}.css")

    def script(self, name: str) -> str:
        """The URL of one script that joins the module ``js/NAME`` with all modules that it imports."""
        return self._made(f"joined/{name}")

    def _made(self, name: str) -> str:
        """The URL of a joined file, which is joined and compressed now, before anybody asks for it."""
        asset = self.joined(name)
        if asset is not None:
            _ = asset.encoded
        return self.url(name)

    def text(self, name: str) -> Asset | None:
        """A text file by its path below the folder, as it is on disk now. None if there is none."""
        asset = self._texts.get(name)
        if asset is not None:
            try:
                status = (self.root / name).stat()
            except OSError:
                return None
            if (status.st_mtime_ns, status.st_size) != self._seen[name]:
                self.refresh()
                return self._texts.get(name)
        elif name not in self._seen and isfile(self.root / name):
            self.refresh()
            return self._texts.get(name)
        return asset

    def joined(self, name: str) -> Asset | None:
        """The joined file of that name (see `styles` and `script`). None if it can't be made."""
        asset = self._joined.get(name)
        if asset is None:
            joined = self._join(name)
            if joined is None:
                return None
            if len(self._joined) >= JOINED:
                self._joined.clear()
            modified = max(one.modified for one in self._texts.values())
            self._joined[name] = asset = Asset(name, joined.encode(), modified)
        return asset

    def _join(self, name: str) -> str | None:
        try:
            if styles := STYLES.fullmatch(name):
                return "\n".join(self._read(f"css/{one}.css") for one in styles[1].split(","))
            if script := SCRIPT.fullmatch(name):
                return join_modules(f"js/{script[1]}", self._read)
        except KeyError:
            return None
        except CannotJoin as error:
            # The script works without being joined, too, since its imports are resolved from where it lies.
            module = "../" * (name.count("/") + 1) + "js/" + name.partition("/")[2]
            return f'console.warn({json.dumps(str(error))});\nawait import("{module}");\n'
        return None

    def _read(self, name: str) -> str:
        return self._texts[name].content.decode("utf-8")


class AssetResource(resource.Resource):
    """Serves ``/asset/`` for GET and HEAD. Folders are never listed."""

    isLeaf = True

    def __init__(self, assets: Assets) -> None:
        resource.Resource.__init__(self)
        self._assets = assets

    def render(self, request: Any) -> Any:
        """The content of the file, or a refusal in the envelope."""
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"Allow", b"GET, HEAD")
            return refuse(request, Malformed("method not allowed", status=405))
        names = [segment.decode("utf-8", "replace") for segment in request.postpath]
        is_hashed = len(names) > 1 and HASH.fullmatch(names[0]) is not None
        lasts = is_hashed and names[0] == self._assets.hash
        name = "/".join(names[1:] if is_hashed else names)
        asset = self._find(name, is_hashed, request.getHeader(b"range") is not None)
        if asset is None:
            return refuse(request, NotFound("no such file"))
        kind, caching = (asset.kind, asset.caching) if isinstance(asset, Asset) else _type_of(name)
        if is_hashed:
            caching = FOR_EVER if lasts else REVALIDATE
        request.setHeader(b"Cache-Control", caching.encode())
        request.setHeader(b"X-Content-Type-Options", b"nosniff")
        return send_text(request, asset) if isinstance(asset, Asset) else _send_file(request, asset, kind)

    def _find(self, name: str, is_hashed: bool, asks_part: bool) -> Asset | Path | None:
        if is_hashed and name.startswith("joined/"):
            return self._assets.joined(name)
        if not all(map(SEGMENT.fullmatch, name.split("/"))):
            return None
        path = self._assets.root / name
        if asks_part and isfile(path):
            return path
        # os.path.isfile, not Path.is_file: the latter raises an error for a name that is too long.
        return self._assets.text(name) or (path if isfile(path) else None)


def send_text(request: Any, asset: Asset) -> bytes:
    """Send it in the best encoding that the client accepts."""
    request.setHeader(b"Vary", b"Accept-Encoding")
    encoding = choose_encoding(asset.encoded, request.getHeader(b"accept-encoding") or b"")
    if _is_copy_good(request, f'"{asset.tag}-{encoding}"', asset.modified):
        return b""
    request.setHeader(b"Content-Type", asset.kind.encode())
    if encoding != "identity":
        request.setHeader(b"Content-Encoding", encoding.encode())
    body = asset.encoded[encoding]
    request.setHeader(b"Content-Length", b"%d" % len(body))
    return b"" if request.method == b"HEAD" else body


def _send_file(request: Any, path: Path, kind: str) -> Any:
    status = path.stat()
    if _is_copy_good(request, f'"{status.st_mtime_ns:x}-{status.st_size:x}"', status.st_mtime):
        return b""
    asked = RANGE.fullmatch(request.getHeader(b"range") or b"")
    # "-5" asks for the last five bytes, and "-0" for none, which can't be satisfied.
    if asked is not None and (int(asked[1]) >= status.st_size if asked[1] else not int(asked[2] or 1)):
        request.setHeader(b"content-range", b"bytes */%d" % status.st_size)
        return refuse(request, Malformed("Range: the file ends before it", status=416))
    file: Any = static.File(str(path))
    file.type, file.encoding = kind, None
    return file.render_GET(request)


def _is_copy_good(request: Any, etag: str, modified: float) -> bool:
    """Whether the client's copy is still good, so that the answer is 304. That is decided by the tag or, if the client
    sent none, by the date (RFC 9110, section 13.1.3)."""
    request.setHeader(b"ETag", etag.encode())
    if answered_by_copy(request, etag.encode()):
        return True
    if request.getHeader(b"if-none-match"):
        request.requestHeaders.removeHeader(b"if-modified-since")
    keep_readable(request)
    return request.setLastModified(modified) is CACHED


def choose_encoding(offered: Mapping[str, bytes], accept: bytes) -> str:
    """The first encoding offered that the Accept-Encoding header `accept` allows (RFC 9110, section 12.5.3)."""
    taken = {}
    for part in accept[:1_000].decode("latin-1").lower().split(","):
        name, _, quality = part.partition(";")
        taken[name.strip()] = not re.fullmatch(r"\s*q=0(\.0*)?\s*", quality)
    for name in offered:
        if name != "identity" and taken.get(name, taken.get("*", False)):
            return name
    return "identity"
