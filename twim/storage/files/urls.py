"""The URLs of stored files: plain as they are stored, signed as clients get them.

A signature covers one file's name and when it expires, and is a MAC of both (HMAC-SHA256, cut to 128 bits) by the key
that all nodes share. So it is checked without a query. It expires when the day after the next one begins (UTC): it is
the same for every reader, and good for 24 to 48 hours. Where browsers fetch files from the object store itself, its own
presigned URLs take the place of ours.

Bodies are signed as the bytes that they are. The name of a field is found in JSON by the quotation marks around it,
which in any text would have a backslash before them; so nothing that a user wrote is taken for one.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from twim.storage.files.interface import NAME, FileStore, stem_of

DAY: Final = 86_400
LONGEST: Final = 2 * DAY
"""Seconds for which a signed URL is good at most."""
SIGNATURE_BYTES: Final = 16
KEPT: Final = 20_000  # signed URLs that are kept for the day, about 300 bytes each
OWN: Final = "/mnt/"
"""Where every node has the files, whatever store they are in."""

EXPIRES: Final = "e"
SIGNATURE: Final = "s"
"""Fields of the query: the second in which the URL expires, since 1970, and the signature."""

_NAME: Final = NAME.pattern
_FIELDS: Final = rb'((?:"(?:url|pic|avatar|icon)"|"media":23,"content":"icon","memo"):")'
_ABROAD: Final = re.compile(rf"(?:https?://[^/?#\s]+)?(?:/[\w.-]+)*{OWN}({_NAME})\?([^#]*)(?:#.*)?")


class FileUrls:
    """Signs the URLs of the files of `store`, and makes them plain. `seconds` is the time since 1970. If the files are
    `public`, nothing is signed and every URL is good."""

    def __init__(self, store: FileStore, key: bytes, seconds: Callable[[], float], public: bool = False) -> None:
        self.public = public
        self._store = store
        self._key = key
        self._seconds = seconds
        self._own = store.url("")
        prefixes = list(dict.fromkeys((OWN, self._own)))
        ours = "|".join(map(re.escape, prefixes))
        self._plain = re.compile(rf"({ours})({_NAME})")
        self._ours = re.compile(rf"({ours})({_NAME})(?:[?#].*)?", re.DOTALL)
        self._marks = () if public else tuple(prefix.encode() for prefix in prefixes)
        self._in_body = re.compile(rb'%b(%b)(%b)(?=")' % (_FIELDS, ours.encode(), _NAME.encode()))
        self._signed: dict[str, str] = {}
        self._day = -1

    @property
    def is_checked_elsewhere(self) -> bool:
        """Whether files are fetched from another server, which must check our signature."""
        is_own = self._own == OWN or self._store.presigned("", datetime.fromtimestamp(0, UTC), 1) is not None
        return not (self.public or is_own)

    # Signing

    def sign(self, url: str) -> str:
        """`url` as a client gets it, if it is the plain URL of a file of ours; any other stays as it is."""
        found = None if self.public else self._plain.fullmatch(url)
        return self._sign(found[1], found[2]) if found else url

    def sign_body(self, body: bytes) -> bytes:
        """JSON whose files are signed: the pictures of messages, users and groups in it."""
        for mark in self._marks:
            if mark in body:
                return self._in_body.sub(self._sign_found, body)
        return body

    def _sign_found(self, found: re.Match[bytes]) -> bytes:
        return found[1] + self._sign(found[2].decode(), found[3].decode()).encode()

    def _sign(self, prefix: str, name: str) -> str:
        day = int(self._seconds() // DAY)
        if day != self._day or len(self._signed) >= KEPT:
            self._signed, self._day = {}, day
        url = prefix + name
        signed = self._signed.get(url)
        if signed is None:
            signed = self._signed[url] = self._signed_on(day, prefix, name)
        return signed

    def _signed_on(self, day: int, prefix: str, name: str) -> str:
        if prefix == self._own and (
            presigned := self._store.presigned(name, datetime.fromtimestamp(day * DAY, UTC), LONGEST)
        ):
            return presigned
        expires = day * DAY + LONGEST
        return f"{prefix}{name}?{EXPIRES}={expires}&{SIGNATURE}={self._signature(name, str(expires))}"

    def _signature(self, name: str, expires: str) -> str:
        mac = hmac.digest(self._key, f"{name}\n{expires}".encode(), "sha256")
        return urlsafe_b64encode(mac[:SIGNATURE_BYTES]).rstrip(b"=").decode()

    # Checking

    def opens(self, name: str, query: str) -> bool:
        """Whether a URL of the file `name` with this query is good now."""
        if self.public:
            return True
        expires = self._expires(name, query)
        return expires is not None and self._seconds() < expires

    def _expires(self, name: str, query: str) -> int | None:
        """When the URL expires or did; None if the signature isn't ours."""
        fields = dict(parse_qsl(query, max_num_fields=8)) if query.count("&") < 8 else {}
        expires, signature = fields.get(EXPIRES, ""), fields.get(SIGNATURE, "")
        if not re.fullmatch(r"[0-9]{1,12}", expires):
            return None
        is_ours = hmac.compare_digest(self._signature(name, expires).encode(), signature.encode())
        return int(expires) if is_ours else None

    # Making plain

    def plain(self, url: str) -> tuple[str, str]:
        """`url` as it is stored, and the stem of the file of ours to which it leads, or "". One that a client has made
        absolute is known by its signature, whatever the server is called there."""
        if found := self._ours.fullmatch(url):
            return found[1] + found[2], stem_of(found[2])
        abroad = _ABROAD.fullmatch(url)
        # Group 2 is a part of the name.
        if abroad and self._expires(abroad[1], abroad[3]) is not None:
            return OWN + abroad[1], stem_of(abroad[1])
        return url, ""
