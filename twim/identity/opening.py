"""The parts that ``--login`` asks for. `BadSource` for files that can't be used: then the server doesn't start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twim.identity.fetching import Fetching
from twim.identity.key_sets import Keys, KeySet, OneKey
from twim.identity.keys import read_file, read_key
from twim.identity.provider import Provider
from twim.identity.sources import BadSource, JwtSource, LoginSources, OidcSource
from twim.identity.tokens import TokenVerifier


def check_sources(sources: LoginSources) -> None:
    """Read what `open_tokens` and `open_provider` would."""
    if sources.jwt is not None and sources.jwt.file is not None:
        read_key(sources.jwt.file)
    if sources.oidc is not None:
        _read_secret(sources.oidc.secret)


def open_tokens(source: JwtSource, fetching: Fetching, seconds: Callable[[], float]) -> TokenVerifier:
    """What verifies a host's tokens. A key set is fetched when the first one comes."""
    keys: Keys = KeySet(source.url, fetching.get, seconds) if source.file is None else OneKey(read_key(source.file))
    return TokenVerifier(keys, source.audience, source.issuer)


def open_provider(source: OidcSource, fetching: Fetching, seconds: Callable[[], float]) -> Provider:
    """The provider, which is asked when the first person comes."""
    return Provider(source, _read_secret(source.secret), fetching, seconds)


def _read_secret(path: Path) -> str:
    try:
        found = read_file(path).decode().strip()
    except UnicodeDecodeError:
        found = ""
    if not found:
        raise BadSource(f"{path}: no secret, which is a text that the provider gave")
    return found
