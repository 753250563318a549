"""Who vouches for users: whether the files of ``--login`` are usable and closed."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from twim.doctor.finding import Finding, Level
from twim.doctor.subject import Subject
from twim.identity.keys import read_key
from twim.identity.opening import check_sources
from twim.identity.sources import BadSource, LoginSources

TOPIC: Final = "login"
OTHERS: Final = 0o077


def look_at_login(subject: Subject) -> Iterator[Finding]:
    """Read what the server would, and see who else may."""
    sources = subject.config.login
    if sources.jwt is None and sources.oidc is None:
        yield Finding(TOPIC, Level.OK, "nobody else vouches for users")
        return
    try:
        check_sources(sources)
    except BadSource as error:
        fix = "Correct --login or the file; the server doesn't start with it. Run the doctor as the server's user."
        yield Finding(TOPIC, Level.ERROR, str(error), fix)
        return
    for secret in _secrets(sources):
        mode = stat.S_IMODE(secret.stat().st_mode)
        if mode & OTHERS:
            text = f"others on this machine may get at the secret {secret} (mode {mode:04o}) and be any user by it"
            yield Finding(TOPIC, Level.WARNING, text, f"Close it: chmod 600 {secret}.")
        else:
            yield Finding(TOPIC, Level.OK, f"the secret {secret} is closed to others")
    if sources.jwt is not None:
        yield _audience(sources.jwt.audience)
    if sources.oidc is not None:
        yield Finding(TOPIC, Level.OK, f"people may log in at {sources.oidc.issuer}")


def _secrets(sources: LoginSources) -> Iterator[Path]:
    """The files that aren't public."""
    if sources.jwt is not None and sources.jwt.file is not None and read_key(sources.jwt.file).algorithm == "HS256":
        yield sources.jwt.file
    if sources.oidc is not None:
        yield sources.oidc.secret


def _audience(audience: str) -> Finding:
    if audience:
        return Finding(TOPIC, Level.OK, f"tokens of the host must be for {audience}")
    fix = "If the key signs tokens for other programs too, let yours name an audience, and the server with aud=NAME."
    return Finding(TOPIC, Level.NOTE, "tokens of the host need not say whom they are for", fix)
