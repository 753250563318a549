"""Runs a server as on a system that lacks what only Unix or only Linux has: our modules can't import those of the
standard library, and what others lack of `os`, `select` and `socket` is gone. The reactor is the one of `select`.

python -m test.internals.other_system DATA PORT
python -m test.internals.other_system doctor DATA PORT
python -m test.internals.other_system backup DATA FILE
"""

from __future__ import annotations

import builtins
import os
import select
import shutil
import signal
import socket
import sys
from types import SimpleNamespace
from typing import Any

HIDDEN = ("fcntl", "resource", "pwd", "grp", "spwd", "termios", "tty", "pty", "syslog", "posix")
LACKING: dict[Any, tuple[str, ...]] = {
    select: ("epoll", "poll", "EPOLLIN", "EPOLLHUP"),
    socket: ("TCP_USER_TIMEOUT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "SO_REUSEPORT"),
    os: (
        *("set_blocking", "sysconf", "statvfs", "ST_RDONLY", "geteuid", "getuid", "getgid", "getgrouplist", "chown"),
        *("fchmod", "fork", "killpg", "getpgid", "sched_getaffinity", "getloadavg"),
    ),
    signal: (
        "SIGHUP",
        "SIGUSR1",
        "SIGUSR2",
        "SIGALRM",
        "SIGVTALRM",
        "SIGPROF",
        "SIGIO",
        "SIGPWR",
        "SIGRTMIN",
        "SIGRTMAX",
    ),
}

import_module = builtins.__import__


def import_what_is_there(name: str, where: Any = None, *more: Any, **named: Any) -> Any:
    """As `__import__`."""
    if name.partition(".")[0] in HIDDEN and where and str(where.get("__name__", "")).startswith("twim"):
        raise ImportError(f"no {name} on this system")
    return import_module(name, where, *more, **named)


def hide() -> None:
    """Take away what isn't there, after Twisted has what it needs of it on this system."""
    from twisted.internet import selectreactor

    selectreactor.install()
    # The standard library's own works without them there.
    shutil.os = SimpleNamespace(**vars(os))
    import autobahn.twisted.websocket
    import twisted.internet.process
    import twisted.python.logfile
    import twisted.web.server

    assert autobahn.twisted.websocket and twisted.internet.process and twisted.python.logfile and twisted.web.server
    for module, names in LACKING.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    builtins.__import__ = import_what_is_there


def serve(data: str, port: str) -> None:
    """Run a server."""
    from twisted.internet import reactor as _reactor
    from twisted.logger import globalLogBeginner, textFileLogObserver

    reactor: Any = _reactor
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)], redirectStandardIO=False)
    from twim.storage.sqlite import committer
    from twim.tap import Options, makeService

    committer.USES_SOCKETS = True
    options = Options()
    options.parseOptions(["--data", data, "--port", f"tcp:{port}:interface=127.0.0.1", "--limits", "off"])
    service = makeService(options)
    service.startService()
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()


def doctor(data: str, port: str) -> None:
    """Print what the doctor finds, each in one line."""
    from twim.config import read_config
    from twim.doctor import examine

    place = f"tcp:{port}:interface=127.0.0.1"
    config = read_config({"data": data, "port": place, "log-file": f"{data}.log"}, {})
    for one in examine(config, environ={}, write=True):
        print(one.topic, one.level.value, one.text)


def backup(data: str, file: str) -> None:
    """Copy the database."""
    from twim.operator.__main__ import main

    sys.exit(main(["backup", f"{data}/im.db", file]))


if __name__ == "__main__":
    hide()
    if sys.argv[1] in ("doctor", "backup"):
        {"doctor": doctor, "backup": backup}[sys.argv[1]](*sys.argv[2:])
    else:
        serve(*sys.argv[1:])
