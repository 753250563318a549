"""Who is on the way to a provider and back. Nothing is kept for them: what has to be known again stands in a signed
cookie, so any node may be the one to which they return."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from typing import Any, Final, NamedTuple

PENDING_SECONDS: Final = 600  # between the button and the return: people type passwords there, and second factors
STATE_BYTES: Final = 16


class Unknown(ValueError):
    """A return that doesn't belong to any departure of this browser, or comes too late."""


class Pending(NamedTuple):
    """What goes with one log-in: `state` and `nonce` (OpenID Connect Core, sections 3.1.2.1 and 3.1.3.7), the
    `verifier` of PKCE (RFC 7636), where the provider sends the browser back, and what this server is to do then."""

    state: str
    nonce: str
    verifier: str
    redirect: str
    to: str
    invite: str

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier (S256)."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())


class PendingLogins:
    """Makes them and knows them again. All nodes have the same `key`; `now` gives seconds since 1970. Nonce and
    verifier follow from the state by the key, so the cookie has nothing secret in it."""

    def __init__(self, key: bytes, now: Callable[[], float]) -> None:
        self._key = hmac.digest(key, b"pending log-ins", "sha256")
        self._now = now

    def begin(self, redirect: str, to: str, invite: str) -> tuple[Pending, str]:
        """A new one, and its cookie."""
        state = _text(secrets.token_bytes(STATE_BYTES))
        until = int(self._now()) + PENDING_SECONDS
        said = json.dumps([state, until, redirect, to, invite], separators=(",", ":")).encode()
        return self._pending(state, redirect, to, invite), f"{_text(said)}.{_text(self._signature(said))}"

    def finish(self, cookie: str, state: str) -> Pending:
        """The one of this cookie, if the provider gave back its state. `Unknown`."""
        said, _, signature = cookie.partition(".")
        try:
            payload = _bytes(said)
            if not hmac.compare_digest(self._signature(payload), _bytes(signature)):
                raise Unknown("its signature is wrong")
        except ValueError as error:
            raise Unknown(str(error)) from None
        expected, until, redirect, to, invite = json.loads(payload)
        if not hmac.compare_digest(str(expected).encode(), state.encode("utf-8", "surrogatepass")):
            raise Unknown("the state is another one")
        if self._now() > until:
            raise Unknown("it is too old")
        return self._pending(expected, redirect, to, invite)

    def _pending(self, state: str, redirect: str, to: str, invite: str) -> Pending:
        return Pending(state, self._derived("nonce", state), self._derived("verifier", state), redirect, to, invite)

    def _derived(self, what: str, state: str) -> str:
        return _text(hmac.digest(self._key, f"{what} {state}".encode(), "sha256"))

    def _signature(self, said: bytes) -> bytes:
        return hmac.digest(self._key, b"cookie " + said, "sha256")


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(value: str) -> bytes:
    return base64.b64decode(value.encode() + b"=" * (-len(value) % 4), b"-_", validate=True)


def external_id(claims: dict[str, Any]) -> str:
    """The external id of a provider's user: ``oidc:`` and base64url, without padding, of the SHA-256 of the issuer, a
    NUL, and `sub`, all as UTF-8. No issuer has a NUL, so no two users share it."""
    said = f"{claims['iss']}\0{claims['sub']}".encode("utf-8", "surrogatepass")
    return f"oidc:{_text(hashlib.sha256(said).digest())}"
