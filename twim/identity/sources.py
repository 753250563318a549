"""What ``--login`` names: where tokens of a host are verified, and which provider people log in at."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

JWT: Final = "jwt"
OIDC: Final = "oidc"
FORM: Final = "jwt:FILE_OR_URL?aud=…&iss=… or oidc:ISSUER?client=ID&secret=FILE"
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class BadSource(ValueError):
    """A value of ``--login`` that can't be used; the text is for the operator."""


class JwtSource(NamedTuple):
    """Where the key of a host's tokens is: a file, or the ``https`` URL of a JWK Set; and whom the tokens are for and
    from, "" where any will do."""

    file: Path | None
    url: str
    audience: str
    issuer: str


class OidcSource(NamedTuple):
    """A provider, by its issuer identifier, with what it calls this server and the file of the secret they share."""

    issuer: str
    client: str
    secret: Path

    @property
    def name(self) -> str:
        """What people know it by: its host."""
        return urlsplit(self.issuer).netloc


class LoginSources(NamedTuple):
    """One of each kind at most."""

    jwt: JwtSource | None = None
    oidc: OidcSource | None = None


NO_LOGIN_SOURCES: Final = LoginSources()


def read_sources(value: str) -> LoginSources:
    """The sources in a value, separated by spaces. `BadSource`. No file is opened."""
    found = LoginSources()
    for one in value.split():
        kind, colon, rest = one.partition(":")
        if not colon or kind not in (JWT, OIDC):
            raise BadSource(f"{one}: {FORM}")
        if getattr(found, kind) is not None:
            raise BadSource(f"{kind}: only one")
        where, _, query = rest.partition("?")
        options = _options(one, query)
        if kind == JWT:
            found = found._replace(jwt=_jwt(one, where, options))
        else:
            found = found._replace(oidc=_oidc(one, where, options))
    return found


def is_loopback(url: SplitResult) -> bool:
    """Whether a URL is one of this machine."""
    host = url.hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_url(url: str, loopback: bool = False) -> SplitResult:
    """The parts of an ``https`` URL, or, if `loopback`, of one of this machine that may be ``http``. `ValueError`."""
    parts = urlsplit(url)
    plain = parts.scheme == "http" and loopback and is_loopback(parts)
    if parts.scheme != "https" and not plain:
        raise ValueError("https only")
    if not parts.hostname or parts.username is not None or parts.fragment or not url.isascii():
        raise ValueError("no address of a server")
    _ = parts.port  # `ValueError` for what is none
    return parts


def _options(one: str, query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict")
    except ValueError:
        raise BadSource(f"{one}: what follows ? is NAME=VALUE, joined by &") from None
    options = dict(pairs)
    if len(options) < len(pairs):
        raise BadSource(f"{one}: something is said twice")
    return options


def _jwt(one: str, where: str, options: dict[str, str]) -> JwtSource:
    audience, issuer = options.pop("aud", ""), options.pop("iss", "")
    if not where:
        raise BadSource(f"{one}: which file or URL?")
    if not _SCHEME.match(where):
        _only(one, options)
        return JwtSource(Path(unquote(where)).absolute(), "", audience, issuer)
    # What is left of the query is the URL's own.
    url = where + (f"?{urlencode(options)}" if options else "")
    try:
        check_url(url)
    except ValueError as error:
        raise BadSource(f"{one}: {error}") from None
    if not audience:
        raise BadSource(f"{one}: aud=… is needed, since others may get tokens by the same keys")
    return JwtSource(None, url, audience, issuer)


def _oidc(one: str, where: str, options: dict[str, str]) -> OidcSource:
    client, secret = options.pop("client", ""), options.pop("secret", "")
    _only(one, options)
    if not client or not secret:
        raise BadSource(f"{one}: client=ID and secret=FILE are needed")
    try:
        check_url(where, loopback=True)
    except ValueError as error:
        raise BadSource(f"{one}: {error}") from None
    return OidcSource(where, client, Path(secret).absolute())


def _only(one: str, left: dict[str, str]) -> None:
    if left:
        raise BadSource(f"{one}: {', '.join(sorted(left))}: no such option; {FORM}")
