"""Why a command isn't done."""

from __future__ import annotations


class Refused(Exception):
    """The text is for the operator, in one line."""
