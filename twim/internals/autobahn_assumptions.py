"""What the shortcuts past Autobahn assume of it, compared with the installed version.

Each check opens a connection in Autobahn's own way, on a transport that only keeps what is written, and looks at it.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sized
from typing import Any, Final

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.utf8validator import Utf8Validator
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, Logger
from zope.interface import implementer

from twim.internals.autobahn_closing import ClosingProtocol
from twim.internals.autobahn_handshake import acceptance
from twim.internals.autobahn_opened import OpenedState, Traffic
from twim.internals.autobahn_options import with_options

_KEY: Final = b"dGhlIHNhbXBsZSBub25jZQ=="
_REQUEST: Final = (
    b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n" % _KEY
)
_OWN: Final = frozenset({"connected", "factory", "transport", "utf8validator"})
"""What each connection has of its own, or is an option (see `with_options`)."""
_OF_REQUEST: Final = frozenset(
    {
        "_wskey",
        "http_headers",
        "http_request_data",
        "http_request_host",
        "http_request_params",
        "http_request_path",
        "http_request_uri",
        "http_response_data",
        "http_status_line",
        "websocket_origin",
    }
)
"""What Autobahn keeps of a handshake and reads no more once the connection is open."""
_NOT_COMPARED: Final = frozenset({"_results", "_transport_details", "is_closed", "is_open", "peer", "state"})


class _Wire:
    """A transport that keeps what is written."""

    disconnecting = False

    def __init__(self) -> None:
        self.written = b""
        self.ended = ""

    def write(self, data: bytes) -> None:
        self.written += data

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 1)

    getHost = getPeer

    def unregisterProducer(self) -> None:
        pass

    def loseConnection(self) -> None:
        self.ended = "closed"

    def abortConnection(self) -> None:
        self.ended = "aborted"


def _opened(options_in_class: bool = False, protocol: type[Any] = WebSocketServerProtocol) -> tuple[Any, _Wire]:
    """A connection after its handshake, and its transport."""
    factory: Any = WebSocketServerFactory(reactor=Clock())
    factory.setProtocolOptions(versions=[13], openHandshakeTimeout=0, autoPingInterval=0)
    factory.protocol = with_options(protocol, factory) if options_in_class else protocol
    made = factory.buildProtocol(None)
    wire = _Wire()
    made.makeConnection(wire)
    made.dataReceived(_REQUEST)
    return made, wire


def of_options() -> Iterator[str]:
    """Each option is copied from the factory, and an option of the class is used instead."""
    plain, _ = _opened()
    for name in WebSocketServerProtocol.CONFIG_ATTRS:
        if vars(plain).get(name, plain) != getattr(plain.factory, name):
            yield f"the option {name} is not copied from the factory"
    if not isinstance(vars(plain).get("utf8validator"), Utf8Validator):
        yield "a connection has no utf8validator of its own"
    other, _ = _opened(options_in_class=True)
    copied = set(WebSocketServerProtocol.CONFIG_ATTRS) & set(vars(other))
    if copied:
        yield f"options of the class are copied all the same: {', '.join(sorted(copied))}"
    if other.state != other.STATE_OPEN:
        yield "a connection whose options are in its class does not open"


def of_frames() -> Iterator[str]:
    """A connection between two messages is known by its attributes, and there is a timer to stop."""
    plain, _ = _opened()
    differences = list(_between_messages(plain))
    yield from differences
    if differences:
        return
    plain.dataReceived(b"\x01\x80mask")
    if not plain.inside_message:
        yield "inside_message does not tell that a message has begun"
    plain.dataReceived(b"\x80")
    if not (plain.data or plain.current_frame):
        yield "neither data nor current_frame tells that a frame has begun"


def _between_messages(plain: Any) -> Iterator[str]:
    for name, value in (("data", b""), ("current_frame", None), ("inside_message", False)):
        if getattr(plain, name, plain) != value:
            yield f"{name} of an open connection is not {value!r}"
    if plain.state != plain.STATE_OPEN:
        yield "state of an open connection is not STATE_OPEN"
    for name in ("autoPingTimeoutCall", "autoPingRestartOnAnyTraffic"):
        if not hasattr(plain, name):
            yield f"a connection has no {name}"
    stop = getattr(plain, "_cancelAutoPingTimeoutCall", None)
    if not callable(stop) or inspect.signature(stop).parameters:
        yield "_cancelAutoPingTimeoutCall() is missing or takes arguments"


def of_handshake() -> Iterator[str]:
    """What Autobahn sets on a connection that it opens is what `OpenedState` has."""
    plain, wire = _opened()
    mirrored = {name for name in vars(OpenedState) if not name.startswith("__")} - {"connectionMade", "connectionLost"}
    found = set(vars(plain)) - set(plain.CONFIG_ATTRS) - _OWN - _OF_REQUEST
    if found - mirrored:
        yield f"an open connection also has {', '.join(sorted(found - mirrored))}"
    if mirrored - found:
        yield f"an open connection has no {', '.join(sorted(mirrored - found))}"
    for name in sorted(found & mirrored - _NOT_COMPARED):
        if not _same(getattr(plain, name), getattr(OpenedState, name)):
            yield f"{name} of an open connection is {getattr(plain, name)!r}"
    if _lines(wire.written) != _lines(acceptance(_KEY)):
        yield "an ordinary handshake has another answer"


def _same(theirs: object, ours: object) -> bool:
    if isinstance(ours, Traffic):
        return set(vars(theirs)) <= {name for name in dir(ours) if not name.startswith("__")}
    if isinstance(theirs, Sized) and not isinstance(theirs, (str, bytes)) and isinstance(ours, Sized):
        return list(theirs) == list(ours)  # type: ignore[call-overload, no-any-return]
    return theirs == ours


def _lines(answer: bytes) -> set[bytes]:
    return {line.lower() for line in answer.split(b"\r\n") if not line.lower().startswith(b"server:")}


@implementer(ILogObserver)
def _unheard(event: LogEvent) -> None:
    """Log nothing."""


def of_closing() -> Iterator[str]:
    """Every end of a connection calls `_closeConnection`."""
    told: list[object] = []
    made, wire = _opened(protocol=type("Closing", (ClosingProtocol,), {"close_begun": lambda self: told.append(self)}))
    made.log = Logger(observer=_unheard)  # no warning of this in the server's log
    made.dropConnection(abort=True)
    if wire.ended != "aborted" or not told:
        yield "dropConnection does not call _closeConnection(abort)"
