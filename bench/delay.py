"""A slow network: everything that passes through it is delayed in both directions, and connecting takes a round
trip."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType


class Delay:
    """Forwards `port` (its own) to `to` on 127.0.0.1, `rtt` seconds there and back. `with` runs and stops it."""

    def __init__(self, to: int, rtt: float) -> None:
        self._to = to
        self._rtt = rtt
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Delay:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        server.close()
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The kernel has answered the client's SYN at once, so the round trip of connecting is waited for here.
        await asyncio.sleep(self._rtt)
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer), return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                self._loop.call_later(self._rtt / 2, writer.write, data)
        finally:
            self._loop.call_later(self._rtt / 2, writer.close)
