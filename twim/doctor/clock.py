"""The clock: messages, sessions and invitations carry times, and all nodes should mean the same by them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Final, NamedTuple

from sqlalchemy import text

from twim.doctor.finding import Finding, Level
from twim.doctor.reading import Unreadable
from twim.doctor.subject import Subject

TOPIC: Final = "clock"
APART_SECONDS: Final = 2.0  # people see messages in the wrong order from about here on
FAR_SECONDS: Final = 60.0  # sessions, invitations and signatures end at the wrong time
OLDEST: Final = 1_767_225_600.0  # 1 January 2026: this program is younger
_NOW: Final = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
    "mysql": "SELECT unix_timestamp(now(6))",
}
_SYNCHRONISE: Final = "Let it be set by the network's time, with: timedatectl set-ntp true (or install chrony)."
# adjtimex(2): the structure's `status` comes after an int and four longs; longs are aligned to their size.
_STATUS_AT: Final = 5 * ctypes.sizeof(ctypes.c_long)
_STRUCTURE_BYTES: Final = 512  # it has 208
UNSYNCHRONISED: Final = 0x40
TIME_ERROR: Final = 5


class KernelClock(NamedTuple):
    """What the kernel says of its clock: the result of adjtimex(2), and its status."""

    state: int
    status: int

    @property
    def is_set(self) -> bool:
        """Whether something keeps it right."""
        return self.state != TIME_ERROR and not self.status & UNSYNCHRONISED


def look_at_clock(subject: Subject) -> Iterator[Finding]:
    """Compare it with the database server's, and ask the kernel whether something sets it."""
    if subject.clock() < OLDEST:
        yield Finding(TOPIC, Level.ERROR, "this machine's clock is years behind", _SYNCHRONISE)
    yield judge_kernel(kernel_clock())
    if subject.database.path is not None:
        return
    try:
        with subject.database.reading() as connection:
            before = subject.clock()
            theirs = float(connection.execute(text(_NOW[connection.dialect.name])).scalar_one())
            yield _compare(theirs, before, subject.clock())
    except Unreadable as error:
        yield Finding(TOPIC, Level.NOTE, f"the database server's clock isn't known, since it can't be read: {error}")


def judge_kernel(found: KernelClock | None) -> Finding:
    """What to say of the kernel's answer."""
    if found is None:
        return Finding(TOPIC, Level.NOTE, "this system doesn't tell whether its clock is set by the network's time")
    if found.is_set:
        return Finding(TOPIC, Level.OK, "this machine's clock is set by the network's time")
    return Finding(TOPIC, Level.WARNING, "this machine's clock isn't set by the network's time", _SYNCHRONISE)


def kernel_clock() -> KernelClock | None:
    """Ask for the state of the kernel's clock and change nothing; None where that can't be asked."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError, TypeError):  # not Linux
        return None
    structure = ctypes.create_string_buffer(_STRUCTURE_BYTES)
    state = int(adjtimex(structure))
    if state < 0:
        return None
    return KernelClock(state, ctypes.c_int.from_buffer(structure, _STATUS_AT).value)


def _compare(theirs: float, before: float, after: float) -> Finding:
    # What the question took isn't counted as a difference.
    apart = max(before - theirs, theirs - after, 0.0)
    if apart <= APART_SECONDS:
        return Finding(TOPIC, Level.OK, "this machine's clock agrees with the database server's")
    level = Level.ERROR if apart > FAR_SECONDS else Level.WARNING
    where = "behind" if before < theirs else "ahead of"
    return Finding(TOPIC, level, f"this machine's clock is {apart:.0f} s {where} the database server's", _SYNCHRONISE)
