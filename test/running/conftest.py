"""Fixtures of the tests that talk to a really running server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from test.running.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a module; they keep apart by registering users of their own."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running
