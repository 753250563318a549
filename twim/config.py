"""The settings: one frozen `Config`, and the only reader of options, the config file and the environment.

The command line wins over the environment (``TWIM_UPLOAD_LIMIT`` for ``--upload-limit``), that over the file named by
``--config`` (TOML, ``upload-limit = 20``), that over the defaults.

A new setting is a line of `SETTINGS`, a field of `Config` and a line of `_build`.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twim.cluster.interface import BusUrlError
from twim.cluster.opening import parse_bus_url
from twim.storage.engine import parse_url

MIB: Final = 1024 * 1024
UPLOAD_MIB: Final = 10_240  # the largest upload that may be allowed: one file of 10 GiB


class ConfigError(ValueError):
    """A setting that can't be used; its text is for the operator."""


@dataclass(frozen=True)
class Setting:
    """One thing that can be set. `help` says what it does and what it takes."""

    name: str
    default: str
    help: str
    choices: tuple[str, ...] = ()
    letter: str | None = None


SETTINGS: Final = (
    Setting(
        "port",
        "tcp:8080",
        "Where to listen, as a Twisted endpoint: tcp:8080, tcp:8080:interface=127.0.0.1, unix:/run/im.sock, or for TLS"
        " ssl:443:privateKey=key.pem:certKey=cert.pem. Several are separated by spaces [default: tcp:8080]",
        letter="p",
    ),
    Setting(
        "data",
        "im-data",
        "Folder of everything that isn't kept elsewhere; made when there is none [default: ./im-data]",
        letter="d",
    ),
    Setting(
        "db",
        "",
        "The database: sqlite:///FILE, mysql://USER:PASSWORD@HOST/NAME or postgresql://USER:PASSWORD@HOST/NAME"
        " [default: the file im.db in DATA]",
    ),
    Setting(
        "bus",
        "alone",
        "How the nodes of a cluster hear of each other: alone (there is one node), udp://192.168.0.255:3000 (broadcast"
        " in a LAN) or redis://HOST:PORT [default: alone]",
    ),
    Setting(
        "cluster-key",
        "",
        "File of the secret that the nodes of a udp:// bus share; the first node makes it, the others need a copy"
        " [default: the file cluster.key in DATA]",
    ),
    Setting(
        "files",
        "",
        "Where uploads are kept: file:///FOLDER or s3://BUCKET/PREFIX?endpoint=URL&region=NAME, with the keys in"
        " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY [default: the folder mnt in DATA]",
    ),
    Setting("upload-limit", "20", "The largest upload, in MiB [default: 20]"),
    Setting("views", "", "Folder of the pages' templates [default: the program's own]"),
    Setting("asset", "", "Folder of the static files under /asset/ [default: the program's own]"),
    Setting(
        "friend",
        "open",
        "open: who adds a friend has one; approve: the other must agree first [default: open]",
        choices=("open", "approve"),
    ),
    Setting(
        "limits",
        "on",
        "on: nobody may register, log in or ask too often; off: for tests and measurements [default: on]",
        choices=("on", "off"),
    ),
    Setting(
        "operators",
        "",
        "Mobiles of the users who may see /cluster and /metrics, separated by spaces or commas [default: nobody]",
    ),
    Setting(
        "proxies",
        "",
        "Addresses of the proxies in front, separated by spaces or commas (unix for a Unix socket): what they say of a"
        " client's address and of TLS is believed [default: none]",
    ),
)

DEFAULTS: Final[Mapping[str, str]] = {one.name: one.default for one in SETTINGS}


@dataclass(frozen=True)
class Config:
    """Everything that can be set. URLs choose the parts."""

    port: tuple[str, ...]
    """Endpoint strings to listen on."""
    data: Path
    """Where everything is kept that isn't kept elsewhere."""
    db: str
    bus: str
    cluster_key: Path
    files: str
    views: Path
    asset: Path
    approve_friends: bool
    limits: bool
    upload_bytes: int
    operators: frozenset[str]
    """Mobiles of those who may see how the cluster is."""
    proxies: frozenset[str]
    """Addresses of proxies whose X-Forwarded-For is believed."""


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return "TWIM_" + name.upper().replace("-", "_")


def read_config(options: Mapping[str, str | None], environ: Mapping[str, str] = os.environ) -> Config:
    """The settings from the options given, the environment and the file. `ConfigError` names what is wrong."""
    given = {name: value for name, value in options.items() if value is not None}
    settings = dict(DEFAULTS)
    path = given.get("config") or environ.get(variable("config"))
    if path:
        settings |= _read_file(Path(path))
    settings |= {name: environ[variable(name)] for name in DEFAULTS if variable(name) in environ}
    settings |= {name: value for name, value in given.items() if name in DEFAULTS}
    return _build(settings)


def _read_file(path: Path) -> dict[str, str]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"--config {path}: not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"--config {path}: {error}") from None
    unknown = sorted(set(found) - set(DEFAULTS))
    if unknown:
        raise ConfigError(f"--config {path}: no such setting: {', '.join(unknown)}")
    return {name: _text(path, name, value) for name, value in found.items()}


def _text(path: Path, name: str, value: object) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return " ".join(value)
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    raise ConfigError(f"--config {path}: {name} takes a text")


def _build(settings: Mapping[str, str]) -> Config:
    for name, value in settings.items():
        if "\0" in value:
            raise ConfigError(f"--{name}: has a NUL byte")
    for one in SETTINGS:
        if one.choices and settings[one.name] not in one.choices:
            raise ConfigError(f"--{one.name} {settings[one.name]}: {' or '.join(one.choices)}")
    data = _data(settings["data"])
    bus = _bus(settings["bus"])
    if bus != "alone" and (settings["db"] or "sqlite:").startswith("sqlite:"):
        raise ConfigError("--bus: nodes need one database for all, --db mysql://… or postgresql://…; SQLite is for one")
    return Config(
        port=_ports(settings["port"]),
        data=data,
        db=_db(settings["db"] or f"sqlite:///{data}/im.db"),
        bus=bus,
        cluster_key=_beside(data, "cluster.key", settings["cluster-key"]),
        files=_files(settings["files"] or f"file://{data}/mnt"),
        views=_folder("views", settings["views"]),
        asset=_folder("asset", settings["asset"]),
        approve_friends=settings["friend"] == "approve",
        limits=settings["limits"] == "on",
        upload_bytes=_upload_bytes(settings["upload-limit"]),
        operators=frozenset(settings["operators"].replace(",", " ").split()),
        proxies=_proxies(settings["proxies"]),
    )


def _ports(value: str) -> tuple[str, ...]:
    if not value.split():
        raise ConfigError("--port: which?")
    return tuple(value.split())


def _data(value: str) -> Path:
    if not value:
        raise ConfigError("--data: which folder?")
    path = Path(value).absolute()
    if path.exists() and not path.is_dir():
        raise ConfigError(f"--data {value}: not a folder")
    return path


def _beside(data: Path, name: str, value: str) -> Path:
    return Path(value).absolute() if value else data / name


def _db(value: str) -> str:
    try:
        parse_url(value)
    except ValueError as error:
        raise ConfigError(f"--db: {error}") from None
    return value


def _bus(value: str) -> str:
    try:
        parse_bus_url(value)
    except BusUrlError as error:
        raise ConfigError(f"--bus: {error}") from None
    return value


def _files(value: str) -> str:
    if not re.match(r"(file|s3)://.", value):
        raise ConfigError(f"--files {value}: file:///FOLDER or s3://BUCKET/PREFIX?endpoint=URL")
    return value


def _upload_bytes(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= UPLOAD_MIB:
        raise ConfigError(f"--upload-limit {value}: 1 to {UPLOAD_MIB} MiB")
    return int(value) * MIB


def _proxies(value: str) -> frozenset[str]:
    found = set()
    for one in value.replace(",", " ").split():
        try:
            found.add(one if one == "unix" else str(ipaddress.ip_address(one)))
        except ValueError:
            raise ConfigError(f"--proxies {one}: not an address") from None
    return frozenset(found)


def _folder(name: str, value: str) -> Path:
    if not value:
        return shipped(name)
    path = Path(value).absolute()
    if not path.is_dir():
        raise ConfigError(f"--{name} {value}: no such folder")
    return path


def shipped(name: str) -> Path:
    """The folder `views` or `asset` that comes with the program: beside the package in a checkout, inside the
    package when installed."""
    package = Path(__file__).parent
    for path in (package.parent / name, package / name):
        if path.is_dir():
            return path
    raise ConfigError(f"--{name}: the program's own folder is missing")
