"""nginx in front of several nodes, with `deploy/nginx.conf` in which only addresses and paths are changed."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from test.running.cluster_net import Loopback
from test.running.cluster_nodes import Node
from test.running.need import need
from test.running.nginx_config import CONFIGURATION, for_this_machine
from test.running.server import START_SECONDS


class Front(Node):
    """nginx, which is reached like a node but is none."""

    def __init__(self, folder: Path, nodes: Sequence[Node]) -> None:
        super().__init__(folder, 0, Loopback(1), [])
        self.host = "127.0.0.1"
        self.url = f"http://127.0.0.1:{self.port}"
        config = folder / "nginx.conf"
        config.write_text(self._configuration(folder, nodes), "utf-8")
        program = need("nginx", "nginx")
        self._arguments = [program, "-c", str(config), "-e", str(folder / "error.log"), "-g", "daemon off;"]

    def _configuration(self, folder: Path, nodes: Sequence[Node]) -> str:
        text = CONFIGURATION.read_text("utf-8")
        servers = [f"server {node.host}:{node.port} max_fails=2 fail_timeout=5s;\n" for node in nodes]
        text, count = re.subn(r"( *server \d[\d.]*:8080 [^\n]*\n)+", "".join(servers), text)
        assert count == 1
        return for_this_machine(text, folder, folder, self.port)

    def wait_until_answering(self) -> None:
        """Poll until it answers for a node."""
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            assert time.monotonic() < deadline and isinstance(self._process, subprocess.Popen), "nginx doesn't start"
            time.sleep(0.05)
