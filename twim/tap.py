"""``twistd im``: the options, and the service of what they say.

`twim.config` has the table of settings; `twim.node` puts the parts together.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

from twisted.application.service import Service
from twisted.python import usage

from twim.config import SETTINGS, ConfigError, read_config
from twim.service import NodeService, check_ports


class Options(usage.Options):
    """Every setting as an option. What can't be used ends the program with one line and status 1."""

    optParameters = [  # noqa: RUF012 (twisted's way of declaring)
        ["config", "c", None, "A TOML file with any of the settings below, as in: port = 'tcp:8080'"],
        # Their defaults come later, so that what isn't given here can be given elsewhere.
        *[[one.name, one.letter, None, one.help] for one in SETTINGS],
    ]

    longdesc = (
        "Every option can also be an environment variable (TWIM_UPLOAD_LIMIT for --upload-limit) or a line of the"
        " config file. The command line wins over the environment, and that over the file."
    )

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Twisted's hook."""
        try:
            super().parseOptions(options)  # type: ignore[no-untyped-call]
        except usage.UsageError as error:
            raise SystemExit(f"twim: {error} (see: twistd im --help)") from None

    def postOptions(self) -> None:
        """Twisted's hook: everything is read and checked before the reactor runs."""
        try:
            self["settings"] = read_config({k: v for k, v in self.items() if v is None or isinstance(v, str)})
            check_ports(self["settings"])
        except ConfigError as error:
            raise SystemExit(f"twim: {error}") from None


def makeService(options: Options) -> Service:
    """The server of these options."""
    from twisted.internet import reactor

    # Twisted's timers follow the wall clock: set back an hour, every pending one would wait an hour longer.
    steady: Any = reactor
    steady.seconds = monotonic
    return NodeService(options["settings"], reactor)
