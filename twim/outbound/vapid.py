"""Says to push services which server pushes, and that it is the one whose key the browser was given: RFC 8292."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from twim.outbound.push_sealing import encode

GOOD_SECONDS: Final = 12 * 3600  # of the 24 hours that a token may be good for
RENEW_SECONDS: Final = 3600  # before its end it is made anew, so that clocks may differ
KNOWN: Final = 200  # tokens that are kept; there are about five push services
_HALF: Final = 32  # bytes of each of a signature's two numbers


class Vapid:
    """Signs with the key that is this number. `seconds` gives the time since 1970."""

    def __init__(self, private: int, seconds: Callable[[], float]) -> None:
        self._key = ec.derive_private_key(private, ec.SECP256R1())
        self._seconds = seconds
        self._known: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public: Final = encode(point)
        """The public key as a page gives it to its browser."""

    def authorization(self, endpoint: str, contact: str) -> str:
        """The header Authorization of a push to `endpoint`. `contact` is the address of whoever runs this server, or
        "" where none is known."""
        audience = origin_of(endpoint)
        now = self._seconds()
        good_until, token = self._known.get((audience, contact), (0.0, ""))
        if good_until - RENEW_SECONDS <= now:
            good_until = now + GOOD_SECONDS
            token = self._sign(audience, contact, int(good_until))
            self._known[audience, contact] = good_until, token
            if len(self._known) > KNOWN:
                self._known.popitem(last=False)
        return f"vapid t={token}, k={self.public}"

    def _sign(self, audience: str, contact: str, expires: int) -> str:
        claims: dict[str, object] = {"aud": audience, "exp": expires}
        if contact:
            claims["sub"] = contact
        parts = ({"typ": "JWT", "alg": "ES256"}, claims)
        signed = ".".join(encode(json.dumps(one, separators=(",", ":")).encode()) for one in parts)
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{encode(r.to_bytes(_HALF) + s.to_bytes(_HALF))}"


def origin_of(endpoint: str) -> str:
    """The push service of an endpoint: what limits and tokens are per."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"
