"""OpenStack Swift on loopback: an S3 server that checks signatures.

Its programs are looked for in the folder that TWIM_TEST_SWIFT names, in ``.venv/s3/bin`` here, and on the PATH.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from test.ports import free_port
from twim.storage.files.sigv4 import EMPTY, Credentials, Signer

KEY_ID, SECRET = "test:tester", "testing"
MISSING = "no Swift: PyPI's package swift (into .venv/s3), or Debian's swift-proxy, -account, -container, -object"
START_SECONDS = 60
SERVERS = ("account", "container", "object", "proxy")

_RINGS = """
import sys
from swift.common.ring import RingBuilder
root, *ports = sys.argv[1:]
for kind, port in zip(("account", "container", "object"), ports):
    builder = RingBuilder(1, 1, 0)
    builder.add_dev({"id": 0, "region": 0, "zone": 0, "weight": 1, "ip": "127.0.0.1", "port": int(port),
        "replication_ip": "127.0.0.1", "replication_port": int(port), "device": "disk", "meta": ""})
    builder.rebalance()
    builder.get_ring().save(f"{root}/{kind}.ring.gz")
"""

_STORAGE = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {root}
devices = {root}/devices
mount_check = false
disable_fallocate = true
workers = 0
user = {user}
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

_PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {root}
workers = 0
user = {user}
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache s3api tempauth proxy-server
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
cors_preflight_allow_origin = {pages}
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
"""


def find_swift() -> Path | None:
    """The folder of Swift's programs."""
    here = Path(__file__).parents[3] / ".venv" / "s3" / "bin"
    for folder in (os.environ.get("TWIM_TEST_SWIFT"), str(here)):
        if folder and (Path(folder) / "swift-proxy-server").exists():
            return Path(folder)
    found = shutil.which("swift-proxy-server")
    return Path(found).parent if found else None


class Swift:
    """A whole Swift of one disk, in `root`, as its own processes. Browsers may send it files from the `pages`,
    origins like ``http://127.0.0.1:8080``."""

    def __init__(self, programs: Path, root: Path, pages: Sequence[str] = ()) -> None:
        self._programs = programs
        self._root = root.absolute()
        self._pages = pages
        self._ports = {kind: free_port() for kind in SERVERS}
        self._processes: list[subprocess.Popen[bytes]] = []
        self.endpoint = f"http://127.0.0.1:{self._ports['proxy']}"

    def start(self) -> None:
        (self._root / "devices" / "disk").mkdir(parents=True, exist_ok=True)
        (self._root / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_suffix = x\n[storage-policy:0]\nname = one\ndefault = yes\n"
        )
        user = os.environ.get("USER") or "root"
        for kind, port in self._ports.items():
            text = _PROXY if kind == "proxy" else _STORAGE
            values = {"kind": kind, "port": port, "root": self._root, "user": user, "pages": ",".join(self._pages)}
            (self._root / f"{kind}.conf").write_text(text.format(**values))
        environ = dict(os.environ, SWIFT_DIR=str(self._root))
        python = self._programs / "python3"
        ports = [str(self._ports[kind]) for kind in SERVERS[:3]]
        subprocess.run([python, "-c", _RINGS, str(self._root), *ports], check=True, env=environ)
        with (self._root / "log").open("ab") as log:
            for kind in SERVERS:
                program = [self._programs / f"swift-{kind}-server", str(self._root / f"{kind}.conf")]
                self._processes.append(
                    subprocess.Popen(program, env=environ, stdout=log, stderr=log, start_new_session=True)
                )
        self._wait()

    def make_bucket(self, name: str) -> None:
        """A bucket with the CORS rule for the pages, whose files everybody may read."""
        signer = Signer(Credentials(KEY_ID, SECRET), "us-east-1")
        wanted = {
            "Host": self.endpoint.removeprefix("http://"),
            "X-Container-Meta-Access-Control-Allow-Origin": " ".join(self._pages),
            "X-Container-Read": ".r:*",
        }
        headers = signer.sign("PUT", f"/{name}", (), wanted, EMPTY, datetime.now(UTC))
        request = urllib.request.Request(f"{self.endpoint}/{name}", method="PUT", headers=headers)
        with urllib.request.urlopen(request, timeout=30):
            pass

    def public(self, bucket: str) -> str:
        """What the URLs of a bucket's files begin with for those who don't sign: its S3 wants a signature."""
        return f"{self.endpoint}/v1/AUTH_{KEY_ID.partition(':')[0]}/{bucket}"

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.endpoint}/healthcheck", timeout=5):
                    pass
                for kind in SERVERS[:3]:
                    socket.create_connection(("127.0.0.1", self._ports[kind]), 5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"Swift did not start: {(self._root / 'log').read_text()}")

    def stop(self) -> None:
        for process in self._processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for process in self._processes:
            process.wait()
        self._processes.clear()
