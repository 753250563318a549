"""The URL of an object store: which bucket it names, where that is, and with which keys to use it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from configparser import ConfigParser, Error
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

from twim.storage.files.sigv4 import Credentials

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9._/-]*")
_VIRTUAL = (".amazonaws.com", ".aliyuncs.com")
"""Hosts that need the bucket in the host name. OSS accepts nothing else."""

_OPTIONS = {"endpoint", "region", "style", "public", "direct", "credentials"}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and the folder in it that belongs to this server."""

    scheme: str
    host: str
    """The host, with its port unless that is the scheme's own."""
    base: str
    """The path before a file's name, with slashes at both ends."""
    prefix: str
    """What stands before the name of a file in its key."""
    listed: str
    """The path that lists the bucket."""
    region: str
    public: str
    """What clients put before a file's name."""
    direct: bool
    """Whether browsers may send files here themselves."""
    credentials: Credentials

    @property
    def origins(self) -> tuple[str, ...]:
        """Other sites that a browser needs for the files."""
        public = urlsplit(self.public)
        seen = [f"{public.scheme}://{public.netloc}"] if public.netloc else []
        return tuple(dict.fromkeys([*seen, self.address] if self.direct else seen))

    @property
    def is_reached_directly(self) -> bool:
        """Whether clients fetch files from the bucket itself."""
        return self.public == self.address + self.base

    @property
    def address(self) -> str:
        return f"{self.scheme}://{self.host}"


def read_bucket(url: str, environ: Mapping[str, str]) -> Bucket:
    """``s3://bucket/prefix?endpoint=…&region=…&style=path|virtual&public=…&direct=on&credentials=FILE``.

    `public` is the beginning of the URLs that clients get: the store's own unless told, a CDN's, or ``/mnt``
    when the server itself shall send the files. ValueError says what is wrong.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := set(options) - _OPTIONS:
        raise ValueError(f"--files: unknown option {min(unknown)}")
    bucket, prefix = parts.netloc, parts.path.strip("/")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(f"--files: {bucket!r} is not the name of a bucket")
    if not _PREFIX.fullmatch(prefix) or ".." in prefix or "//" in prefix:
        raise ValueError(f"--files: the prefix {prefix!r} has more than letters, digits, . _ - /")
    region = options.get("region", "us-east-1")
    endpoint = _endpoint(options.get("endpoint", f"https://s3.{region}.amazonaws.com"))
    virtual = _choice(options, "style", ("path", "virtual"), _usual_style(endpoint)) == "virtual"
    host = f"{bucket}.{endpoint.netloc}" if virtual else endpoint.netloc
    root = "/" if virtual else f"/{bucket}/"
    folder = f"{prefix}/" if prefix else ""
    public = options.get("public", f"{endpoint.scheme}://{host}{root}{folder}").rstrip("/") + "/"
    return Bucket(
        scheme=endpoint.scheme,
        host=host,
        base=root + folder,
        prefix=folder,
        listed=root if virtual else root.rstrip("/"),
        region=region,
        public=public,
        direct=_choice(options, "direct", ("on", "off"), "off") == "on",
        credentials=_credentials(options.get("credentials", ""), environ),
    )


def _endpoint(endpoint: str) -> SplitResult:
    parts = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"--files: the endpoint {endpoint!r} is not like https://host")
    return parts


def _usual_style(endpoint: SplitResult) -> str:
    return "virtual" if (endpoint.hostname or "").endswith(_VIRTUAL) else "path"


def _choice(options: Mapping[str, str], name: str, allowed: tuple[str, ...], usual: str) -> str:
    value = options.get(name, usual)
    if value not in allowed:
        raise ValueError(f"--files: {name} is {' or '.join(allowed)}, not {value!r}")
    return value


def _credentials(file: str, environ: Mapping[str, str]) -> Credentials:
    """The keys from the file that the URL names, from the environment, or from AWS's own file, in this order."""
    if not file and environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY"):
        return Credentials(
            environ["AWS_ACCESS_KEY_ID"],
            environ["AWS_SECRET_ACCESS_KEY"],
            environ.get("AWS_SESSION_TOKEN", ""),
        )
    path = Path(file or environ.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws" / "credentials")
    found = ConfigParser(interpolation=None)
    try:
        found.read_string(path.read_text())
        section = found[environ.get("AWS_PROFILE", "default")]
        return Credentials(
            section["aws_access_key_id"],
            section["aws_secret_access_key"],
            section.get("aws_session_token", ""),
        )
    except (OSError, UnicodeDecodeError, Error, KeyError):
        raise ValueError(
            f"--files: no credentials, neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor {path}"
        ) from None
