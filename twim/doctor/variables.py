"""Environment variables that look like settings and are none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from twim.config import unknown_variables
from twim.doctor.finding import Finding, Level
from twim.doctor.subject import Subject

TOPIC: Final = "variables"


def look_at_variables(subject: Subject) -> Iterator[Finding]:
    """Those that this command sees: the server's own are given where it is started."""
    unknown = unknown_variables(subject.environ)
    for name in unknown:
        fix = "Correct its name where the server is started, or remove it."
        yield Finding(TOPIC, Level.WARNING, f"the environment variable {name} is no setting", fix)
    if not unknown:
        yield Finding(TOPIC, Level.OK, "every variable TWIM_… is a setting")
