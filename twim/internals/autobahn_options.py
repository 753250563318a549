"""Autobahn's options as attributes of a class, instead of copies in each connection.

It relies on Autobahn 26.10: `WebSocketProtocol._connectionMade` copies each option named in `CONFIG_ATTRS` from the
factory, and formats all of them for a debug log: a quarter of the cost of a connect.
https://github.com/crossbario/autobahn-python/blob/v26.10.2/src/autobahn/websocket/protocol.py
"""

from __future__ import annotations

from functools import cached_property
from types import FunctionType
from typing import Any

from autobahn.websocket.utf8validator import Utf8Validator


def with_options(protocol: type[Any], factory: Any) -> type[Any]:
    """A subclass of `protocol` that has the options which `factory` has now."""
    options = {name: getattr(factory, name) for name in protocol.CONFIG_ATTRS}
    # A plain function, as the one that accepts compression offers, would become a method of the class.
    attributes: dict[str, Any] = {
        name: staticmethod(value) if isinstance(value, FunctionType) else value for name, value in options.items()
    }
    # Made when a message is first parsed by Autobahn, which few connections ever have.
    attributes["utf8validator"] = cached_property(lambda _: Utf8Validator())
    return type(protocol.__name__, (protocol,), attributes | {"CONFIG_ATTRS": ()})
