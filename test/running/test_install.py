"""Installing with plain ``pip install``, and running ``twistd -n im`` in an empty folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from test.running.server import PROJECT, START_SECONDS, free_port

PIP_SECONDS = 600
PARTS = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "twim", "twisted", "views", "asset")


def pip(python: Path | str, *arguments: str) -> None:
    """Run pip; AssertionError with its output if it fails."""
    command = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the sources: a build leaves files beside them."""
    folder = tmp_path_factory.mktemp("source")
    leave = shutil.ignore_patterns("__pycache__", "dropin.cache")
    for part in PARTS:
        path = PROJECT / part
        if path.is_dir():
            shutil.copytree(path, folder / part, ignore=leave)
        else:
            shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that was built."""
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` of a new environment with the package and its requirements."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    pip(folder / "bin" / "python", "install", str(wheel))
    return folder / "bin"


def files_below(folder: Path) -> set[str]:
    """The relative paths of the program's files in that folder."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)) for path in found}


def test_wheel_is_complete(source: Path, wheel: Path) -> None:
    """The wheel has every module, template and static file, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/") and ".dist-info/" not in name}
    expected = {"twim/" + name for name in files_below(source / "twim")}
    expected |= {f"twim/{part}/{name}" for part in ("views", "asset") for name in files_below(source / part)}
    assert names == expected | {"twisted/plugins/twim_plugin.py"}


def test_source_archive_is_complete(source: Path, tmp_path: Path) -> None:
    """An sdist can be built, and has everything that a wheel is built from."""
    build = "from setuptools.build_meta import build_sdist; import sys; build_sdist(sys.argv[1])"
    environment = tmp_path / "builder"
    venv.create(environment, with_pip=True)
    pip(environment / "bin" / "python", "install", "setuptools>=77")
    command = [str(environment / "bin" / "python"), "-c", build, str(tmp_path)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=PIP_SECONDS)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    expected = {f"{part}/{name}" for part in ("twim", "views", "asset") for name in files_below(source / part)}
    assert not expected - names
    assert {"setup.cfg", "pyproject.toml", "LICENSE", "twisted/plugins/twim_plugin.py"} <= names


@pytest.fixture(params=["twistd -n im", "twim run"])
def address(request: pytest.FixtureRequest, installed: Path, tmp_path: Path) -> Iterator[str]:
    """A server started from the installed package in an empty folder."""
    port = free_port()
    program, *words = request.param.split()
    command = [str(installed / program), *words, "--port", f"tcp:{port}:interface=127.0.0.1"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def fetch(url: str, body: bytes | None = None) -> tuple[str, bytes]:
    """The type and content of a path, once the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, body, timeout=20) as answer:
                return answer.headers["Content-Type"].partition(";")[0], answer.read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_runs_from_an_empty_folder(address: str, tmp_path: Path) -> None:
    """Pages, their files and REST work, and the data is in the folder where the server was started."""
    assert fetch(address + "/user/login.shtml")[0] == "text/html"
    assert fetch(address + "/asset/js/im/index.js")[0] == "text/javascript"
    assert fetch(address + "/asset/stickers/twimmy/info.json")[0] == "application/json"
    _, made = fetch(address + "/user/register", b"mobile=18600000000&passwd=123456")
    assert json.loads(made)["code"] == 0
    assert (tmp_path / "im-data" / "im.db").exists()
