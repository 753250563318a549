"""The settings: one frozen `Config`, and the only reader of options, the config file and the environment.

The command line wins over the environment (`TWIM_PORT` for `--port`), that over the file named by `--config` (TOML,
``port = "tcp:8080"``), that over the defaults.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twim.storage.engine import parse_url

DEFAULTS: Final[Mapping[str, str]] = {
    "port": "tcp:8080",
    "data": "im-data",
    "db": "",
    "bus": "alone",
    "files": "",
    "views": "",
    "asset": "",
    "friend": "open",
    "limits": "on",
    "upload-limit": "20",
    "proxies": "",
}
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {"friend": ("open", "approve"), "limits": ("on", "off")}
MIB: Final = 1024 * 1024


class ConfigError(ValueError):
    """A setting that can't be used; its text is for the operator."""


@dataclass(frozen=True)
class Config:
    """Everything that can be set. URLs choose the parts."""

    port: tuple[str, ...]
    """Endpoint strings to listen on."""
    data: Path
    """Where everything is kept that isn't kept elsewhere."""
    db: str
    bus: str
    files: str
    views: Path
    asset: Path
    approve_friends: bool
    limits: bool
    upload_bytes: int
    proxies: frozenset[str]
    """Addresses of proxies whose X-Forwarded-For is believed."""


def read_config(options: Mapping[str, str | None], environ: Mapping[str, str] = os.environ) -> Config:
    """The settings from the options given, the environment and the file. `ConfigError` names what is wrong."""
    given = {name: value for name, value in options.items() if value is not None}
    settings = dict(DEFAULTS)
    path = given.get("config") or environ.get("TWIM_CONFIG")
    if path:
        settings |= _read_file(Path(path))
    for name in DEFAULTS:
        key = "TWIM_" + name.upper().replace("-", "_")
        if key in environ:
            settings[name] = environ[key]
    settings |= {name: value for name, value in given.items() if name in DEFAULTS}
    return _build(settings)


def _read_file(path: Path) -> dict[str, str]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--config {path}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"--config {path}: {error}") from None
    unknown = sorted(set(found) - set(DEFAULTS))
    if unknown:
        raise ConfigError(f"--config {path}: unknown setting {', '.join(unknown)}")
    return {name: _plain(path, name, value) for name, value in found.items()}


def _plain(path: Path, name: str, value: object) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return " ".join(value)
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    raise ConfigError(f"--config {path}: {name} must be a text")


def _build(settings: Mapping[str, str]) -> Config:
    for name, allowed in CHOICES.items():
        if settings[name] not in allowed:
            raise ConfigError(f"--{name} {settings[name]}: {' or '.join(allowed)}")
    data = Path(settings["data"]).absolute()
    db = settings["db"] or f"sqlite:///{data}/im.db"
    try:
        parse_url(db)
    except ValueError as error:
        raise ConfigError(f"--db: {error}") from None
    return Config(
        port=tuple(settings["port"].split()),
        data=data,
        db=db,
        bus=settings["bus"],
        files=settings["files"] or f"file://{data}/mnt",
        views=_folder("views", settings["views"]),
        asset=_folder("asset", settings["asset"]),
        approve_friends=settings["friend"] == "approve",
        limits=settings["limits"] == "on",
        upload_bytes=_upload_bytes(settings["upload-limit"]),
        proxies=frozenset(settings["proxies"].replace(",", " ").split()),
    )


def _upload_bytes(value: str) -> int:
    if not value.isdigit() or not 1 <= int(value) <= 10_240:
        raise ConfigError(f"--upload-limit {value}: 1 to 10240 MiB")
    return int(value) * MIB


def _folder(name: str, value: str) -> Path:
    if value:
        path = Path(value).absolute()
        if not path.is_dir():
            raise ConfigError(f"--{name} {value}: no such folder")
        return path
    return shipped(name)


def shipped(name: str) -> Path:
    """The folder `views` or `asset` that comes with the program: beside the package in a checkout, inside the
    package when installed."""
    package = Path(__file__).parent
    for path in (package.parent / name, package / name):
        if path.is_dir():
            return path
    raise ConfigError(f"--{name}: the program's own folder is missing")
