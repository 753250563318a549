"""Keys in files and sets: which are taken, for which algorithm."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from twisted.trial.unittest import SynchronousTestCase

from test.cluster.certificates import Authority
from test.identity.signing import SECRET, in_set, pem, private_key, written
from twim.config import ConfigError, read_config
from twim.identity.keys import read_key, read_key_set
from twim.identity.sources import BadSource
from twim.service import check_login


class FileTests(SynchronousTestCase):
    """A file of ``--login jwt:FILE``."""

    def test_algorithms(self) -> None:
        """The kind of the key alone decides the algorithm."""
        for algorithm in ("RS256", "ES256", "EdDSA"):
            self.assertEqual(read_key(written(self.mktemp(), pem(private_key(algorithm)))).algorithm, algorithm)
        found = read_key(written(self.mktemp(), SECRET + b"\r\n\n"))
        self.assertEqual((found.algorithm, found.key), ("HS256", SECRET))

    def test_certificate(self) -> None:
        """A certificate stands for its key."""
        folder = Path(self.mktemp())
        folder.mkdir()
        Authority(folder)
        self.assertIn(read_key(next(folder.glob("*.pem"))).algorithm, ("RS256", "ES256"))

    def test_refused(self) -> None:
        """Everything else, what is known to everybody above all."""
        small = pem(rsa.generate_private_key(65537, 1024))
        curve = pem(ec.generate_private_key(ec.SECP384R1()))
        other = pem(ed448.Ed448PrivateKey.generate())
        key = private_key("RS256")
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ssh = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        for content, why in (
            (b"", "neither"),
            (SECRET[1:] + b"\n", "at least 32 bytes"),
            (small, "2048 bits"),
            (curve, "P-256"),
            (other, "Ed25519"),
            (private, "a private key"),
            (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key"),
            (der, "neither"),
            (ssh, "neither"),
            (str(in_set("RS256", "a")).replace("'", '"').encode(), "neither"),
            (b"x" * (64 * 1024 + 1), "too large"),
        ):
            error = self.assertRaises(BadSource, read_key, written(self.mktemp(), content))
            self.assertIn(why, str(error), content[:40])

    def test_start(self) -> None:
        """A server doesn't start with a file that is missing or no good, its provider's among them."""
        empty = written(self.mktemp(), b" \n")
        latin = written(self.mktemp(), b"\xff\xfe")
        for login in (
            "jwt:/not/there",
            f"jwt:{empty}",
            "oidc:https://sso.example?client=c&secret=/not/there",
            f"oidc:https://sso.example?client=c&secret={empty}",
            f"oidc:https://sso.example?client=c&secret={latin}",
        ):
            self.assertRaises(ConfigError, check_login, read_config({"login": login}, {}))


class SetTests(SynchronousTestCase):
    """A JWK Set."""

    def test_taken(self) -> None:
        """Public keys for our algorithms, however much is said of them."""
        said = [in_set("RS256", "a", alg="RS256"), in_set("ES256", "b", use="sig"), in_set("EdDSA", "c")]
        found = read_key_set({"keys": said})
        self.assertEqual([(one.algorithm, one.kid) for one in found], [("RS256", "a"), ("ES256", "b"), ("EdDSA", "c")])

    def test_passed_over(self) -> None:
        """What isn't for signatures of ours doesn't count, and doesn't keep the others from it."""
        good = in_set("EdDSA", "good")
        wrong = [
            {"kty": "oct", "k": "AAAA", "kid": "secret"},
            in_set("RS256", "enc", use="enc"),
            in_set("RS256", "other", alg="PS256"),
            in_set("RS256", "mixed", alg="HS256"),
            in_set("ES256", "curve") | {"crv": "P-384"},
            in_set("ES256", "broken") | {"x": "AA"},
            in_set("EdDSA", "list") | {"crv": ["Ed25519"]},
            in_set("EdDSA", "kid") | {"kid": 7},
            "text",
        ]
        self.assertEqual([one.kid for one in read_key_set({"keys": [*wrong, good]})], ["good"])

    def test_no_set(self) -> None:
        """What is no set isn't taken for an empty one."""
        self.assertRaises(ValueError, read_key_set, {"keys": {"a": 1}})
        self.assertRaises(ValueError, read_key_set, {})
