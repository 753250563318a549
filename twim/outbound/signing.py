"""How what the server sends is signed, so that its receiver knows who sent it, and that it is not an old one."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

SIGNATURE: Final = "Twim-Signature"
"""The header: ``t=SECONDS,v1=HEX``, in seconds since 1970, and the HMAC-SHA256 of these seconds, a dot and the body,
keyed by the secret's text."""


def signature(secret: str, body: bytes, seconds: int) -> str:
    """The value of the header for this body, sent at `seconds` since 1970."""
    signed = hmac.new(secret.encode(), b"%d." % seconds + body, hashlib.sha256)
    return f"t={seconds},v1={signed.hexdigest()}"
