"""What the system allows: open files, connections that wait, and memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from twim.cluster.opening import RECEIVE_BUFFER
from twim.doctor.finding import Finding, Level
from twim.doctor.processes import lock_holder
from twim.doctor.subject import Subject
from twim.doctor.words import size
from twim.internals.sockets import BACKLOG

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

TOPIC: Final = "limits"
FILES: Final = 10_000  # each connection is one
FEW_FILES: Final = 1_024
PORTS: Final = 10_000  # a proxy on this machine uses one for each connection
MEMORY_BYTES: Final = 256 << 20  # a node takes about 100 MiB, and 20 KiB for each connection
_NET: Final = Path("/proc/sys/net")
_CGROUP: Final = Path("/sys/fs/cgroup/memory.max")
_FILES_FIX: Final = (
    "Raise it: LimitNOFILE=1048576 in the systemd unit, as deploy/twim.service has it, or `ulimit -Hn` elsewhere."
)


def look_at_limits(subject: Subject) -> Iterator[Finding]:
    """Examine those of the running server where it can be found, else those of whoever asks."""
    yield from _open_files(subject)
    yield from _kernel(subject.config.bus.startswith("udp:"))
    yield from _memory()


def _open_files(subject: Subject) -> Iterator[Finding]:
    path = subject.database.path
    pid = lock_holder(path.with_name(f"{path.name}.lock")) if path is not None else None
    of_server = _limit_of(pid) if pid else None
    if of_server is not None:
        yield judge_files(of_server, "the running server")
    elif resource is not None:
        yield judge_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1], "a server started from here")


def judge_files(count: int, whose: str) -> Finding:
    """What to say of a limit on open files; a negative one is none."""
    if 0 <= count < FILES:
        level = Level.ERROR if count < FEW_FILES else Level.WARNING
        return Finding(TOPIC, level, f"{whose} may open only {count} files, and so fewer connections", _FILES_FIX)
    many = "any number of" if count < 0 else str(count)
    return Finding(TOPIC, Level.OK, f"{whose} may open {many} files")


def _limit_of(pid: int) -> int | None:
    try:
        found = re.search(r"^Max open files\s+\S+\s+(\S+)", Path(f"/proc/{pid}/limits").read_text(), re.MULTILINE)
    except OSError:
        return None
    return None if found is None else -1 if found[1] == "unlimited" else int(found[1])


def _kernel(has_udp: bool) -> Iterator[Finding]:
    yield from judge_kernel(_NET, has_udp)


def judge_kernel(net: Path, has_udp: bool) -> Iterator[Finding]:
    """What to say of the settings in `net`, a folder like ``/proc/sys/net``."""
    wanted = [("core/somaxconn", BACKLOG, "connections may wait to be accepted")]
    wanted.append(("ipv4/tcp_max_syn_backlog", BACKLOG, "connections may wait to be made"))
    if has_udp:
        wanted.append(("core/rmem_max", RECEIVE_BUFFER, "bytes of the bus may wait to be read"))
    wrong = False
    for name, least, what in wanted:
        found = _numbers(net / name)
        if found and found[0] < least:
            wrong = True
            setting = f"net.{name.replace('/', '.')}"
            fix = f"Raise it: sysctl -w {setting}={least}, and the same line in /etc/sysctl.d/twim.conf."
            yield Finding(TOPIC, Level.WARNING, f"only {found[0]} {what} ({setting})", fix)
    ports = _numbers(net / "ipv4/ip_local_port_range")
    if len(ports) == 2 and ports[1] - ports[0] < PORTS:
        wrong = True
        fix = "Widen it: sysctl -w net.ipv4.ip_local_port_range='10240 65535'. Or let the proxy use a Unix socket."
        text = f"a proxy on this machine can make only {ports[1] - ports[0]} connections (ip_local_port_range)"
        yield Finding(TOPIC, Level.NOTE, text, fix)
    if not wrong and (net / "core/somaxconn").exists():
        yield Finding(TOPIC, Level.OK, "the kernel lets enough connections wait")


def _numbers(path: Path) -> list[int]:
    try:
        return [int(one) for one in path.read_text().split()]
    except (OSError, ValueError):
        return []


def _memory() -> Iterator[Finding]:
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return
    if found is not None:
        yield judge_memory(int(found[1]) * 1024, "is available on this machine")
    allowed = _numbers(_CGROUP)
    if allowed:
        yield judge_memory(allowed[0], "is allowed in this control group")


def judge_memory(count: int, what: str) -> Finding:
    """What to say of so much memory."""
    if count < MEMORY_BYTES:
        fix = f"Give the server {size(MEMORY_BYTES)} or more, or end other programs."
        return Finding(TOPIC, Level.WARNING, f"only {size(count)} of memory {what}", fix)
    return Finding(TOPIC, Level.OK, f"{size(count)} of memory {what}")
