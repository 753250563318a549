"""Seals what is pushed, so that only the browser that subscribed can read it: RFC 8291, on the encoding `aes128gcm` of
RFC 8188."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

POINT_BYTES: Final = 65  # a public key, uncompressed
SECRET_BYTES: Final = 16
SALT_BYTES: Final = 16
RECORD_BYTES: Final = 4096  # the whole is one record, of which every push service takes so much
PAYLOAD_BYTES: Final = 3_993  # what fits into it (RFC 8291, section 4)
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+")
_LAST: Final = b"\x02"  # ends the content of the last record (RFC 8188, section 2)


class BadKeys(ValueError):
    """No keys of a browser; the text names the field."""


class Receiver(NamedTuple):
    """Whom a push is for: the browser's public key, uncompressed, and the secret that it shares with this server."""

    key: bytes
    secret: bytes


def read_receiver(p256dh: str, auth: str) -> Receiver:
    """The keys as a browser gives them, in base64url. `BadKeys`."""
    key, secret = _decode("p256dh", p256dh), _decode("auth", auth)
    if len(secret) != SECRET_BYTES:
        raise BadKeys("auth: 16 bytes in base64url")
    try:
        _point(key)
    except ValueError:
        raise BadKeys("p256dh: a public key of P-256, uncompressed, in base64url") from None
    return Receiver(key, secret)


def seal(receiver: Receiver, payload: bytes, own: ec.EllipticCurvePrivateKey | None = None, salt: bytes = b"") -> bytes:
    """The body of the request that pushes `payload`, of at most `PAYLOAD_BYTES`. The key `own` and the `salt` are new
    ones each time; tests give those of the standard's example."""
    own = own or ec.generate_private_key(ec.SECP256R1())
    salt = salt or secrets.token_bytes(SALT_BYTES)
    public = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = own.exchange(ec.ECDH(), _point(receiver.key))
    key = _derive(receiver.secret, shared, b"WebPush: info\0" + receiver.key + public, 32)
    content_key = _derive(salt, key, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(salt, key, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD_BYTES.to_bytes(4) + len(public).to_bytes(1) + public
    return header + AESGCM(content_key).encrypt(nonce, payload + _LAST, None)


def encode(value: bytes) -> str:
    """Bytes in base64url without padding, as all of Web Push writes them."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _decode(name: str, value: str) -> bytes:
    text = value.rstrip("=")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if _BASE64URL.fullmatch(text) else b""
    except binascii.Error:
        raise BadKeys(f"{name}: not base64url") from None


def _point(key: bytes) -> ec.EllipticCurvePublicKey:
    if len(key) != POINT_BYTES:
        raise ValueError("not uncompressed")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)


def _derive(salt: bytes, key: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(key)
