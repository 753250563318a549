"""What a provider says that isn't believed. That a real one is, is tested in test/running."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import jwt
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from test.identity.signing import in_set, private_key
from twim.identity.fetching import Unreachable
from twim.identity.pending import Pending
from twim.identity.provider import FRESH_SECONDS, Provider
from twim.identity.sources import read_sources
from twim.identity.tokens import BadToken

ISSUER = "https://sso.example"
BACK = Pending("state", "nonce", "verifier", "https://chat.example/user/oidc", "", "")


class Said:
    """Answers as a provider would, except for what a test changes."""

    def __init__(self) -> None:
        self.discovery: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/auth?tenant=1",
            "token_endpoint": f"{ISSUER}/token",
            "userinfo_endpoint": f"{ISSUER}/me",
            "jwks_uri": f"{ISSUER}/keys",
        }
        self.claims: dict[str, Any] = {"iss": ISSUER, "sub": "ann", "aud": "twim", "nonce": "nonce"}
        self.times: dict[str, Any] = {"exp": int(time.time()) + 60, "iat": int(time.time())}
        self.key = ("ES256", 0)
        self.answer: dict[str, Any] = {}
        self.me: dict[str, Any] | None = {"sub": "ann", "name": "Ann"}
        self.is_gone = False
        self.asked: list[str] = []
        self.posted: list[tuple[Mapping[str, str], Mapping[str, str]]] = []

    async def get(self, url: str, token: str = "") -> dict[str, Any]:
        self.asked.append(url.removeprefix(ISSUER))
        if self.is_gone:
            raise Unreachable("gone")
        if url.endswith("/keys"):
            return {"keys": [in_set("ES256", "k")]}
        if url.endswith("/me"):
            if self.me is None:
                raise Unreachable("no such path")
            return self.me
        return self.discovery

    async def post(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        self.posted.append((fields, headers))
        algorithm, number = self.key
        claims = {name: value for name, value in (self.claims | self.times).items() if value is not None}
        token = jwt.encode(claims, private_key(algorithm, number), algorithm, {"kid": "k"})
        return {"id_token": token, "access_token": "a"} | self.answer


class ProviderTests(SynchronousTestCase):
    """One provider, of which each test changes one thing."""

    def setUp(self) -> None:
        self.said = Said()
        self.clock = Clock()
        source = read_sources(f"oidc:{ISSUER}?client=twim&secret=/s").oidc
        assert source is not None
        self.provider = Provider(source, "se cret", self.said, self.clock.seconds)  # type: ignore[arg-type]

    def claims(self, issuer: str = "") -> Deferred[dict[str, Any]]:
        return Deferred.fromCoroutine(self.provider.claims("code", issuer, BACK))

    def believed(self, issuer: str = "") -> dict[str, Any]:
        return self.successResultOf(self.claims(issuer))

    def refused(self, issuer: str = "", kind: type[Exception] = BadToken) -> str:
        return str(self.failureResultOf(self.claims(issuer), kind).value)

    def test_believed(self) -> None:
        """The claims, with a name from the provider's answer about its user; what it is asked for isn't asked again."""
        self.assertEqual(self.believed()["name"], "Ann")
        self.assertEqual(self.believed(ISSUER)["sub"], "ann")
        self.assertEqual(self.said.asked.count("/keys"), 1)
        self.assertEqual(self.said.asked.count("/.well-known/openid-configuration"), 1)
        fields, headers = self.said.posted[0]
        self.assertEqual((fields["code"], fields["code_verifier"]), ("code", "verifier"))
        self.assertEqual(headers, {"Authorization": "Basic dHdpbTpzZStjcmV0"})
        address = self.successResultOf(Deferred.fromCoroutine(self.provider.address(BACK)))
        self.assertTrue(address.startswith(f"{ISSUER}/auth?tenant=1&response_type=code&"), address)

    def test_name(self) -> None:
        """A name in the token is enough; an answer about somebody else, or none, gives no name."""
        self.said.me = {"sub": "eve", "name": "Eve"}
        self.assertNotIn("name", self.believed())
        self.said.me = None
        self.assertNotIn("name", self.believed())
        self.said.claims["name"] = "Ann of the token"
        self.said.asked.clear()
        self.assertEqual(self.believed()["name"], "Ann of the token")
        self.assertEqual(self.said.asked, [])

    def test_secret_in_form(self) -> None:
        """A provider that takes the secret only in the form gets it there."""
        self.said.discovery["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
        self.believed()
        fields, headers = self.said.posted[0]
        self.assertEqual((fields["client_secret"], headers), ("se cret", {}))

    def test_refused_tokens(self) -> None:
        """Each claim that has to be right."""
        now = int(time.time())
        for changed in (
            {"iss": "https://other.example"},
            {"iss": None},
            {"aud": "other"},
            {"aud": None},
            {"aud": ["twim", "other"]},
            {"aud": ["twim", "other"], "azp": "other"},
            {"azp": "other"},
            {"nonce": "another"},
            {"nonce": None},
            {"sub": None},
            {"sub": ""},
            {"sub": "x" * 256},
            {"exp": now - 61},
            {"exp": None},
            {"iat": None},
            {"iat": now + 90},
        ):
            self.said.claims = Said().claims | {n: v for n, v in changed.items() if n not in self.said.times}
            self.said.times = Said().times | {n: v for n, v in changed.items() if n in self.said.times}
            self.refused()
        self.said.claims = Said().claims | {"aud": ["twim", "other"], "azp": "twim"}
        self.said.times = Said().times
        self.believed()

    def test_refused_answers(self) -> None:
        """A token that another key signed, or none; and an answer that is another provider's (RFC 9207)."""
        self.said.key = ("ES256", 1)
        self.refused()
        self.said.key = ("ES256", 0)
        for answer in ({"id_token": None}, {"id_token": 7}, {"id_token": ""}):
            self.said.answer = answer
            self.refused()
        self.said.answer = {}
        self.assertIn("another provider", self.refused("https://other.example"))
        self.said.discovery["authorization_response_iss_parameter_supported"] = True
        self.clock.advance(FRESH_SECONDS + 1)
        self.believed(ISSUER)
        self.refused("")

    def test_refused_discovery(self) -> None:
        """A provider that is called otherwise, or names an endpoint without TLS, isn't used."""
        for name, value in (
            ("issuer", f"{ISSUER}/"),
            ("issuer", None),
            ("token_endpoint", "http://sso.example/token"),
            ("authorization_endpoint", "javascript:alert(1)"),
            ("jwks_uri", "http://127.0.0.1/keys"),
            ("userinfo_endpoint", 7),
            ("jwks_uri", None),
        ):
            self.said.discovery = Said().discovery | {name: value}
            self.refused("", Unreachable)

    def test_unreachable(self) -> None:
        """What was known is good for a while when the provider can't be asked again."""
        self.said.is_gone = True
        self.failureResultOf(Deferred.fromCoroutine(self.provider.address(BACK)), Unreachable)
        self.said.is_gone = False
        self.successResultOf(Deferred.fromCoroutine(self.provider.address(BACK)))
        self.said.is_gone = True
        self.clock.advance(FRESH_SECONDS + 1)
        self.successResultOf(Deferred.fromCoroutine(self.provider.address(BACK)))
        self.refused("", Unreachable)
