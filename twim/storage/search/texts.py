"""What of a stored message is searched."""

from __future__ import annotations

from typing import Final

import msgspec

from twim.wire.commands import EVENTS, NOTICE

_NEVER: Final = EVENTS | {NOTICE}


class Said(msgspec.Struct, gc=False):
    """Of a stored message what searching looks at."""

    media: int = 0
    userid: int = 0
    content: str = ""
    memo: str = ""
    at: int = 0
    recalled: int = 0

    @property
    def may_have_words(self) -> bool:
        """Whether it is a message, which may be edited, and no event or notice."""
        return self.media not in _NEVER

    @property
    def text(self) -> str:
        """The words by which it is found; none of what was recalled."""
        if self.recalled or self.media in _NEVER:
            return ""
        return f"{self.content}\n{self.memo}" if self.memo else self.content


said_in: Final = msgspec.json.Decoder(Said).decode
"""What a stored body says."""
