"""Who runs the command."""

from __future__ import annotations

import getpass
import os

try:
    import pwd
except ImportError:  # Windows
    pwd = None  # type: ignore[assignment]


def account_name() -> str:
    """The account of the system that runs this command, for the audit log: ``command:root``."""
    if pwd is None:
        return f"command:{getpass.getuser()}"
    number = os.getuid()
    try:
        return f"command:{pwd.getpwuid(number).pw_name}"
    except KeyError:  # it has no name, as in a container
        return f"command:{number}"
