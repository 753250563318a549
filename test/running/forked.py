"""The command `twim` in a process of its own, which is forked from one that has imported it: most of what a command
takes is the start of Python.

    code, out, err = run("user", "list", "--json", folder=path, environment={"TWIM_DATA": "…"})
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

PROJECT = Path(__file__).resolve().parents[2]
SECONDS = 120  # after which a command is ended by a signal


def run(
    *arguments: object, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """How the command ended (less than 0: by which signal), and what it wrote."""
    with TemporaryDirectory() as place:
        out, err = Path(place) / "out", Path(place) / "err"
        asked = {
            "arguments": [str(one) for one in arguments],
            "folder": str(folder or Path.cwd()),
            "environment": dict(environment or {}),
            "out": str(out),
            "err": str(err),
        }
        forking = _forking()
        assert forking.stdin is not None and forking.stdout is not None
        print(json.dumps(asked), file=forking.stdin, flush=True)
        return int(forking.stdout.readline()), out.read_text(), err.read_text()


@cache
def _forking() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "test.running.forked"]
    forking = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(forking.communicate)
    return forking


def _fork_for_each_line() -> None:
    from twim.command.main import main

    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            os.chdir(asked["folder"])
            os.environ.update(asked["environment"])
            for descriptor, path in enumerate((os.devnull, asked["out"], asked["err"])):
                os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), descriptor)
            signal.alarm(SECONDS)
            sys.exit(main(asked["arguments"]))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _fork_for_each_line()
