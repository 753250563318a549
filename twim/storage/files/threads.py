"""Threads that only the files use, so that a slow disk or a large picture delays nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class FileThreads:
    """A small pool of threads. `run` makes a blocking call in it.

    What waits for a thread is bounded by the callers: one call an upload, one an answer being sent.
    """

    def __init__(self, reactor: Any, name: str, size: int) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, size, name)

    def start(self) -> None:
        self._pool.start()

    def stop(self) -> None:
        """Wait for the calls that are under way."""
        self._pool.stop()

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        result: T = await deferToThreadPool(self._reactor, self._pool, call, *args)
        return result
