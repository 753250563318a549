"""TLS options for the connection to the bus's server: the trusted certificate authorities, and our own certificate."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from OpenSSL.crypto import Error
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    TLSVersion,
    optionsForClientTLS,
    trustRootFromCertificates,
)

from twim.cluster.interface import BusUrlError

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def tls_client_options(host: str, ca: str, cert: str) -> Any:
    """The options for TLS connections to `host`, a name or an address that the server's certificate must have.

    `ca` is a PEM file with the authorities that may have signed it, instead of those that this machine trusts. `cert`
    is a PEM file with our own certificate and its private key, for a server that asks for one. BusUrlError if a file
    can't be used.
    """
    trusted = None if not ca else trustRootFromCertificates(_authorities(ca))
    own = None if not cert else _own(cert)
    return optionsForClientTLS(host, trusted, own, extraCertificateOptions={"raiseMinimumTo": TLSVersion.TLSv1_2})


def _authorities(path: str) -> list[Certificate]:
    found = _CERTIFICATE.findall(_read(path))
    try:
        made = [Certificate.loadPEM(one) for one in found]
    except Error:
        made = []
    if not made:
        raise BusUrlError(f"{path} has no certificate in PEM form")
    return made


def _own(path: str) -> PrivateCertificate:
    try:
        made: PrivateCertificate = PrivateCertificate.loadPEM(_read(path))
    except (Error, ValueError):
        raise BusUrlError(f"{path} must have a certificate and its private key in PEM form") from None
    return made


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BusUrlError(f"{path}: {error.strerror}") from None
