"""``twim run`` and ``twim version``."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from twim.command.call import Call
from twim.command.parsing import Command
from twim.operator.refused import Refused


def _run(call: Call) -> None:
    run_in_foreground([part for name, value in call.options.items() for part in (f"--{name}", value)])


def run_in_foreground(options: Sequence[str]) -> None:
    """Run the server, as ``twistd -n im`` with these options does, until it is stopped. No pid file is read or
    written: what keeps two servers from one database is the lock on it."""
    # Not before it is wanted: it brings the reactor.
    from twisted.python import usage
    from twisted.scripts import twistd

    program: Any = twistd
    server = program.ServerOptions()
    try:
        server.parseOptions(["--nodaemon", "--pidfile=", "im", *options])
    except usage.UsageError as error:
        raise Refused(f"twistd doesn't start: {error}") from None
    program.runApp(server)


def _version(call: Call) -> None:
    from twim.node import twim_version

    found = {"twim": twim_version(), "python": platform.python_version(), "twisted": version("twisted")}
    call.screen.done(found, f"twim {found['twim']} (Python {found['python']}, Twisted {found['twisted']})")


COMMANDS: Final = (
    Command("run", "run the server in the foreground, as `twistd -n im` does", _run, all_settings=True),
    Command("version", "which version this is", _version),
)
