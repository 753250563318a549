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
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from twim.cluster.interface import BusUrlError
from twim.cluster.opening import parse_bus_url
from twim.identity.sources import FORM, NO_LOGIN_SOURCES, BadSource, LoginSources, read_sources
from twim.internals.shortcuts import ALL, SHORTCUTS, read_shortcuts
from twim.limits.rates import Rate, parse_rate
from twim.limits.table import DEFAULT_RATES, LIMITS, SOCKETS_DEFAULT, SOCKETS_OPTION, Limit, Rates
from twim.storage.engine import parse_url
from twim.wire.settings import FIND, GROUP_INVITES, LIVE, SIGNUP

MIB: Final = 1024 * 1024
NAME_CHARACTERS: Final = 60
HSTS_SECONDS: Final = 63_072_000  # two years, which is what lists of such sites ask for
LOG_MIB: Final = 10_240
LOG_COUNT: Final = 1_000
PORTS: Final = {"http": 80, "https": 443}
ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63})(?::(?P<port>[0-9]{1,5}))?"
)
PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9_-]+)+")
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
    repeated: bool = False
    """Whether the option may be given several times: then the values are joined by spaces."""


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
        " in a LAN), redis://HOST:PORT or rediss://USER:PASSWORD@HOST:PORT?ca=FILE (TLS) [default: alone]",
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
    Setting(
        "files-public",
        "off",
        "off: a file is given only to who has a signed URL of it, which expires; on: to everybody who knows its"
        " address [default: off]",
        choices=("on", "off"),
    ),
    Setting("upload-limit", "20", "The largest upload, in MiB [default: 20]"),
    Setting("views", "", "Folder of the pages' templates [default: the program's own]"),
    Setting("asset", "", "Folder of the static files under /asset/ [default: the program's own]"),
    Setting(
        "signup",
        SIGNUP.default,
        "Who may register: open (everybody), invite (who has an invitation), approve (everybody, but an administrator"
        " must approve before the first log-in) or off (nobody) [default: open]",
        choices=SIGNUP.choices,
    ),
    Setting(
        "friend",
        "open",
        "open: who adds a friend has one; approve: the other must agree first [default: open]",
        choices=("open", "approve"),
    ),
    Setting(
        "group",
        "open",
        "The rule of a new group whose maker names none: open (whoever knows its number joins), approve (the owner or"
        " an admin must agree) or invite (members are added) [default: open]",
        choices=("open", "approve", "invite"),
    ),
    Setting(
        "find",
        FIND.default,
        "Whether people are found by their mobiles (mobile) or only by their numbers (id) [default: mobile]",
        choices=FIND.choices,
    ),
    Setting(
        "group-invites",
        GROUP_INVITES.default,
        "Whose invitations to a group let somebody register under --signup invite: those of administrators of the"
        " server (admins), or of whoever may invite (members) [default: admins]",
        choices=GROUP_INVITES.choices,
    ),
    Setting("name", "twim", "What the server is called: 1 to 60 characters [default: twim]"),
    Setting(
        "limits",
        "on",
        "on: nobody may do anything too often (see the options below); off: for tests and measurements [default: on]",
        choices=("on", "off"),
    ),
    *(Setting(one.option, one.default, f"At most so many {one.what} [default: {one.default}]") for one in LIMITS),
    Setting(
        SOCKETS_OPTION,
        SOCKETS_DEFAULT,
        "At most so many WebSockets open from one address, this machine's own excepted [default: 2000]",
    ),
    Setting(
        "login",
        "",
        f"Who vouches for users besides our own passwords: {FORM}; one of each, in two options or separated by a space"
        " [default: nobody]",
        repeated=True,
    ),
    Setting(
        "operators",
        "",
        "Mobiles of the users who may see /cluster and /metrics, separated by spaces or commas [default: nobody]",
    ),
    Setting(
        "proxies",
        "",
        "Addresses or networks (10.0.0.0/8) of the proxies in front, separated by spaces or commas (unix for a Unix"
        " socket): what they say of a client's address and of TLS is believed [default: none]",
    ),
    Setting(
        "prefix",
        "",
        "Path of the site below which everything is (/chat for https://example.com/chat/), for a proxy that passes"
        " paths on as they are; one that takes the path off sends X-Forwarded-Prefix [default: none]",
    ),
    Setting(
        "sites",
        "",
        "Origins (https://shop.example) of the sites that may show the chat in a frame and call REST from a browser,"
        " separated by spaces or commas [default: none]",
    ),
    Setting(
        "webhooks",
        "public",
        "public: what other programs are told goes to public addresses only; private: also to this machine and its"
        " networks [default: public]",
        choices=("public", "private"),
    ),
    Setting(
        "previews",
        "off",
        "on: the server reads the titles of pages that messages link to, and the chat page shows them; private: also"
        " those of this machine and its networks, for tests; off: nobody is asked [default: off]",
        choices=("on", "off", "private"),
    ),
    Setting(
        "monitors",
        "",
        "Addresses or networks of the programs that may see /metrics and what /health/ready knows, separated by spaces"
        " or commas; those on this machine may anyway [default: none]",
    ),
    Setting(
        "push",
        "on",
        "on: who isn't connected is told of messages by the push service of the browser that subscribed; private: also"
        " by one with a private address, for tests; off: nothing is pushed [default: on]",
        choices=("on", "off", "private"),
    ),
    Setting(
        "hsts",
        "31536000",
        "How many seconds a browser that came by TLS uses nothing else here; 0: it forgets that [default: 31536000]",
    ),
    Setting(
        "log-format",
        "text",
        "text or json: how an event is written to the log, each on one line [default: text]",
        choices=("text", "json"),
    ),
    Setting(
        "log-file",
        "",
        "File of the log, rotated by its size; - for standard output [default: twistd.log, with twistd -n -]",
    ),
    Setting("log-size", "10", "After how many MiB the log's file is rotated [default: 10]"),
    Setting("log-count", "5", "How many rotated files of the log are kept [default: 5]"),
    Setting(
        "shortcuts",
        "on",
        "on: ordinary frames and handshakes go past Twisted and Autobahn, which is faster; off: everything goes through"
        f" them; or some of {', '.join(SHORTCUTS)} [default: on]",
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
    group_join: str
    """The rule of a new group whose maker names none."""
    limits: bool
    upload_bytes: int
    operators: frozenset[str]
    """Mobiles of those who may see how the cluster is."""
    proxies: frozenset[str]
    """Addresses and networks of proxies, and `unix`, whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    prefix: str = ""
    """What every path begins with, as ``/chat``."""
    files_public: bool = False
    """Whether everybody who knows a file's address may read it."""
    sites: frozenset[str] = frozenset()
    """Origins of the sites that may show the chat and call REST, as browsers write them."""
    webhooks_private: bool = False
    """Whether other programs are told also at private addresses."""
    login: LoginSources = NO_LOGIN_SOURCES
    """Who vouches for users besides our own passwords."""
    monitors: frozenset[str] = frozenset()
    """Addresses and networks of those who may see what is measured."""
    previews: str = DEFAULTS["previews"]
    """Of links: `on`, `off` or `private`."""
    push: str = DEFAULTS["push"]
    """`on`, `off` or `private`."""
    hsts: int = int(DEFAULTS["hsts"])
    """Seconds of Strict-Transport-Security."""
    log_json: bool = False
    log_file: str = ""
    """Where the log goes: a file, "-" for standard output, "" for what twistd does."""
    log_bytes: int = int(DEFAULTS["log-size"]) * MIB
    log_count: int = int(DEFAULTS["log-count"])
    name: str = DEFAULTS["name"]
    live: Mapping[str, str] = field(default_factory=lambda: {one.name: one.default for one in LIVE.values()})
    """The settings that may change at run time, by their names in the contract."""
    fixed: frozenset[str] = frozenset()
    """Those of them that were given, and so don't change."""
    rates: Rates = field(default_factory=lambda: DEFAULT_RATES)
    """How often what may be done, if `limits`."""
    sockets: int = int(SOCKETS_DEFAULT)
    """WebSockets that may be open from one address, if `limits`."""
    shortcuts: frozenset[str] = ALL
    """Names of `twim.internals.shortcuts`."""


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return "TWIM_" + name.upper().replace("-", "_")


def read_config(options: Mapping[str, str | None], environ: Mapping[str, str] = os.environ) -> Config:
    """The settings from the options given, the environment and the file. `ConfigError` names what is wrong."""
    given = {name: value for name, value in options.items() if value is not None}
    chosen: dict[str, str] = {}
    path = given.get("config") or environ.get(variable("config"))
    if path:
        chosen |= _read_file(Path(path))
    ours = {name: environ[variable(name)] for name in DEFAULTS if variable(name) in environ}
    chosen |= {name: value for name, value in ours.items() if not _is_link(value)}
    chosen |= {name: value for name, value in given.items() if name in DEFAULTS}
    settings = {**DEFAULTS, **chosen}
    given_ones = frozenset(one.name for one in LIVE.values() if one.option in chosen)
    return _build(settings, given_ones)


def check_live(name: str, value: str) -> str:
    """The value of a setting that may change at run time, as it is kept. `ConfigError` when it can't be that."""
    found = LIVE.get(name)
    if found is None:
        raise ConfigError(f"{name}: no such setting")
    if found.choices:
        if value not in found.choices:
            raise ConfigError(f"{name}: {' or '.join(found.choices)}")
        return value
    if name == "name":
        return _name(value)
    return str(_upload_bytes(value) // MIB)


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
        raise ConfigError(f"--config {path}: no such setting: {', '.join(_with_nearest(one) for one in unknown)}")
    return {name: _text(path, name, value) for name, value in found.items()}


def _with_nearest(name: str) -> str:
    near = get_close_matches(name.lower().replace("_", "-"), DEFAULTS, 1)
    return f"{name} (did you mean {near[0]}?)" if near else name


def _is_link(value: str) -> bool:
    """Whether an orchestrator says by it where a service is, as Docker and Kubernetes do for one that is named twim:
    ``TWIM_PORT=tcp://10.0.0.7:8080``. No setting of ours begins so."""
    return re.fullmatch(r"(tcp|udp|sctp)://[^/]+:[0-9]+", value) is not None


def unknown_variables(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The environment variables that look like settings and are none, each with the nearest name. ``TWIM_TEST_…`` are
    those of the tests."""
    known = {variable(name) for name in (*DEFAULTS, "config")}
    found = []
    for name in sorted(environ):
        if not name.startswith("TWIM_") or name.startswith("TWIM_TEST_"):
            continue
        if name not in known:
            near = get_close_matches(name, known, 1)
            found.append(f"{name} (did you mean {near[0]}?)" if near else name)
        elif _is_link(environ[name]):
            found.append(f"{name}={environ[name]}")
    return found


def _text(path: Path, name: str, value: object) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return " ".join(value)
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    raise ConfigError(f"--config {path}: {name} takes a text")


def _build(settings: Mapping[str, str], fixed: frozenset[str]) -> Config:
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
        files_public=settings["files-public"] == "on",
        views=_folder("views", settings["views"]),
        asset=_folder("asset", settings["asset"]),
        approve_friends=settings["friend"] == "approve",
        group_join=settings["group"],
        limits=settings["limits"] == "on",
        upload_bytes=_upload_bytes(settings["upload-limit"]),
        operators=frozenset(settings["operators"].replace(",", " ").split()),
        proxies=_networks("proxies", settings["proxies"], "unix"),
        prefix=_prefix(settings["prefix"]),
        sites=_sites(settings["sites"]),
        webhooks_private=settings["webhooks"] == "private",
        login=_login(settings["login"]),
        monitors=_networks("monitors", settings["monitors"]),
        previews=settings["previews"],
        push=settings["push"],
        hsts=_whole("hsts", settings["hsts"], 0, HSTS_SECONDS),
        log_json=settings["log-format"] == "json",
        log_file=settings["log-file"],
        log_bytes=_whole("log-size", settings["log-size"], 1, LOG_MIB) * MIB,
        log_count=_whole("log-count", settings["log-count"], 1, LOG_COUNT),
        name=_name(settings["name"]),
        rates={one: _rate(one, settings[one.option]) for one in LIMITS},
        sockets=_count(SOCKETS_OPTION, settings[SOCKETS_OPTION]),
        shortcuts=_shortcuts(settings["shortcuts"]),
        live={one.name: check_live(one.name, settings[one.option]) for one in LIVE.values()},
        fixed=fixed,
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


def _rate(limit: Limit, value: str) -> Rate:
    try:
        return parse_rate(value)
    except ValueError as error:
        raise ConfigError(f"--{limit.option} {value}: {error}") from None


def _count(name: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) < 1:
        raise ConfigError(f"--{name} {value}: a number from 1 on")
    return int(value)


def _name(value: str) -> str:
    name = value.strip()
    if not 1 <= len(name) <= NAME_CHARACTERS or not name.isprintable():
        raise ConfigError(f"--name {value!r}: 1 to {NAME_CHARACTERS} characters that can be seen")
    return name


def _shortcuts(value: str) -> frozenset[str]:
    try:
        return read_shortcuts(value)
    except ValueError as error:
        raise ConfigError(f"--shortcuts {value}: {error}") from None


def _networks(name: str, value: str, *words: str) -> frozenset[str]:
    found = set()
    for one in value.replace(",", " ").split():
        try:
            found.add(one if one in words else _network(one))
        except ValueError:
            raise ConfigError(f"--{name} {one}: neither an address nor a network") from None
    return frozenset(found)


def _login(value: str) -> LoginSources:
    try:
        return read_sources(value)
    except BadSource as error:
        raise ConfigError(f"--login {error}") from None


def _prefix(value: str) -> str:
    path = value.removesuffix("/")
    if path and not PREFIX.fullmatch(path):
        raise ConfigError(f"--prefix {value}: a path as /chat, of letters, digits, - and _")
    return path


def _sites(value: str) -> frozenset[str]:
    return frozenset(_origin(one) for one in value.replace(",", " ").split())


def _origin(value: str) -> str:
    """An origin as browsers write it: in small letters, without the scheme's own port. No pattern is one, nor `null`,
    which every page in a sandbox says. A policy of a page can't name an IPv6 address (CSP 3, section 2.3.1)."""
    found = ORIGIN.fullmatch(value.lower())
    port = int(found["port"] or PORTS[found["scheme"]]) if found else 0
    if found is None or not 0 < port < 1 << 16:
        raise ConfigError(f"--sites {value}: http:// or https://, a host and perhaps a port, nothing behind them")
    return f"{found['scheme']}://{found['host']}" + ("" if port == PORTS[found["scheme"]] else f":{port}")


def _whole(name: str, value: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", value) or not least <= int(value) <= most:
        raise ConfigError(f"--{name} {value}: {least} to {most}")
    return int(value)


def _network(value: str) -> str:
    network = ipaddress.ip_network(value)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= 96:
        network = ipaddress.ip_network((mapped, network.prefixlen - 96))
    return str(network) if network.num_addresses > 1 else str(network.network_address)


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
