"""A provider of log-ins, by OpenID Connect: the code flow with PKCE.

What it tells of itself is asked for when the first person comes, and then once an hour (OpenID Connect Discovery).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from math import inf
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus, urlencode, urlsplit

from twim.identity.fetching import Fetching, Unreachable
from twim.identity.key_sets import KeySet
from twim.identity.pending import Pending
from twim.identity.sources import OidcSource, check_url, is_loopback
from twim.identity.tokens import BadToken, TokenVerifier

DISCOVERY: Final = "/.well-known/openid-configuration"
FRESH_SECONDS: Final = 3600.0
SCOPE: Final = "openid profile"
SUB_CHARS: Final = 255  # OpenID Connect Core, section 2
BASIC: Final = "client_secret_basic"


class Endpoints(NamedTuple):
    """Where a provider is asked for what."""

    authorization: str
    token: str
    userinfo: str
    posts_secret: bool
    """Whether it takes the secret in the form only, not in a header."""
    names_itself: bool
    """Whether it says in each answer who it is (RFC 9207)."""


class Provider:
    """One provider. `secret` is what it shares with this server, `seconds` a clock that doesn't jump."""

    def __init__(self, source: OidcSource, secret: str, fetching: Fetching, seconds: Callable[[], float]) -> None:
        self.name = source.name
        self._source = source
        self._secret = secret
        self._fetching = fetching
        self._seconds = seconds
        self._endpoints: Endpoints | None = None
        self._keys = KeySet("", fetching.get, seconds)
        self._asked = -inf

    async def address(self, pending: Pending) -> str:
        """Where the browser is sent to log in. `Unreachable`."""
        where = (await self._known()).authorization
        query = {
            "response_type": "code",
            "scope": SCOPE,
            "client_id": self._source.client,
            "redirect_uri": pending.redirect,
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": pending.challenge,
            "code_challenge_method": "S256",
        }
        return f"{where}{'&' if urlsplit(where).query else '?'}{urlencode(query)}"

    async def claims(self, code: str, issuer: str, pending: Pending) -> dict[str, Any]:
        """Who it is that came back with this code, and with what the provider says of itself (`issuer`, or ""): the
        claims of a verified ID token, and `name` and `picture` from the provider's answer about its user where the
        token lacks them. `BadToken`, `Unreachable`."""
        known = await self._known()
        if issuer != self._source.issuer and (issuer or known.names_itself):
            raise BadToken("the answer is another provider's")
        try:
            answer = await self._exchanged(known, code, pending)
        except Unreachable as error:
            if error.status == 400:  # RFC 6749, section 5.2: the code is wrong, or another log-in's
                raise BadToken("the provider refuses the code") from None
            raise
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise BadToken("there is no ID token")
        verifier = TokenVerifier(self._keys, self._source.client, self._source.issuer)
        claims = await verifier.verify(token, ("iss", "sub", "aud", "exp", "iat"))
        self._check(claims, pending)
        return await self._completed(known, claims, answer.get("access_token"))

    def _check(self, claims: dict[str, Any], pending: Pending) -> None:
        if claims.get("nonce") != pending.nonce:
            raise BadToken("the nonce is another one")
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims.get("azp", self._source.client if len(audiences) == 1 else "") != self._source.client:
            raise BadToken("it was made for another client")
        if not 0 < len(claims["sub"]) <= SUB_CHARS:
            raise BadToken("its sub is no name of a user")

    async def _exchanged(self, known: Endpoints, code: str, pending: Pending) -> dict[str, Any]:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.redirect,
            "client_id": self._source.client,
            "code_verifier": pending.verifier,
        }
        if known.posts_secret:
            return await self._fetching.post(known.token, fields | {"client_secret": self._secret}, {})
        # RFC 6749, section 2.3.1: both are encoded as in a form first.
        pair = f"{quote_plus(self._source.client)}:{quote_plus(self._secret)}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return await self._fetching.post(known.token, fields, headers)

    async def _completed(self, known: Endpoints, claims: dict[str, Any], access: object) -> dict[str, Any]:
        if "name" in claims or not known.userinfo or not isinstance(access, str):
            return claims
        try:
            said = await self._fetching.get(known.userinfo, access)
        except Unreachable:
            # Who it is, is known; only the name isn't.
            return claims
        # OpenID Connect Core, section 5.3.2: an answer about somebody else must not be used.
        return said | claims if said.get("sub") == claims["sub"] else claims

    async def _known(self) -> Endpoints:
        now = self._seconds()
        if self._endpoints is not None and now - self._asked <= FRESH_SECONDS:
            return self._endpoints
        try:
            said = await self._fetching.get(self._source.issuer.rstrip("/") + DISCOVERY)
            self._endpoints = self._read(said)
            self._asked = now
        except Unreachable:
            if self._endpoints is None:
                raise
        return self._endpoints

    def _read(self, said: dict[str, Any]) -> Endpoints:
        if said.get("issuer") != self._source.issuer:
            raise Unreachable(f"{self._source.issuer} calls itself otherwise: --login must say it to the letter")
        keys = self._endpoint(said, "jwks_uri")
        if self._keys.url != keys:
            self._keys = KeySet(keys, self._fetching.get, self._seconds)
        methods = said.get("token_endpoint_auth_methods_supported", [BASIC])
        return Endpoints(
            self._endpoint(said, "authorization_endpoint"),
            self._endpoint(said, "token_endpoint"),
            self._endpoint(said, "userinfo_endpoint") if "userinfo_endpoint" in said else "",
            isinstance(methods, list) and BASIC not in methods,
            said.get("authorization_response_iss_parameter_supported") is True,
        )

    def _endpoint(self, said: dict[str, Any], name: str) -> str:
        url = said.get(name)
        try:
            if not isinstance(url, str):
                raise ValueError("missing")
            # Only a provider on this machine may do without TLS, for itself.
            check_url(url, loopback=is_loopback(urlsplit(self._source.issuer)))
        except ValueError as error:
            raise Unreachable(f"{self._source.issuer} names its {name} wrongly: {error}") from None
        return url
