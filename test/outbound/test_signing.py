"""The signature of what the server sends."""

from __future__ import annotations

import hashlib
import hmac

from twisted.trial.unittest import SynchronousTestCase

from twim.outbound.signing import SIGNATURE, signature


class SignatureTests(SynchronousTestCase):
    """The header that a receiver checks."""

    def test_value(self) -> None:
        """It has the seconds, and their HMAC with the body."""
        signed = hmac.new("tws_秘密".encode(), '1700000000.{"a":"雪"}'.encode(), hashlib.sha256).hexdigest()
        found = signature("tws_秘密", '{"a":"雪"}'.encode(), 1_700_000_000)
        self.assertEqual((SIGNATURE, found), ("Twim-Signature", f"t=1700000000,v1={signed}"))

    def test_differs(self) -> None:
        """Another secret, time or body has another signature."""
        signed = {signature(secret, body, at) for secret in "ab" for body in (b"", b"x") for at in (1, 2)}
        self.assertEqual(len(signed), 8)
