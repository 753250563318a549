"""`deploy/nginx.conf`, changed as far as a test on this machine needs it: addresses, paths, and the number of files."""

from __future__ import annotations

import os
from pathlib import Path

from test.running.server import PROJECT

CONFIGURATION = PROJECT / "deploy" / "nginx.conf"


def for_this_machine(text: str, folder: Path, root: Path, port: int) -> str:
    """The text of a configuration whose nginx listens on `port`, writes into `folder`, and finds its files in
    `root`."""
    changes = {
        "listen 80 ": f"listen 127.0.0.1:{port} ",
        "user www-data;": "user root;" if os.geteuid() == 0 else "",
        "/run/nginx.pid": str(folder / "nginx.pid"),
        "/var/log/nginx": str(folder),
        "/opt/twim/lib/python3.11/site-packages/twim/asset/": f"{PROJECT}/asset/",
        "root /srv/twim;": f"root {root};",
        "worker_processes auto;": "worker_processes 1;",
        # A developer's machine doesn't allow so many open files.
        "worker_rlimit_nofile 200000;": "",
        "worker_connections 100000;": "worker_connections 500;",
    }
    return replaced(text, changes)


def replaced(text: str, changes: dict[str, str]) -> str:
    """`text` with each of `changes` made. Each must find something to replace."""
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    return text
