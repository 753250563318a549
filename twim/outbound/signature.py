"""How what is sent is signed: whoever has the secret can tell that it is ours, and not sent again by somebody else."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

HEADER: Final = "Twim-Signature"


def signature(secret: str, body: bytes, seconds: int) -> str:
    """The header's value for a body that is sent at this time (seconds since 1970): ``t=SECONDS,v1=HEX``, the
    HMAC-SHA256 of the time, a dot and the body, keyed by the text of the secret."""
    signed = hmac.new(secret.encode(), b"%d.%b" % (seconds, body), hashlib.sha256)
    return f"t={seconds},v1={signed.hexdigest()}"
