"""All topics, one after the other."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from twim.config import Config
from twim.doctor.administrators import look_at_administrators
from twim.doctor.backups import look_at_backups
from twim.doctor.bus import look_at_bus
from twim.doctor.certificates import look_at_certificates
from twim.doctor.clock import look_at_clock
from twim.doctor.database import look_at_database
from twim.doctor.disk import look_at_disk
from twim.doctor.files import look_at_files
from twim.doctor.finding import Finding, Level
from twim.doctor.limits import look_at_limits
from twim.doctor.login import look_at_login
from twim.doctor.logs import look_at_logs
from twim.doctor.nodes import look_at_nodes
from twim.doctor.port import look_at_port
from twim.doctor.proxies import look_at_proxies
from twim.doctor.reading import DatabaseReader
from twim.doctor.schema import look_at_schema
from twim.doctor.subject import BACKUP_DAYS, Look, Subject
from twim.doctor.variables import look_at_variables

TOPICS: Final[Mapping[str, Look]] = {
    "database": look_at_database,
    "schema": look_at_schema,
    "administrators": look_at_administrators,
    "nodes": look_at_nodes,
    "disk": look_at_disk,
    "limits": look_at_limits,
    "clock": look_at_clock,
    "port": look_at_port,
    "bus": look_at_bus,
    "files": look_at_files,
    "certificates": look_at_certificates,
    "proxies": look_at_proxies,
    "login": look_at_login,
    "backups": look_at_backups,
    "variables": look_at_variables,
    "logs": look_at_logs,
}
"""In the order in which they are told."""


def examine(
    config: Config,
    *,
    environ: Mapping[str, str] = os.environ,
    write: bool = False,
    url: str = "",
    backups: Path | None = None,
    backup_days: int = BACKUP_DAYS,
    clock: Callable[[], float] = time.time,
) -> list[Finding]:
    """Examine the installation that `config` describes, topic by topic. Blocks, each question to another program for a
    few seconds at most.

    `write` also stores a small object among the files and deletes it. `url` is the address that people use, as
    ``https://chat.example.org``, by which the way through a proxy is tried. `backups` is the folder of the backups (the
    folder ``backups`` in DATA unless given), of which the newest should be younger than `backup_days`. `clock` gives
    seconds since 1970.
    """
    subject = Subject(
        config=config,
        database=DatabaseReader(config.db),
        environ=environ,
        clock=clock,
        write=write,
        url=url.rstrip("/"),
        backups=backups,
        backup_days=backup_days,
    )
    return [finding for topic, look in TOPICS.items() for finding in _look(topic, look, subject)]


def _look(topic: str, look: Look, subject: Subject) -> Iterator[Finding]:
    try:
        yield from look(subject)
    except Exception as error:  # the other topics are examined all the same
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        yield Finding(topic, Level.ERROR, f"it can't be examined: {why}", "Report this as a bug, with this line.")
