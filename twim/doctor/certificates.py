"""The certificates of the ports with TLS."""

from __future__ import annotations

import ipaddress
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from twim.cluster.opening import RedisServer, parse_bus_url
from twim.doctor.finding import Finding, Level
from twim.doctor.listening import Listening, read_listening
from twim.doctor.processes import KNOWS_USERS
from twim.doctor.subject import Subject

TOPIC: Final = "certificates"
SOON_DAYS: Final = 21  # Let's Encrypt renews 30 days before the end, so something has failed for a week
DAY: Final = 86_400
_RENEW: Final = "Renew it, as in: certbot renew. The server reads a new file by itself."


def look_at_certificates(subject: Subject) -> Iterator[Finding]:
    """Examine those that ``--port`` names, and those of the bus."""
    places = [one for one in map(read_listening, subject.config.port) if one.is_tls]
    for place in places:
        yield from _pair(subject, place)
    bus = parse_bus_url(subject.config.bus)
    files = [Path(one) for one in (bus.ca, bus.cert) if one] if isinstance(bus, RedisServer) else []
    for file in files:
        certificate = yield from _read_certificate(file)
        if certificate is not None:
            yield from _times(subject, file, certificate)
    if not places and not files:
        yield Finding(TOPIC, Level.OK, "no port has a certificate of its own")


def _pair(subject: Subject, place: Listening) -> Iterator[Finding]:
    key_file = Path(place.options.get("privateKey", "server.pem"))
    file = Path(place.options.get("certKey") or key_file)
    certificate = yield from _read_certificate(file)
    if certificate is not None:
        yield from _times(subject, file, certificate)
        yield from _name(subject, file, certificate)
        yield from _chain(place, file, certificate)
    yield from _key(key_file, certificate, file)


def _read_certificate(file: Path) -> Any:
    """The first one in a file; None, after the finding that says why, when it can't be read."""
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except OSError as error:
        fix = "Correct the path, or let the server's user read the file and the folders above it."
        yield Finding(TOPIC, Level.ERROR, f"the certificate {file} can't be read: {error.strerror}", fix)
    except ValueError:
        fix = "Name a file in PEM form, that begins with -----BEGIN CERTIFICATE-----."
        yield Finding(TOPIC, Level.ERROR, f"{file} has no certificate in PEM form", fix)
    return None


def _times(subject: Subject, file: Path, certificate: x509.Certificate) -> Iterator[Finding]:
    now = datetime.fromtimestamp(subject.clock(), UTC)
    left = (certificate.not_valid_after_utc - now).total_seconds() / DAY
    ends = f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    if left < 0:
        yield Finding(TOPIC, Level.ERROR, f"the certificate {file} ended on {ends}: no browser takes it", _RENEW)
    elif certificate.not_valid_before_utc > now:
        fix = "Set this machine's clock, or take a certificate that is valid already."
        text = f"the certificate {file} isn't valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        yield Finding(TOPIC, Level.ERROR, text, fix)
    elif left < SOON_DAYS:
        yield Finding(TOPIC, Level.WARNING, f"the certificate {file} ends on {ends}, in {left:.0f} days", _RENEW)
    else:
        yield Finding(TOPIC, Level.OK, f"the certificate {file} is valid until {ends}")


def _name(subject: Subject, file: Path, certificate: x509.Certificate) -> Iterator[Finding]:
    host = urlsplit(subject.url).hostname if subject.url.startswith("https:") else None
    if not host:
        return
    names = names_of(certificate)
    if any(covers(one, host) for one in names):
        yield Finding(TOPIC, Level.OK, f"the certificate {file} is for {host}")
    else:
        fix = f"Take a certificate for {host}."
        of = ", ".join(names) or "no name"
        yield Finding(TOPIC, Level.ERROR, f"the certificate {file} is for {of}, and not for {host}", fix)


def _chain(place: Listening, file: Path, certificate: x509.Certificate) -> Iterator[Finding]:
    if certificate.issuer == certificate.subject:
        fix = "Take one that an authority signed, as Let's Encrypt does for nothing."
        text = f"the certificate {file} is signed by itself: browsers warn of it, and apps refuse it"
        yield Finding(TOPIC, Level.WARNING, text, fix)
    elif "extraCertChain" not in place.options and len(re.findall(rb"-----BEGIN CERT", file.read_bytes())) < 2:
        fix = "Name the file with all of them: of Let's Encrypt fullchain.pem, not cert.pem."
        text = f"{file} has no certificates between it and the root; some phones may not trust it"
        yield Finding(TOPIC, Level.NOTE, text, fix)


def _key(file: Path, certificate: x509.Certificate | None, of: Path) -> Iterator[Finding]:
    try:
        key: Any = load_pem_private_key(file.read_bytes(), None)
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError as error:
        fix = "Correct the path, or let the server's user read the file and the folders above it."
        yield Finding(TOPIC, Level.ERROR, f"the private key {file} can't be read: {error.strerror}", fix)
        return
    except (ValueError, TypeError, UnsupportedAlgorithm):
        fix = "Name a file with a private key in PEM form that has no password."
        yield Finding(TOPIC, Level.ERROR, f"{file} has no private key that can be used", fix)
        return
    if certificate is not None and _public(key.public_key()) != _public(certificate.public_key()):
        fix = "Name the key with which this certificate was asked for: both are renewed together."
        yield Finding(TOPIC, Level.ERROR, f"the private key {file} isn't that of the certificate {of}", fix)
    if KNOWS_USERS and mode & 0o007:
        text = f"everybody on this machine may read the private key {file} (mode {mode:04o})"
        yield Finding(
            TOPIC, Level.ERROR, text, f"Close it, and renew the certificate with a new key: chmod 600 {file}."
        )
    elif certificate is not None:
        yield Finding(TOPIC, Level.OK, f"the private key {file} can be read")


def _public(key: Any) -> bytes:
    found: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return found


def names_of(certificate: x509.Certificate) -> list[str]:
    """The hosts and addresses that it is for (RFC 6125: the subject's own name isn't read any more)."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = found.get_values_for_type(x509.IPAddress)
    return [*found.get_values_for_type(x509.DNSName), *map(str, addresses)]


def covers(name: str, host: str) -> bool:
    """Whether a name of a certificate, perhaps with a star for its first part, is that of a host."""
    name, host = name.lower().rstrip("."), host.lower().rstrip(".")
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(host)
    except ValueError:
        pass
    if name.startswith("*."):
        first, dot, rest = host.partition(".")
        return bool(first and dot) and rest == name[2:]
    return name == host
