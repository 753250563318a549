"""Tokens that are believed, and each kind that isn't."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from test.identity.signing import SECRET, claims, pem, private_key, token, written
from twim.identity.key_sets import OneKey
from twim.identity.keys import VerifyingKey, read_key
from twim.identity.tokens import BadToken, HostClaims, TokenVerifier, read_host_claims


def packed(*parts: object) -> str:
    """Parts of a token, written as it writes them."""
    texts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in parts]
    return ".".join(base64.urlsafe_b64encode(text).rstrip(b"=").decode() for text in texts)


def signed(header: object, payload: object, key: bytes = SECRET) -> str:
    """A token that no library would make."""
    said = packed(header, payload)
    return f"{said}.{packed(hmac.digest(key, said.encode(), hashlib.sha256))}"


class TokenTests(SynchronousTestCase):
    """By one key."""

    def setUp(self) -> None:
        self.verifier = self.by(VerifyingKey("HS256", SECRET))

    def by(self, key: VerifyingKey, audience: str = "", issuer: str = "") -> TokenVerifier:
        return TokenVerifier(OneKey(key), audience, issuer)

    def verified(self, said: str, verifier: TokenVerifier | None = None) -> dict[str, Any]:
        found: dict[str, Any] = self.successResultOf(Deferred.fromCoroutine((verifier or self.verifier).verify(said)))
        return found

    def refused(self, said: str, verifier: TokenVerifier | None = None, why: str = "") -> None:
        failure = self.failureResultOf(Deferred.fromCoroutine((verifier or self.verifier).verify(said)), BadToken)
        self.assertIn(why, str(failure.value), said)
        self.assertNotIn(said[:20] or "?", str(failure.value))

    def test_each_algorithm(self) -> None:
        """A token by each kind of key is believed, and by no other key."""
        self.assertEqual(self.verified(token())["sub"], "ann")
        for algorithm in ("RS256", "ES256", "EdDSA"):
            verifier = self.by(read_key(written(self.mktemp(), pem(private_key(algorithm)))))
            self.assertEqual(self.verified(token(private_key(algorithm), algorithm), verifier)["sub"], "ann")
            self.refused(token(private_key(algorithm, 1), algorithm), verifier, "InvalidSignature")
            self.refused(token(), verifier, "InvalidAlgorithm")

    def test_none(self) -> None:
        """A token that isn't signed, however it says so."""
        for algorithm in ("none", "None", "nOnE", ""):
            self.refused(f"{packed({'alg': algorithm}, claims())}.", why="Invalid")
            self.refused(signed({"alg": algorithm}, claims()), why="Invalid")
        self.refused(packed({"alg": "HS256"}, claims()) + ".")
        self.refused(signed({"typ": "JWT"}, claims()))

    def test_public_key_as_secret(self) -> None:
        """Who knows the public key, which isn't secret, can't sign by it as if it were a secret."""
        for algorithm in ("RS256", "ES256", "EdDSA"):
            public = pem(private_key(algorithm))
            verifier = self.by(read_key(written(self.mktemp(), public)))
            for secret in (public, public.strip()):
                self.refused(signed({"alg": "HS256"}, claims(), secret), verifier, "InvalidAlgorithm")
                self.refused(signed({"alg": algorithm}, claims(), secret), verifier)

    def test_other_algorithms(self) -> None:
        """An algorithm that the key could be used with isn't the one it is for."""
        rsa = private_key("RS256")
        verifier = self.by(read_key(written(self.mktemp(), pem(rsa))))
        for algorithm in ("RS384", "RS512", "PS256"):
            self.refused(token(rsa, algorithm), verifier, "InvalidAlgorithm")
        self.refused(token(SECRET * 2, "HS512"), why="InvalidAlgorithm")

    def test_times(self) -> None:
        """Clocks may differ by a minute, and a token must end."""
        now = int(time.time())
        self.verified(token(exp=now - 50, nbf=now + 50, iat=now + 50))
        self.refused(token(exp=now - 61), why="Expired")
        self.refused(token(nbf=now + 90), why="Immature")
        self.refused(token(iat=now + 90), why="Immature")
        self.refused(token(exp=None), why="MissingRequiredClaim")
        for wrong in (None, "soon", [], {}, float("inf"), float("nan")):
            self.refused(signed({"alg": "HS256"}, claims() | {"exp": wrong}))

    def test_audience_and_issuer(self) -> None:
        """A token is for the audience and from the issuer that were named; one for somebody else isn't for us, also
        when none was named."""
        ours = self.by(VerifyingKey("HS256", SECRET), "chat", "shop")
        self.verified(token(aud="chat", iss="shop"), ours)
        self.verified(token(aud=["mail", "chat"], iss="shop"), ours)
        self.refused(token(aud="mail", iss="shop"), ours, "Audience")
        self.refused(token(iss="shop"), ours, "Missing")
        self.refused(token(aud="chat", iss="other"), ours, "Issuer")
        self.refused(token(aud="chat"), ours, "Missing")
        self.refused(token(aud="chat"), why="Audience")
        self.verified(token(iss="whoever"))

    def test_sub(self) -> None:
        """Somebody must be named by a text."""
        self.refused(token(sub=None), why="MissingRequiredClaim")
        for wrong in (7, ["ann"], {"a": 1}, True):
            self.refused(signed({"alg": "HS256"}, claims() | {"sub": wrong}))

    def test_broken(self) -> None:
        """Whatever else somebody sends."""
        good = token()
        deep = b'{"sub":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
        for said in (
            *("", ".", "..", "a.b.c", "é.é.é", "\ud800", "\0", good[:-2], good + "A", good.replace(".", "", 1)),
            signed({"alg": "HS256", "crit": ["exp"]}, claims()),
            signed({"alg": ["HS256"]}, claims()),
            signed({"alg": "HS256", "kid": 7}, claims()),
            signed([], claims()),
            signed({"alg": "HS256"}, [1]),
            signed({"alg": "HS256"}, deep),
            signed(deep, claims()),
            signed({"alg": "HS256"}, b"\xff"),
            "x" * 20_000,
            jwt.encode(claims(), SECRET, "HS256", headers={"b64": False, "crit": ["b64"]}),
        ):
            self.refused(said)


class ClaimsTests(SynchronousTestCase):
    """What a token says of a user."""

    def test_read(self) -> None:
        """What is no text is as if it weren't there."""
        self.assertEqual(read_host_claims({"sub": "ann"}), HostClaims("ann", "", None, None))
        said = {"sub": "ann", "name": "Ann", "picture": "", "groups": ["a", "b"]}
        self.assertEqual(read_host_claims(said), HostClaims("ann", "Ann", "", ("a", "b")))
        self.assertEqual(read_host_claims({"sub": "ann", "name": 7, "picture": []}), HostClaims("ann", "", None, None))
        self.assertEqual(read_host_claims({"sub": "ann", "groups": []}).groups, ())

    def test_groups(self) -> None:
        """Groups that can't be read make the token a bad one, since memberships would end by them."""
        for wrong in ("a", {"a": 1}, [1], ["a"] * 201):
            self.assertRaises(BadToken, read_host_claims, {"sub": "ann", "groups": wrong})
