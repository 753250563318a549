"""Each file of `deploy/`, and the Dockerfile, is checked by the program it is written for, or by a linter."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from test.running.need import need
from test.running.server import PROJECT, Server, free_port

DEPLOY = PROJECT / "deploy"
NAME = re.compile(r"\b(?:twim|process|python)_[a-z0-9_]+\b")


def check(*command: str, folder: Path = PROJECT, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def beside_python(name: str) -> str:
    """A program that pip installed."""
    return str(Path(sys.executable).with_name(name))


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all samples in the metrics of a server with TLS."""
    with Server(tmp_path_factory.mktemp("names")) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
    # Without TLS the metrics of certificates have a description and no sample.
    return {re.split(r"[ {]", line)[0] for line in text.splitlines() if not line.startswith("#")} | {
        line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")
    }


def assert_known(expressions: list[str], names: set[str]) -> None:
    asked = {name for one in expressions for name in NAME.findall(re.sub(r"\{[^}]*\}", "", one))}
    assert len(asked) > 5
    assert asked - names == set()


def test_dashboard(names: set[str]) -> None:
    """Every query of the Grafana dashboard uses metrics that the server has."""
    board = json.loads((DEPLOY / "grafana" / "twim.json").read_text("utf-8"))
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    variables = [one["query"] for one in board["templating"]["list"] if one["type"] == "query"]
    assert_known(expressions + variables, names)
    ours = {name for name in names if name.startswith("twim_") and not name.endswith(("_bucket", "_sum", "_count"))}
    shown = " ".join(expressions)
    missing = {name for name in ours if name not in shown} - {"twim_build_info", "twim_build"}
    assert missing <= {"twim_reactor_stall_seconds_max"}, missing


def test_queries_are_valid(tmp_path: Path) -> None:
    """Prometheus can parse each query of the dashboard."""
    board = json.loads((DEPLOY / "grafana" / "twim.json").read_text("utf-8"))
    rules = [
        {"record": f"r{number}", "expr": target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")}
        for number, target in enumerate(target for panel in board["panels"] for target in panel["targets"])
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "x", "rules": rules}]}))
    check(need("promtool", "prometheus"), "check", "rules", str(file))


def test_alerts(names: set[str]) -> None:
    """Every alert uses metrics that the server has, and promtool accepts the file."""
    file = DEPLOY / "prometheus" / "alerts.yml"
    rules = [rule for group in yaml.safe_load(file.read_text("utf-8"))["groups"] for rule in group["rules"]]
    assert_known([rule["expr"] for rule in rules], names)
    assert all(rule["annotations"]["summary"] for rule in rules)
    assert "SUCCESS" in check(need("promtool", "prometheus"), "check", "rules", str(file))


def test_metrics_by_promtool(tmp_path: Path) -> None:
    """Prometheus's linter accepts the names and types of the server's metrics."""
    with Server(tmp_path) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read()
        connection.close()
    done = subprocess.run(
        [need("promtool", "prometheus"), "check", "metrics"], input=text, capture_output=True, timeout=60, check=False
    )
    assert [line for line in done.stderr.decode().splitlines() if line.startswith("twim_")] == []


def test_dockerfile() -> None:
    """hadolint accepts the Dockerfile."""
    assert check(beside_python("hadolint"), "Dockerfile") == ""
    # A container is looked after for what it does itself, not for its database.
    assert "/health/live" in (PROJECT / "Dockerfile").read_text("utf-8").partition("HEALTHCHECK")[2]


@pytest.mark.parametrize("name", ["single", "cluster"])
def test_kubernetes(name: str) -> None:
    """Each manifest fits the schema of its kind, without unknown fields."""
    check(beside_python("kubernetes-validate"), "--strict", str(DEPLOY / "kubernetes" / f"{name}.yaml"))
    for one in yaml.safe_load_all((DEPLOY / "kubernetes" / f"{name}.yaml").read_text("utf-8")):
        if one["kind"] in ("Deployment", "StatefulSet"):
            (container,) = one["spec"]["template"]["spec"]["containers"]
            assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
            assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
            assert container["securityContext"]["readOnlyRootFilesystem"]


@pytest.mark.parametrize("name", ["compose.yaml", "compose.cluster.yaml"])
def test_compose(name: str) -> None:
    """docker-compose accepts the files."""
    check(need("docker-compose", "docker-compose"), "-f", str(DEPLOY / name), "config", "--quiet")


@pytest.mark.parametrize("name", ["twim", "twim-tls"])
def test_systemd(name: str, tmp_path: Path) -> None:
    """systemd accepts the unit, once its program exists."""
    unit = tmp_path / f"{name}.service"
    text = (DEPLOY / f"{name}.service").read_text("utf-8")
    assert "/opt/twim/bin/twistd" in text
    unit.write_text(text.replace("/opt/twim/bin/twistd", "/bin/true"))
    said = check(need("systemd-analyze", "systemd"), "verify", str(unit))
    assert [line for line in said.splitlines() if name in line] == []


def test_nginx_of_compose(tmp_path: Path) -> None:
    """nginx accepts the configuration of the compose file."""
    text = (DEPLOY / "nginx.compose.conf").read_text("utf-8")
    changes = {
        "node1:8080": "127.0.0.1:8081",
        "node2:8080": "127.0.0.1:8082",
        "user nginx;": "user root;" if os.geteuid() == 0 else "",
        "listen 80 ": f"listen 127.0.0.1:{free_port()} ",
        "/run/nginx.pid": str(tmp_path / "pid"),
        "/var/log/nginx": str(tmp_path),
        "worker_rlimit_nofile 200000;": "",
        "worker_connections 100000;": "worker_connections 500;",
    }
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    file = tmp_path / "nginx.conf"
    file.write_text(text)
    said = check(need("nginx", "nginx"), "-t", "-c", str(file), "-e", str(tmp_path / "error.log"))
    assert "warn" not in said


def test_steps_of_the_image(tmp_path: Path) -> None:
    """The image's own commands, run in a new environment, give a server that needs to write only to its data folder
    and passes its health check."""
    place = tmp_path / "opt"
    text = (PROJECT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    steps = [line.removeprefix("RUN ") for line in text.splitlines() if line.startswith("RUN ") and "/opt/twim" in line]
    assert len(steps) == 2
    source = tmp_path / "src"
    check("git", "clone", "--quiet", "--no-hardlinks", str(PROJECT), str(source))
    for step in steps:
        check("sh", "-ec", step.replace("/opt/twim", str(place)), folder=source)
    command = json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)[1])  # type: ignore[index]
    health = json.loads(re.search(r"CMD (\[.*\])$", text, re.MULTILINE)[1])  # type: ignore[index]
    port = free_port()
    data = tmp_path / "data"
    data.mkdir(0o700)
    for one in place.rglob("*"):
        if not one.is_symlink():
            one.chmod(one.stat().st_mode & ~0o222)
    caches = {one for one in place.rglob("*") if one.name in ("dropin.cache", "__pycache__")}
    assert any(one.name == "dropin.cache" for one in caches)
    environment = {"TWIM_DATA": str(data), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    process = subprocess.Popen(
        [*(one.replace("/opt/twim", str(place)) for one in command), "--port", f"tcp:{port}:interface=127.0.0.1"],
        cwd=data,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=(tmp_path / "log").open("wb"),
        stderr=subprocess.STDOUT,
    )
    asked = [one.replace("/opt/twim", str(place)).replace(":8080", f":{port}") for one in health]
    try:
        deadline = time.monotonic() + 60
        while subprocess.run(asked, capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline and process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert "Unable to write" not in (tmp_path / "log").read_text()
    assert {one for one in place.rglob("*") if one.name in ("dropin.cache", "__pycache__")} == caches
