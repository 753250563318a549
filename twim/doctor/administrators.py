"""Whether anybody may administer the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import select

from twim.doctor.finding import Finding, Level
from twim.doctor.reading import Unreadable
from twim.doctor.schema import revisions
from twim.doctor.subject import Subject
from twim.storage.migrations import newest
from twim.storage.roles import has_administrator
from twim.storage.schema import user

TOPIC: Final = "administrators"


def look_at_administrators(subject: Subject) -> Iterator[Finding]:
    """Look for one who may log in."""
    if subject.config.operators:
        fix = "Make them administrators, with: twim user role mobile:MOBILE admin. Then leave --operators out."
        yield Finding(TOPIC, Level.WARNING, "--operators goes with the next release", fix)
    try:
        with subject.database.reading() as connection:
            if revisions(connection) != (newest(),):
                yield Finding(TOPIC, Level.NOTE, "not examined, since the schema isn't that of this release")
            elif has_administrator(connection):
                yield Finding(TOPIC, Level.OK, "there is an administrator who may log in")
            else:
                yield _nobody(connection.execute(select(user.c.id).limit(1)).first() is not None)
    except Unreadable as error:
        yield Finding(TOPIC, Level.NOTE, f"not examined, since the database can't be read: {error}")


def _nobody(has_users: bool) -> Finding:
    role = "twim user role USER admin"
    if has_users:
        return Finding(TOPIC, Level.WARNING, "there is no administrator", f"Make somebody one, with: {role}.")
    fix = (
        "Register on this machine, or with the setup code that the server's log has; whoever does so first becomes the"
        f" administrator. Later: {role}."
    )
    return Finding(TOPIC, Level.NOTE, "there is no administrator yet, and nobody has registered", fix)
