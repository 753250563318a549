"""Who is on the way to a provider and back."""

from __future__ import annotations

import base64
import hashlib

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twim.identity.pending import PENDING_SECONDS, PendingLogins, Unknown, external_id


class PendingTests(SynchronousTestCase):
    """On two nodes of one database."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.one, self.other = (PendingLogins(b"k" * 32, self.clock.seconds) for _ in range(2))

    def test_any_node(self) -> None:
        """Another node knows all that the first one knew, which isn't in the cookie where it is secret."""
        left, cookie = self.one.begin("https://chat.example/user/oidc", "#11:7", "code")
        back = self.other.finish(cookie, left.state)
        self.assertEqual(back, left)
        payload = base64.urlsafe_b64decode(cookie.partition(".")[0] + "==").decode()
        self.assertNotIn(left.verifier, payload)
        self.assertNotIn(left.nonce, payload)
        self.assertEqual(len({left.state, left.nonce, left.verifier}), 3)
        self.assertRegex(left.verifier, r"^[A-Za-z0-9_-]{43}$")
        digest = base64.urlsafe_b64encode(hashlib.sha256(left.verifier.encode()).digest())
        self.assertEqual(left.challenge, digest.rstrip(b"=").decode())

    def test_refused(self) -> None:
        """Another browser's, one that was changed, one of another server, and one that is too old."""
        left, cookie = self.one.begin("https://chat.example/user/oidc", "", "")
        other, _ = self.one.begin("https://chat.example/user/oidc", "", "")
        payload, _, signature = cookie.partition(".")
        foreign = PendingLogins(b"x" * 32, self.clock.seconds)
        self.assertRaises(Unknown, self.one.finish, cookie, other.state)
        self.assertRaises(Unknown, self.one.finish, cookie, "")
        self.assertRaises(Unknown, self.one.finish, cookie, "\ud800")
        self.assertRaises(Unknown, foreign.finish, cookie, left.state)
        for wrong in ("", ".", payload, f"{payload}.", f".{signature}", f"{payload[:-4]}AAAA.{signature}", "\udcff.é"):
            self.assertRaises(Unknown, self.one.finish, wrong, left.state)
        self.clock.advance(PENDING_SECONDS)
        self.one.finish(cookie, left.state)
        self.clock.advance(1)
        self.assertRaises(Unknown, self.one.finish, cookie, left.state)

    def test_external_id(self) -> None:
        """The exact bytes, which other programs may rely on; issuer and sub aren't only put together."""
        hashed = hashlib.sha256(b"https://sso.example\0" + "änn".encode()).digest()
        expected = "oidc:" + base64.urlsafe_b64encode(hashed).decode().rstrip("=")
        self.assertEqual(external_id({"iss": "https://sso.example", "sub": "änn"}), expected)
        self.assertEqual(len(expected), 48)
        self.assertNotEqual(external_id({"iss": "a", "sub": "bc"}), external_id({"iss": "ab", "sub": "c"}))
