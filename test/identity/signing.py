"""Keys and tokens for tests, as hosts make them."""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

SECRET = b"0123456789abcdef0123456789abcdef"


@cache
def private_key(algorithm: str, number: int = 0) -> Any:
    """A private key for an algorithm, the same each time."""
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, 2048)
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()


def pem(key: Any) -> bytes:
    """The public key of a private one."""
    found: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found


def in_set(algorithm: str, kid: str, number: int = 0, **more: str) -> dict[str, Any]:
    """The public key as a JWK."""
    kind: Any = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}[algorithm]
    made: dict[str, Any] = json.loads(kind.to_jwk(private_key(algorithm, number).public_key()))
    return {name: value for name, value in made.items() if name != "key_ops"} | {"kid": kid} | more


def claims(**more: Any) -> dict[str, Any]:
    """Claims of ann's that are good for a minute; what is None is left out."""
    said = {"sub": "ann", "exp": int(time.time()) + 60} | more
    return {name: value for name, value in said.items() if value is not None}


def token(key: Any = SECRET, algorithm: str = "HS256", kid: str | None = None, **more: Any) -> str:
    """A token of these claims."""
    return jwt.encode(claims(**more), key, algorithm, headers={"kid": kid} if kid else None)


def written(folder: str, content: bytes) -> Path:
    """A file with this content."""
    path = Path(folder).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
