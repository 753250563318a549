"""Why Autobahn's client could not open a connection.

It relies on Autobahn 26.10, whose `WebSocketClientProtocol.processHandshake` gives the HTTP status of a refusal only
in a text: https://github.com/crossbario/autobahn-python/blob/v26.10.2/src/autobahn/websocket/protocol.py
"""

from __future__ import annotations

import re
from typing import Any, Final

_REFUSED: Final = re.compile(r"upgrade failed \[([0-9]+)\]")


def refused_status(protocol: Any) -> int:
    """The HTTP status with which the server refused the upgrade, from ``… upgrade failed [401]: …``; 0 when it did not
    refuse it."""
    found = _REFUSED.search(protocol.wasNotCleanReason or "")
    return int(found[1]) if found else 0
