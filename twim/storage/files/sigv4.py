"""AWS Signature Version 4, as S3 uses it. Without input or output: it is given the time, and sends nothing.

Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference. Other stores (MinIO,
OSS, Ceph, Swift) check the same.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"

UNSIGNED = "UNSIGNED-PAYLOAD"
"""Stands for the hash of a body that the signer doesn't have."""

EMPTY = hashlib.sha256(b"").hexdigest()

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of an account. Temporary ones have a `token`, too."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)


def encode_path(path: str) -> str:
    """A path, decoded, as it is signed and sent."""
    return quote(path, safe="/-_.~")


def encode_query(query: Query) -> str:
    """A query, decoded, as it is signed and sent: sorted after encoding."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query)
    return "&".join(f"{name}={value}" for name, value in pairs)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs requests to one service in one region."""

    credentials: Credentials
    region: str
    service: str = "s3"

    def sign(
        self, method: str, path: str, query: Query, headers: Mapping[str, str], sha256: str, at: datetime
    ) -> dict[str, str]:
        """The headers to send: those given, ``Host`` among them, and those that sign them all.

        `path` and `query` decoded; `sha256` of the body in hexadecimal, or `UNSIGNED`; `at` in UTC.
        """
        signed = dict(headers) | {"x-amz-content-sha256": sha256, "x-amz-date": _stamp(at)}
        if self.credentials.token:
            signed["x-amz-security-token"] = self.credentials.token
        names = _names(signed)
        signature = self._signature(_canonical(method, path, query, signed, sha256), at)
        credential = f"Credential={self.credentials.key_id}/{self._scope(at)}"
        signed["Authorization"] = f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
        return signed

    def presign(
        self, method: str, path: str, headers: Mapping[str, str], at: datetime, seconds: int
    ) -> list[tuple[str, str]]:
        """The query by which somebody else may send this request, with just these headers, for `seconds`."""
        query = [
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", f"{self.credentials.key_id}/{self._scope(at)}"),
            ("X-Amz-Date", _stamp(at)),
            ("X-Amz-Expires", str(seconds)),
            ("X-Amz-SignedHeaders", _names(headers)),
        ]
        if self.credentials.token:
            query.append(("X-Amz-Security-Token", self.credentials.token))
        signature = self._signature(_canonical(method, path, query, headers, UNSIGNED), at)
        return [*query, ("X-Amz-Signature", signature)]

    def _scope(self, at: datetime) -> str:
        return f"{at:%Y%m%d}/{self.region}/{self.service}/aws4_request"

    def _signature(self, canonical: str, at: datetime) -> str:
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{self.credentials.secret}".encode()
        for part in self._scope(at).split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"{ALGORITHM}\n{_stamp(at)}\n{self._scope(at)}\n{digest}"
        return hmac.digest(key, text.encode(), "sha256").hex()


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"


def _names(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(name.lower() for name in headers))


def _canonical(method: str, path: str, query: Query, headers: Mapping[str, str], sha256: str) -> str:
    lower = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    lines = "".join(f"{name}:{value}\n" for name, value in lower)
    return "\n".join((method, encode_path(path), encode_query(query), lines, _names(headers), sha256))
