"""Addresses of files: signed, and good for a day or two (see docs/files.md)."""

from __future__ import annotations

import re
from typing import Final

_SIGNED: Final = re.compile(r"([^?#]*)\?(?:e=\d+&s=[\w-]+|(?=[^#]*\bX-Amz-Signature=)[^#]*)")


def plain_address(address: str) -> str:
    """An address without the signature of a file, for keeping and comparing it; any other as it is."""
    found = _SIGNED.fullmatch(address)
    return found[1] if found else address
