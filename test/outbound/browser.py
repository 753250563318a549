"""A browser as far as pushes concern it: it has keys, and opens what is sealed for it. RFC 8291 and RFC 8188, written
out with nothing but HMAC, so that a mistake of ours isn't made twice."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def decode(text: str) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """The key of this number, in base64url."""
    return ec.derive_private_key(int.from_bytes(decode(text)), ec.SECP256R1())


class Browser:
    """Its two keys; new ones unless they are given."""

    def __init__(self, key: ec.EllipticCurvePrivateKey | None = None, auth: bytes = b"") -> None:
        self._key = key or ec.generate_private_key(ec.SECP256R1())
        self._public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self._auth = auth or secrets.token_bytes(16)
        self.p256dh = encode(self._public)
        self.auth = encode(self._auth)

    def open(self, body: bytes) -> bytes:
        """The content of one sealed record. Raises what AES-GCM does when it is for another browser."""
        salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        assert length == 65 and len(sealed) <= size
        shared = self._key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        first = _mac(self._auth, shared)
        key = _mac(first, b"WebPush: info\0" + self._public + sender + b"\1")
        second = _mac(salt, key)
        content_key = _mac(second, b"Content-Encoding: aes128gcm\0\1")[:16]
        nonce = _mac(second, b"Content-Encoding: nonce\0\1")[:12]
        content, _, padding = AESGCM(content_key).decrypt(nonce, sealed, None).rpartition(b"\2")
        assert not padding.strip(b"\0")
        return content


def _mac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, hashlib.sha256)
