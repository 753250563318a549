"""The quick start of docs/api.md does what it says, against a real server and with a key of the real command."""

from __future__ import annotations

import json
import subprocess
import sys

from test.running.need import need
from test.running.server import PROJECT, Server


def test_quick_start(server: Server) -> None:
    """docs/examples/api.sh."""
    need("curl", "curl")
    command = [sys.executable, "-m", "twim", "key", "create", "shop", "--data", str(server.data), "--json"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=PROJECT)
    assert made.returncode == 0, made.stdout + made.stderr
    key = json.loads(made.stdout)["key"]
    script = PROJECT / "docs" / "examples" / "api.sh"
    done = subprocess.run([script, key, server.url], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    asked, answers = lines[::2], [json.loads(line) for line in lines[1::2]]
    assert asked[:3] == ["PUT /users/customer-17", "PUT /users/seller-4", "POST /users/customer-17/token"]
    assert [answer["code"] for answer in answers] == [0] * len(asked)
    assert answers[0]["data"]["nickname"] == "Ann"
    assert set(answers[3]["data"]["members"]) == {"customer-17", "seller-4"}
    assert answers[4] == answers[5] and answers[4]["data"]["seq"]
    assert [row["code"] for row in answers[6]["rows"]] == [0, -4]
    assert [row["content"] for row in answers[7]["rows"]] == ["Good morning"]
    assert answers[8]["data"]["unread"] >= 2
