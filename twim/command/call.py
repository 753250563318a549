"""One call of the command: what it was told, and what it has at hand."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from twim.command.screen import Column, Row, Screen
from twim.config import Config, read_config
from twim.operator.refused import Refused

if TYPE_CHECKING:
    from twim.command.acting import Acting

PAGE: Final = 200  # rows of one order
GIVEN: Final = "setting "
"""Begins the name under which the parser gives a setting, so that no argument has it."""


class Misused(Exception):
    """What was said makes no command, though the parser took it."""


class Call:
    """`given` is what the parser read."""

    def __init__(self, given: Namespace, screen: Screen) -> None:
        self.given = given
        self.screen = screen
        self._acting: Acting | None = None

    @property
    def options(self) -> dict[str, str]:
        """The settings among the options, by their names, and `config`."""
        given = {name.removeprefix(GIVEN): one for name, one in vars(self.given).items() if name.startswith(GIVEN)}
        return {name: " ".join(one) if isinstance(one, list) else one for name, one in given.items()}

    @cached_property
    def config(self) -> Config:
        """The settings as the server would find them. `ConfigError`."""
        return read_config(dict(self.options))

    def act(self, name: str, /, **values: object) -> dict[str, Any]:
        """Have an act carried out, and give its result. `Refusal`, `Refused`."""
        # Not before it is wanted: it brings the whole server.
        from twim.command.acting import Acting

        if self._acting is None:
            self._acting = Acting(self.config, self.screen.note)
        return self._acting.act(name, values)

    def list(self, name: str, columns: Sequence[Column], /, **values: object) -> None:
        """Show the first rows of a list, as many as ``--limit`` says. Says so when there are more."""
        rows: list[Row] = []
        wanted, before, more = int(self.given.limit), 0, True
        while more and len(rows) < wanted:
            found = self.act(name, **values, before=before, limit=min(PAGE, wanted - len(rows)))
            rows += found["rows"]
            before = found.get("next", 0)
            more = bool(before)
        self.screen.rows(rows, columns)
        if more:
            self.screen.note(f"these are the first {len(rows)}; --limit shows more")

    def confirm(self, question: str) -> None:
        """Ask on a terminal whether it is meant; elsewhere ``--yes`` must say so. `Refused` if it isn't meant."""
        if self.given.yes:
            return
        if not sys.stdin.isatty():
            raise Refused(f"{question} Say --yes if you mean it; nothing was done")
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Refused("nothing was done")

    def close(self) -> None:
        """End what was begun."""
        if self._acting is not None:
            self._acting.close()
