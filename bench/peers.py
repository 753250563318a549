"""What "stored on disk, and answered" costs elsewhere: Redis and RabbitMQ, where they are installed.

They are private servers with their own data, on the core that the chat servers have, and do less than a chat server:
no tokens, memberships, sequences or histories.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol

from bench.load import Figures, Load, finish
from bench.measures import Measure, Results
from bench.servers import LOAD_CORE, Server, free_port, pin
from bench.subjects import Subject

RABBIT_HOMES = "/usr/lib/rabbitmq/bin"  # Debian's program in the path starts it as a user of its own
KINDS = ("redis", "rabbitmq")


class Peer(Subject, Protocol):
    """A subject that says what it did."""

    def notes(self) -> list[str]:
        """A line for below the table."""


def those_here(names: Sequence[str], program: Path, users: Path, folder: Path, seconds: float) -> list[Peer]:
    """The peers among `names` that can be measured here; one line for each that can't."""
    found: list[Peer] = []
    for name in names:
        if name == "redis":
            redis = shutil.which("redis-server")
            if redis:
                found.append(Redis(redis, program, users, folder, seconds))
            else:
                skip(name, "there is no redis-server (Debian: redis-server)")
        elif name == "rabbitmq":
            rabbit, epmd = shutil.which("rabbitmq-server", path=f"{RABBIT_HOMES}:/usr/sbin"), shutil.which("epmd")
            if not rabbit or not epmd:
                skip(name, "there is no rabbitmq-server (Debian: rabbitmq-server)")
            elif importlib.util.find_spec("pika") is None:
                skip(name, "there is no pika (pip install 'twim[bench]')")
            else:
                found.append(RabbitMQ(rabbit, epmd, folder, seconds))
    return found


def skip(name: str, why: str) -> None:
    """Say why a peer isn't measured."""
    print(f"{name} is left out: {why}", file=sys.stderr)


def fits(measure: Measure) -> bool:
    """Whether a run has a meaning for a server that knows nothing of chats: messages from one to another, as they are
    with a cid."""
    return measure.mode == "pair" and not measure.storm and bool(measure.options.get("cid", 1))


class Redis:
    """XADD to the stream of a conversation and PUBLISH to the peer, with every append on the disk before the answer.

    Each run has a new server: streams are kept in memory.
    """

    name = "Redis"

    def __init__(self, redis: str, program: Path, users: Path, folder: Path, seconds: float) -> None:
        self._redis = redis
        self._program = program
        self._options = {"users": users, "seconds": seconds, "redis": 1}
        self._folder = folder
        self._busiest = 0.0

    def __enter__(self) -> Redis:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def run(self, measure: Measure) -> Figures | None:
        """The figures of one run; a delivery counts when it has reached the peer."""
        if not fits(measure):
            return None
        with tempfile.TemporaryDirectory(prefix="redis-", dir=self._folder) as home:
            port = free_port()
            options = {
                "port": port,
                "bind": "127.0.0.1",
                "dir": home,
                "save": "",
                "appendonly": "yes",
                "appendfsync": "always",
                "auto-aof-rewrite-percentage": 0,
            }
            words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
            with Server("redis", [self._redis, *words], port, Path(home)) as server:
                figures = Load(self._program, server, measure.mode, **self._options, **measure.options).run()
        self._busiest = max(self._busiest, figures["load_busy"])
        return figures

    def settle(self) -> None:
        """Nothing: the server has ended."""

    def at_the_end(self) -> Results:
        """Nothing."""
        return {}

    def notes(self) -> list[str]:
        """What was measured."""
        said = subprocess.run([self._redis, "--version"], check=True, capture_output=True, text=True).stdout
        version = said.split("v=")[1].split()[0]
        return [
            f"Redis {version}, appendfsync always: XADD and PUBLISH, counted at the peer; the load took at most "
            f"{self._busiest:.0%} of its core."
        ]


class RabbitMQ:
    """Persistent messages to a quorum queue, each publisher on a connection of its own; they count when they are
    confirmed. Nobody consumes them."""

    name = "RabbitMQ"

    def __init__(self, rabbit: str, epmd: str, folder: Path, seconds: float) -> None:
        self._rabbit = rabbit
        self._epmd = epmd
        self._folder = folder
        self._seconds = seconds
        self._busiest = 0.0

    def __enter__(self) -> RabbitMQ:
        self._running = self._node()
        self._server = self._running.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.__exit__(kind, error, trace)

    def run(self, measure: Measure) -> Figures | None:
        """The figures of one run."""
        if not fits(measure):
            return None
        given = {"port": self._server.port, "pid": self._server.pid, "seconds": self._seconds} | measure.options
        command = [sys.executable, "-m", "bench.amqp", *(f"{name}={value}" for name, value in given.items())]
        prepare = lambda: pin(LOAD_CORE)  # noqa: E731
        figures = finish(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=prepare))
        self._busiest = max(self._busiest, figures["load_busy"])
        return figures

    def settle(self) -> None:
        """Wait until the queue is deleted."""
        self._server.settle()

    def at_the_end(self) -> Results:
        """Nothing."""
        return {}

    def notes(self) -> list[str]:
        """What was measured."""
        return [
            f"RabbitMQ {self._version}: one quorum queue on one node, counted when confirmed, nobody consumes; "
            f"the load (pika) took at most {self._busiest:.0%} of its core."
        ]

    @contextmanager
    def _node(self) -> Iterator[Server]:
        # A node finds its own name at a daemon (epmd), which would outlive it: this one is ours.
        with tempfile.TemporaryDirectory(prefix="rabbitmq-", dir=self._folder) as name:
            home, port, names = Path(name), free_port(), free_port()
            (home / "plugins").write_text("[].\n")
            settings = {
                "HOME": name,
                "ERL_EPMD_PORT": str(names),
                "RUNNING_UNDER_SYSTEMD": "1",  # no shell that waits between us and it
                "RABBITMQ_NODENAME": f"bench{port}@localhost",
                "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
                "RABBITMQ_NODE_PORT": str(port),
                "RABBITMQ_DIST_PORT": str(free_port()),
                "RABBITMQ_MNESIA_BASE": f"{name}/data",
                "RABBITMQ_LOG_BASE": f"{name}/log",
                "RABBITMQ_PID_FILE": f"{name}/pid",
                "RABBITMQ_ENABLED_PLUGINS_FILE": f"{name}/plugins",
                "RABBITMQ_CONFIG_FILE": f"{name}/none",
            }
            daemon = Server("epmd", [self._epmd, "-address", "127.0.0.1", "-port", str(names)], names, home)
            node = Server("rabbitmq", [self._rabbit], port, home, settings=settings)
            with daemon, node as server:
                self._version = _version(node.log)
                yield server


def _version(log: Path) -> str:
    words = log.read_text(errors="replace").split()
    return words[words.index("RabbitMQ") + 1] if "RabbitMQ" in words else ""
