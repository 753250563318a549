"""An object store, asked a few things as the server asks it."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from hashlib import sha256
from http.client import HTTPConnection, HTTPSConnection
from typing import Final

from twim.doctor.asking import ASK_SECONDS, NoAnswer, Reply, exchange
from twim.storage.files.bucket import Bucket
from twim.storage.files.sigv4 import Signer, encode_path

_CODE: Final = re.compile(rb"<Code>(\w{1,64})</Code>")
_WORDS: Final = b"stored by twim doctor, and to be deleted at once"


class StoreRefused(Exception):
    """The text says what the store answered."""


def look_for_nothing(bucket: Bucket) -> None:
    """Ask for an object that isn't there: whoever has no right to read isn't told so. `StoreRefused`."""
    reply = _ask(bucket, "GET", _name(bucket))
    if reply.status != 404 or _code(reply) == "NoSuchBucket":
        raise StoreRefused(_said(reply))


def put_get_delete(bucket: Bucket) -> None:
    """Store a small object, read it, and delete it. `StoreRefused`."""
    path = _name(bucket)
    stored = _ask(bucket, "PUT", path, _WORDS)
    if stored.status >= 300:
        raise StoreRefused(f"storing: {_said(stored)}")
    read = _ask(bucket, "GET", path)
    deleted = _ask(bucket, "DELETE", path)
    if read.status != 200 or read.body != _WORDS:
        raise StoreRefused(f"reading: {_said(read)}")
    if deleted.status >= 300:
        raise StoreRefused(f"deleting {path}, which stays there: {_said(deleted)}")


def _name(bucket: Bucket) -> str:
    return f"{bucket.base}doctor-{secrets.token_hex(8)}"


def _ask(bucket: Bucket, method: str, path: str, body: bytes = b"") -> Reply:
    signer = Signer(bucket.credentials, bucket.region)
    headers = signer.sign(method, path, (), {"Host": bucket.host}, sha256(body).hexdigest(), datetime.now(UTC))
    kind = HTTPSConnection if bucket.scheme == "https" else HTTPConnection
    try:
        return exchange(kind(bucket.host, timeout=ASK_SECONDS), method, encode_path(path), headers, body)
    except NoAnswer as error:
        raise StoreRefused(str(error)) from error


def _code(reply: Reply) -> str:
    found = _CODE.search(reply.body)
    return found[1].decode() if found else ""


def _said(reply: Reply) -> str:
    return f"{reply.status} {_code(reply)}".strip()
