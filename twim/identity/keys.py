"""The keys that signatures of tokens are verified by. The kind of a key alone decides the algorithm: what a token says
of it is only compared (RFC 8725, sections 3.1 and 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from jwt import PyJWK, PyJWTError
from jwt.algorithms import HMACAlgorithm

from twim.identity.sources import BadSource

SECRET_BYTES: Final = 32  # RFC 7518, section 3.2: as many as the hash has
RSA_BITS: Final = 2048  # RFC 7518, section 3.3
FILE_BYTES: Final = 64 * 1024
KEYS: Final = 100  # of one set that are looked at
SIGNED: Final = frozenset({"RS256", "ES256", "EdDSA"})
"""The algorithms of public keys."""
_PUBLIC: Final = ("kty", "crv", "n", "e", "x", "y")
_KINDS: Final[Mapping[tuple[object, object], str]] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}


class VerifyingKey(NamedTuple):
    """A key, the one algorithm it is for, and what a set calls it."""

    algorithm: str
    key: Any
    kid: str | None = None


def read_key(path: Path) -> VerifyingKey:
    """The key in a file: a public key or a certificate as PEM, or else a secret, which is all that the file has but
    the line breaks at its end. `BadSource`."""
    found = read_file(path)
    if b"-----BEGIN " in found:
        return _from_pem(path, found)
    return VerifyingKey("HS256", _secret(path, found.rstrip(b"\r\n")))


def read_file(path: Path) -> bytes:
    """What a file has. `BadSource` when it can't be read or is too large."""
    try:
        with path.open("rb") as file:
            found = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise BadSource(f"{path}: {error.strerror}") from None
    if len(found) > FILE_BYTES:
        raise BadSource(f"{path}: too large for a key")
    return found


def _secret(path: Path, secret: bytes) -> bytes:
    try:
        # Refuses what is a public key in another form: as a secret it would be known to everybody.
        found = HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except PyJWTError:
        raise BadSource(f"{path}: neither a secret nor a public key in PEM") from None
    if len(found) < SECRET_BYTES:
        raise BadSource(f"{path}: a secret has at least {SECRET_BYTES} bytes, as openssl rand -hex 32 makes one")
    return found


def _from_pem(path: Path, pem: bytes) -> VerifyingKey:
    if b"PRIVATE KEY-----" in pem:
        raise BadSource(f"{path}: a private key; the server is given the public one alone")
    try:
        key = load_pem_x509_certificate(pem).public_key() if b"CERTIFICATE-----" in pem else load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise BadSource(f"{path}: no public key in PEM") from None
    algorithm = _algorithm(key)
    if not algorithm:
        raise BadSource(f"{path}: the key is RSA of {RSA_BITS} bits or more, EC of P-256, or Ed25519")
    return VerifyingKey(algorithm, key)


def _algorithm(key: object) -> str:
    if isinstance(key, RSAPublicKey):
        return "RS256" if key.key_size >= RSA_BITS else ""
    if isinstance(key, EllipticCurvePublicKey):
        return "ES256" if isinstance(key.curve, SECP256R1) else ""
    return "EdDSA" if isinstance(key, Ed25519PublicKey) else ""


def read_key_set(document: Mapping[str, Any]) -> list[VerifyingKey]:
    """The keys of a JWK Set (RFC 7517) that tokens may be signed by. Others are passed over: secrets, keys for
    encryption or for other algorithms, and what can't be read. `ValueError` for what is no set."""
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise ValueError("no JWK Set")
    return [found for one in keys[:KEYS] if isinstance(one, dict) and (found := _from_set(one)) is not None]


def _from_set(said: Mapping[str, Any]) -> VerifyingKey | None:
    kind = (said.get("kty"), said.get("crv"))
    algorithm = _KINDS.get(kind, "") if all(isinstance(one, str | None) for one in kind) else ""
    kid = said.get("kid")
    fits = said.get("alg", algorithm) == algorithm and said.get("use", "sig") == "sig"
    if not algorithm or not fits or not isinstance(kid, str | None):
        return None
    try:
        key = PyJWK({name: said[name] for name in _PUBLIC if name in said}, algorithm).key
    except (PyJWTError, ValueError, TypeError):
        return None
    return VerifyingKey(algorithm, key, kid) if _algorithm(key) == algorithm else None
