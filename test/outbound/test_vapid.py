"""The server says who it is, by a token that its public key verifies."""

from __future__ import annotations

import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from twisted.trial.unittest import SynchronousTestCase

from test.outbound.browser import decode
from twim.outbound.vapid import GOOD_SECONDS, KNOWN, RENEW_SECONDS, Vapid

SITE = "https://chat.example"


def claims_of(authorization: str, public: str) -> dict[str, object]:
    """What a token says, which the public key must verify (RFC 8292, section 3)."""
    scheme, _, rest = authorization.partition(" ")
    parts = dict(one.strip().split("=", 1) for one in rest.split(","))
    assert (scheme, parts["k"]) == ("vapid", public)
    signed, _, signature = parts["t"].rpartition(".")
    r, s = (int.from_bytes(half) for half in (decode(signature)[:32], decode(signature)[32:]))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(public))
    key.verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(SHA256()))
    head, claims = (json.loads(decode(part)) for part in signed.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"}
    found: dict[str, object] = claims
    return found


class VapidTests(SynchronousTestCase):
    """Tokens."""

    def setUp(self) -> None:
        self.now = 1_700_000_000.0
        self.vapid = Vapid(7, lambda: self.now)

    def test_claims(self) -> None:
        """It names the push service, its end within a day, and whom to ask, if that is known."""
        said = self.vapid.authorization("https://push.example:8443/send/abc?d=1", SITE)
        expires = int(self.now + GOOD_SECONDS)
        self.assertEqual(
            claims_of(said, self.vapid.public), {"aud": "https://push.example:8443", "exp": expires, "sub": SITE}
        )
        unknown = claims_of(self.vapid.authorization("https://push.example/a", ""), self.vapid.public)
        self.assertNotIn("sub", unknown)

    def test_other_key(self) -> None:
        """Another server's key doesn't verify it."""
        said = self.vapid.authorization("https://push.example/a", SITE)
        other = Vapid(8, lambda: self.now).public
        self.assertRaises(InvalidSignature, claims_of, said.replace(self.vapid.public, other), other)

    def test_kept(self) -> None:
        """One is signed for each push service, and again before it ends."""
        first = self.vapid.authorization("https://push.example/a", SITE)
        self.assertEqual(self.vapid.authorization("https://push.example/b", SITE), first)
        self.assertNotEqual(self.vapid.authorization("https://other.example/b", SITE), first)
        self.now += GOOD_SECONDS - RENEW_SECONDS
        self.assertNotEqual(self.vapid.authorization("https://push.example/a", SITE), first)

    def test_bounded(self) -> None:
        """However many push services users name, few tokens are kept."""
        for number in range(KNOWN + 5):
            self.vapid.authorization(f"https://push{number}.example/a", SITE)
        self.assertEqual(len(self.vapid._known), KNOWN)
