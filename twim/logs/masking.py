"""What must not stand in a log: the secret parts of addresses. They come with what a client asked for, with errors of
libraries, and with whatever else is written without a thought of them."""

from __future__ import annotations

import re
from typing import Final

PATHS: Final = ("i", "reset", "hook")
"""``/i/CODE`` and so on: who knows the last part of these paths may do something by it."""
PARAMETERS: Final = (
    *("token", "passwd", "newpasswd", "code", "invite", "setup", "jwt"),
    *("sig", "signature", "s", "x-amz-signature", "x-amz-credential", "x-amz-security-token"),
)
"""Names of fields of a query that are secret, signatures among them."""
MASK: Final = "…"

_PATH: Final = re.compile(rf"(/(?:{'|'.join(PATHS)})/)[^/\s?#\"'<>&…]+")
_PARAMETER: Final = re.compile(rf"(?i)([?&;](?:{'|'.join(PARAMETERS)})=)[^\s&;#\"'<>…]+")
_BEARER: Final = re.compile(r"(?i)(\bbearer\s+)[\w.~+/=-]+")
_PASSWORD: Final = re.compile(r"(\w://[^\s/:@]*:)[^\s/@]+(?=@)")


def masked(text: str) -> str:
    """`text` without the secrets that it has in addresses and headers."""
    if "/" in text:
        text = _PATH.sub(rf"\1{MASK}", text)
        text = _PASSWORD.sub(rf"\1{MASK}", text)
    if "=" in text:
        text = _PARAMETER.sub(rf"\1{MASK}", text)
    if "earer" in text or "EARER" in text:
        text = _BEARER.sub(rf"\1{MASK}", text)
    return text
