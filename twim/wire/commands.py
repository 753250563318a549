"""The numbers of the protocol: what a frame is for (`cmd`), how a message is shown (`media`), where it goes (`scope`).

0, 10, 11 and media 1–9 and 100 are the original Go server's; the others are this server's own.
"""

from __future__ import annotations

from typing import Final

HEARTBEAT: Final = 0
ANSWER: Final = 1
CATCH_UP: Final = 4
TYPING: Final = 5
READ: Final = 6
PRESENCE: Final = 7
CHANGED: Final = 8
SINGLE: Final = 10
GROUP: Final = 11

SCOPES: Final = (SINGLE, GROUP)
"""A conversation's scope is the `cmd` of its messages."""

TEXT: Final = 1
NEWS: Final = 2
VOICE: Final = 3
IMAGE: Final = 4
RED_PACKET: Final = 5
EMOJI: Final = 6
LINK: Final = 7
VIDEO: Final = 8
CONTACT: Final = 9
RECALL: Final = 20
EDIT: Final = 21
REACTION: Final = 22
NOTICE: Final = 23
CUSTOM: Final = 100

SENDABLE: Final = frozenset({*range(TEXT, CONTACT + 1), RECALL, EDIT, REACTION, CUSTOM})
"""What a client may send; a notice is the server's alone."""

EVENTS: Final = frozenset({RECALL, EDIT, REACTION})
"""Messages that change how an earlier one (`ref`) is shown."""
