"""Runs `load.c`, which is compiled once, and reads its figures."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench.servers import LOAD_CORE, Server, pin

HERE = Path(__file__).parent
MOST_SECONDS = 600  # the longest that one run may take

Figures = dict[str, float]


def compile_load(folder: Path) -> Path:
    """The program that makes the load, compiled."""
    return _compile("load", folder)


def floor_us(folder: Path, rate: int, seconds: float) -> float:
    """CPU µs of the system calls of one stored message, by themselves (`floor.c`)."""
    command = [str(_compile("floor", folder)), str(folder / "floor.dat"), f"rate={rate}", f"seconds={seconds}"]
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=MOST_SECONDS).stdout
    return float(out.split()[0].removeprefix("cpu_us="))


def _compile(name: str, folder: Path) -> Path:
    if shutil.which("gcc") is None:
        raise SystemExit("the load generator needs gcc (Debian: gcc, libc6-dev)")
    program = folder / name
    subprocess.run(["gcc", "-O2", "-o", str(program), str(HERE / f"{name}.c")], check=True)
    return program


class Load:
    """One run against `server`; `start` it beside another one, or `run` it alone."""

    def __init__(self, program: Path, server: Server, mode: str, **options: object) -> None:
        given = {"port": server.port, "pid": server.pid} | options
        self._command = [str(program), mode, *(f"{name}={value}" for name, value in given.items())]

    def start(self) -> subprocess.Popen[str]:
        """Begin, without waiting for the end."""
        return subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: pin(LOAD_CORE))

    def run(self) -> Figures:
        """The figures of the whole run."""
        return finish(self.start())


def finish(running: subprocess.Popen[str]) -> Figures:
    """The figures of a run, when it has ended. If something went wrong in it, that is printed, and the run still
    counts."""
    out, _ = running.communicate(timeout=MOST_SECONDS)
    if not out:
        raise SystemExit(f"the load generator failed: {running.args}")
    if running.returncode:
        print("not clean:", out.strip(), file=sys.stderr)
    pairs = (pair.split("=") for pair in out.split() if not pair.startswith("mode="))
    return {name: float(value) for name, value in pairs}
