"""How Autobahn ends a connection.

It relies on Autobahn 26.10: everything that ends a connection calls `WebSocketAdapterProtocol._closeConnection`,
https://github.com/crossbario/autobahn-python/blob/v26.10.2/src/autobahn/twisted/websocket.py
"""

from __future__ import annotations

from autobahn.twisted.websocket import WebSocketServerProtocol


class ClosingProtocol(WebSocketServerProtocol):
    """Autobahn's server side, which loses nothing at the end of a connection and tells when that begins."""

    def close_begun(self) -> None:
        """The transport was told to close; what it still holds may wait for the peer."""

    def _closeConnection(self, abort: bool = False) -> None:
        # When the peer's close ends a closing handshake that we began, Autobahn aborts the connection. What was written
        # in the same iteration of the reactor would be lost: the 1002 that answers a wrong close code, and messages
        # before it.
        super()._closeConnection(abort and not self.wasClean)
        self.close_begun()
