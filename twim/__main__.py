"""``python -m twim`` is the command `twim`."""

from __future__ import annotations

import sys

from twim.command.main import main

if __name__ == "__main__":
    sys.exit(main())
