"""The private parts of Twisted's transports that this server needs, each under a public name.

Everything here relies on Twisted 26.10:
https://github.com/twisted/twisted/blob/twisted-26.10.0/src/twisted/internet/abstract.py (`FileDescriptor`) and
https://github.com/twisted/twisted/blob/twisted-26.10.0/src/twisted/protocols/tls.py (`BufferingTLSTransport`).
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.abstract import FileDescriptor
from twisted.protocols.policies import ProtocolWrapper


def bytes_waiting(transport: Any) -> int:
    """How many bytes a transport has taken and not yet given to the kernel, in all of its layers."""
    waiting = 0
    while transport is not None and not isinstance(transport, FileDescriptor):
        # TLS: what OpenSSL doesn't take yet, and what is collected for one record.
        collected = getattr(getattr(transport, "_aggregator", None), "_buffer", ())
        waiting += sum(map(len, getattr(transport, "_appSendBuffer", ()))) + sum(map(len, collected))
        transport = getattr(transport, "transport", None)
    if transport is not None:
        waiting += len(transport.dataBuffer) - transport.offset + transport._tempDataLen
    return waiting


def is_unwritten(transport: Any) -> bool:
    """Whether a transport without layers (a `FileDescriptor`) holds bytes that it hasn't given to the kernel."""
    return bool(transport._tempDataBuffer or transport.dataBuffer)


def pause_until_written(transport: Any) -> bool:
    """Let a transport pause its producer as if it were full, until it has written everything; False if it has."""
    while not isinstance(transport, FileDescriptor):
        # TLS collects what is written in one iteration of the reactor.
        aggregator = getattr(transport, "_aggregator", None)
        if aggregator is not None:
            aggregator.flush()
        transport = getattr(transport, "transport", None)
        if transport is None:
            return False
    if not bytes_waiting(transport) or transport.producer is None:
        return False
    transport.producerPaused = True
    cast(Any, transport.producer).pauseProducing()
    return True


def plain_socket(transport: Any) -> Any:
    """The socket of a connection that carries its bytes as they are; None for TLS, which wraps a transport and passes
    on to it what it doesn't have itself."""
    return None if isinstance(transport, ProtocolWrapper) else getattr(transport, "socket", None)
