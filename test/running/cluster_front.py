"""nginx before several nodes, with `deploy/nginx.conf` in which only addresses and paths are changed."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from test.running.cluster_net import Loopback
from test.running.cluster_nodes import Node
from test.running.need import need
from test.running.server import PROJECT, START_SECONDS


class Front(Node):
    """Not a node, but reached like one."""

    def __init__(self, folder: Path, nodes: Sequence[Node]) -> None:
        super().__init__(folder, 0, Loopback(1), [])
        self.host = "127.0.0.1"
        self.url = f"http://127.0.0.1:{self.port}"
        config = folder / "nginx.conf"
        config.write_text(self._configuration(folder, nodes), "utf-8")
        program = need("nginx", "nginx")
        self._arguments = [program, "-c", str(config), "-e", str(folder / "error.log"), "-g", "daemon off;"]

    def _configuration(self, folder: Path, nodes: Sequence[Node]) -> str:
        text = (PROJECT / "deploy" / "nginx.conf").read_text("utf-8")
        servers = [f"server {node.host}:{node.port} max_fails=2 fail_timeout=5s;\n" for node in nodes]
        text, count = re.subn(r"( *server \d[\d.]*:8080 [^\n]*\n)+", "".join(servers), text)
        assert count == 1
        changes = {
            "listen 80 ": f"listen 127.0.0.1:{self.port} ",
            "user www-data;": "user root;" if os.geteuid() == 0 else "",
            "/run/nginx.pid": str(folder / "nginx.pid"),
            "/var/log/nginx": str(folder),
            "/opt/twim/lib/python3.11/site-packages/twim/asset/": f"{PROJECT}/asset/",
            "root /srv/twim;": f"root {folder};",
            "worker_processes auto;": "worker_processes 1;",
            "worker_rlimit_nofile 200000;": "",
            "worker_connections 100000;": "worker_connections 500;",
        }
        for before, after in changes.items():
            assert before in text, before
            text = text.replace(before, after)
        return text

    def wait_until_answering(self) -> None:
        """Poll until it answers for a node."""
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            assert time.monotonic() < deadline and isinstance(self._process, subprocess.Popen), "nginx doesn't start"
            time.sleep(0.05)
