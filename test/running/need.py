"""Finds programs that a test needs and a machine may lack."""

from __future__ import annotations

import os
import shutil

import pytest


def need(program: str, package: str) -> str:
    """The program's path. Where the Debian package is missing the test is skipped, or fails if nothing may be."""
    # Servers are in /usr/sbin, which isn't in an ordinary user's PATH.
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if found is None:
        why = f"there is no {program}: install the Debian package {package}"
        pytest.fail(why) if os.environ.get("TWIM_TEST_NO_SKIP") == "1" else pytest.skip(why)
    return found
