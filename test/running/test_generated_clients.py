"""docs/examples/generated: clients that are generated from `/openapi.json`, in TypeScript and in Go, each compile and
send a message."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from test.running.need import need
from test.running.server import PROJECT, Server
from test.running.test_descriptions import post

SCRIPT = PROJECT / "docs" / "examples" / "generated" / "run.sh"
TSC = PROJECT / "node_modules" / ".bin" / "tsc"
PROGRAMS = {"java": "default-jre-headless", "node": "nodejs", "go": "golang-go", "curl": "curl"}


def test_generated_clients(tmp_path: Path) -> None:
    """The script's two programs say what they sent and found again."""
    for program, package in PROGRAMS.items():
        need(program, package)
    assert TSC.exists(), "npm ci brings tsc"
    path = os.pathsep.join([str(Path(sys.executable).parent), str(TSC.parent), os.environ["PATH"]])
    environment = os.environ | {
        "PATH": path,
        "NODE_TYPES": str(PROJECT / "node_modules" / "@types" / "node"),
        "GOCACHE": str(tmp_path / "go-cache"),
    }
    with Server(tmp_path) as server:
        boss = post(f"{server.url}/user/register", {"mobile": "13800000001", "passwd": "secret-1"})["token"]
        key = post(f"{server.url}/admin/api/keys", {"name": "generated"}, boss)["key"]
        command = [str(SCRIPT), server.url, key, str(tmp_path / "work")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == ["TypeScript: hello from TypeScript", "Go: hello from Go"]
