"""Examines an installation: what keeps the server from running well, and what to do about it.

It works beside a running server and without one, needs no rights of its own, and changes nothing. What it isn't allowed
to see it says. `examine` is all that others use.
"""

from twim.doctor.examination import TOPICS, examine
from twim.doctor.finding import Finding, Level

__all__ = ["TOPICS", "Finding", "Level", "examine"]
