"""Where the log goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from twim.doctor.finding import Finding, Level
from twim.doctor.processes import may_write, name_of, server_user
from twim.doctor.subject import Subject

TOPIC: Final = "logs"
STDOUT: Final = "-"


def look_at_logs(subject: Subject) -> Iterator[Finding]:
    """Whether its file can be written and rotated: that makes files in its folder."""
    named = subject.config.log_file
    if named in ("", STDOUT):
        where = "standard output" if named else "standard output, or twistd.log for a server in the background"
        yield Finding(TOPIC, Level.OK, f"the log goes to {where}")
        return
    path = Path(named).absolute()
    uid = server_user(subject.config.data)
    who = name_of(uid)
    if not path.parent.is_dir():
        fix = f"Make it: mkdir -p {path.parent} && chown {who} {path.parent}."
        yield Finding(TOPIC, Level.ERROR, f"the log's folder {path.parent} isn't there", fix)
    elif not may_write(path.parent, uid):
        fix = f"Give it to that user: chown {who} {path.parent}. Rotating the log makes files there."
        yield Finding(TOPIC, Level.ERROR, f"the log's folder {path.parent} can't be written by {who}", fix)
    elif path.exists() and not may_write(path, uid):
        fix = f"Give it to that user: chown {who} {path}."
        yield Finding(TOPIC, Level.ERROR, f"the log {path} can't be written by {who}", fix)
    else:
        yield Finding(TOPIC, Level.OK, f"the log {path} can be written and rotated by {who}")
