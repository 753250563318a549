"""Fixtures of the tests that talk to a really running server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from test.running.server import Server
from test.running.tally import Tally


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a module; each test registers users of its own."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


_tally = Tally()


@pytest.fixture
def tally() -> Tally:
    """Where the fault-injection runs write their counts."""
    return _tally


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the counts, and write them into the file that was asked for."""
    if _tally.table():
        terminalreporter.write_line(_tally.table())
    _tally.write()
