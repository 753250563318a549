"""Signed tokens (JWT, RFC 7519), verified."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import jwt

from twim.identity.key_sets import Keys

LEEWAY_SECONDS: Final = 60  # by which the clocks of two machines may differ
TOKEN_CHARS: Final = 16_384
GROUPS: Final = 200  # that one token names
_BROKEN: Final = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)
"""What a token that anybody made up may raise."""


class BadToken(Exception):
    """A token that isn't believed. The text says why, and has nothing of the token."""


class HostClaims(NamedTuple):
    """What a host says of one of its users. `groups` is None where it says nothing of them."""

    sub: str
    name: str
    picture: str | None
    groups: tuple[str, ...] | None


class TokenVerifier:
    """Verifies tokens by `keys`, which are for this audience and from this issuer; "" means that any issuer will do,
    and for the audience that a token may name none (RFC 7519, section 4.1.3)."""

    def __init__(self, keys: Keys, audience: str, issuer: str) -> None:
        self._keys = keys
        self._audience = audience or None
        self._issuer = issuer or None

    async def verify(self, token: str, required: Sequence[str] = ("exp", "sub")) -> dict[str, Any]:
        """The claims of a token that has all that are `required`. `BadToken`; `Unreachable` when there are no keys to
        verify it by."""
        if len(token) > TOKEN_CHARS:
            raise BadToken("it is too long")
        try:
            header = jwt.get_unverified_header(token)
        except _BROKEN as error:
            raise BadToken(_why(error)) from None
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or not isinstance(kid, str | None):
            raise BadToken("its header can't be read")
        found = await self._keys.find(kid, algorithm)
        if not found:
            raise BadToken("it is signed by no key that is known")
        wrong = BadToken("")
        for one in found:
            try:
                return self._decoded(token, one.key, one.algorithm, required)
            except _BROKEN as error:
                wrong = BadToken(_why(error))
        raise wrong

    def _decoded(self, token: str, key: Any, algorithm: str, required: Sequence[str]) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            options={"require": list(required)},
            audience=self._audience,
            issuer=self._issuer,
            leeway=LEEWAY_SECONDS,
        )


def _why(error: Exception) -> str:
    return type(error).__name__


def read_host_claims(claims: dict[str, Any]) -> HostClaims:
    """What a verified token says. A name or picture that is no text is as if it weren't there; with groups that is
    `BadToken`, since a membership may end by it."""
    groups = claims.get("groups")
    if groups is not None:
        if not isinstance(groups, list) or not all(isinstance(one, str) for one in groups):
            raise BadToken("groups is no list of texts")
        if len(groups) > GROUPS:
            raise BadToken(f"more than {GROUPS} groups")
    name, picture = claims.get("name"), claims.get("picture")
    return HostClaims(
        str(claims["sub"]),
        name if isinstance(name, str) else "",
        picture if isinstance(picture, str) else None,
        None if groups is None else tuple(groups),
    )
