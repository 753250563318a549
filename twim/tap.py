"""``twistd im``: the options, and the service that they configure.

`twim.config` has the table of settings; `twim.node` puts the parts together.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.application.service import Service
from twisted.logger import Logger
from twisted.python import usage

from twim.config import SETTINGS, Config, ConfigError, read_config, unknown_variables
from twim.internals.reactor import use_monotonic_clock
from twim.logs.destination import STDOUT, LogDestination, choose
from twim.pidfile import settle
from twim.service import NodeService, check_login, check_ports

_log = Logger()


class Options(usage.Options):
    """Every setting as an option. A wrong option ends the program with one line and status 1."""

    optParameters = [  # noqa: RUF012 (twisted's way of declaring)
        ["config", "c", None, "A TOML file with any of the settings below, as in: port = 'tcp:8080'"],
        # Defaults are applied later: an option that isn't given here may be given in the environment or the file.
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

    def opt_login(self, value: str) -> None:
        """Given twice, both count."""
        self["login"] = f"{self['login'] or ''} {value}".strip()

    opt_login.__doc__ = next(one.help for one in SETTINGS if one.repeated)

    def postOptions(self) -> None:
        """Twisted's hook: everything is read and checked before the reactor runs."""
        self["log"] = None
        try:
            self["settings"] = read_config({k: v for k, v in self.items() if v is None or isinstance(v, str)})
            check_ports(self["settings"])
            check_login(self["settings"])
            if self.parent is not None:
                self["log"] = take_log(self.parent, self["settings"])
        except ConfigError as error:
            raise SystemExit(f"twim: {error}") from None
        if self.parent is not None:
            settle(self.parent)
        for name in unknown_variables():
            # Orchestrators inject some; it is written once there is a log.
            _log.warn("the environment variable {name} is no setting", name=name)


def take_log(twistd: usage.Options, config: Config) -> LogDestination | None:
    """Have twistd write its log as the settings say, unless it was given an observer or the system's log."""
    if twistd.get("logger") or twistd.get("syslog"):
        return None
    in_foreground = bool(twistd.get("nodaemon") or twistd.get("debug"))
    file = config.log_file or twistd.get("logfile") or (STDOUT if in_foreground else "twistd.log")
    if file == STDOUT and not in_foreground:
        raise ConfigError("--log-file -: a server in the background has no standard output")
    try:
        log = LogDestination(file, config.log_bytes, config.log_count, config.log_json)
    except OSError as error:
        raise ConfigError(f"--log-file {file}: {error.strerror}") from None
    twistd["logger"] = choose(log)
    return log


def makeService(options: Options) -> Service:
    """The server of these options."""
    from twisted.internet import reactor

    use_monotonic_clock(reactor)
    return NodeService(options["settings"], reactor, options["log"])
