"""Certificates: ended, soon to end, of another host, without their key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from test.cluster.certificates import Authority
from test.doctor.examined import Examined
from twim.doctor import Finding
from twim.doctor.certificates import covers

URL = "https://chat.example.org"


def named(name: str) -> x509.Name:
    """A subject."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


class CertificatesTests(Examined):
    """The topic `certificates`."""

    def setUp(self) -> None:
        super().setUp()
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.pem, self.secret = self.data / "cert.pem", self.data / "key.pem"
        self.write_key(self.key)

    def write_key(self, key: ec.EllipticCurvePrivateKey, how: KeySerializationEncryption | None = None) -> None:
        """Put it into its file, for this user alone."""
        self.secret.touch(0o600)
        self.secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how or NoEncryption()))

    def write(self, days: float, begins: float = -1, host: str = "chat.example.org", issuer: str = "authority") -> None:
        """A certificate that ends after so many days."""
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(named("server"))
            .issuer_name(named(issuer))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=min(begins, days - 1)))
            .not_valid_after(now + timedelta(days=days))
        )
        if host:
            made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        self.pem.write_bytes(made.sign(self.key, SHA256()).public_bytes(Encoding.PEM))

    def found(self, url: str = "") -> list[Finding]:
        """What is found of that certificate and key."""
        port = f"ssl:8443:privateKey={self.secret}:certKey={self.pem}"
        return self.examine("certificates", self.config(port=port), url=url)

    def test_none(self) -> None:
        """Where no port speaks TLS there is nothing to say."""
        self.assert_no_problem(self.examine("certificates"))

    def test_right(self) -> None:
        """Valid for long, of the right host, with its key."""
        self.write(90)
        found = self.found(URL)
        self.assert_no_problem(found)
        self.assert_found(found, "ok", "is for chat.example.org")
        self.assert_found(found, "ok", "is valid until")

    def test_ended(self) -> None:
        """Yesterday."""
        self.write(-1)
        self.assertIn("Renew", self.assert_found(self.found(), "error", "no browser takes it").fix)

    def test_ends_soon(self) -> None:
        """In less than three weeks, and in more."""
        self.write(20.5)
        self.assert_found(self.found(), "warning", "in 20 days")
        self.write(21.5)
        self.assert_no_problem(self.found())

    def test_not_yet(self) -> None:
        """Tomorrow."""
        self.write(90, begins=1)
        self.assert_found(self.found(), "error", "isn't valid before")

    def test_other_host(self) -> None:
        """Of another host, and of none."""
        self.write(90, host="www.example.org")
        self.assert_found(self.found(URL), "error", "is for www.example.org, and not for chat.example.org")
        self.write(90, host="")
        self.assert_found(self.found(URL), "error", "is for no name")

    def test_hosts(self) -> None:
        """A star stands for one part, the first."""
        for name, host, wanted in (
            ("chat.example.org", "Chat.Example.org.", True),
            ("*.example.org", "chat.example.org", True),
            ("*.example.org", "a.chat.example.org", False),
            ("*.example.org", "example.org", False),
            ("192.0.2.1", "192.0.2.1", True),
            ("2001:db8::1", "2001:DB8:0::1", True),
            ("192.0.2.1", "192.0.2.2", False),
        ):
            self.assertEqual(covers(name, host), wanted, (name, host))

    def test_another_key(self) -> None:
        """A key that isn't the certificate's."""
        self.write(90)
        self.write_key(ec.generate_private_key(ec.SECP256R1()))
        self.assert_found(self.found(), "error", "isn't that of the certificate")

    def test_keys_that_cannot_be_used(self) -> None:
        """With a password, no key at all, and no file."""
        self.write(90)
        self.write_key(self.key, BestAvailableEncryption(b"secret"))
        self.assert_found(self.found(), "error", "has no private key that can be used")
        self.secret.write_text("hello")
        self.assert_found(self.found(), "error", "has no private key that can be used")
        self.secret.unlink()
        self.assert_found(self.found(), "error", "can't be read: No such file")

    def test_key_of_everybody(self) -> None:
        """Others may read it."""
        self.write(90)
        self.secret.chmod(0o644)
        self.assertIn("new key", self.assert_found(self.found(), "error", "mode 0644").fix)
        self.secret.chmod(0o640)
        self.assert_no_problem(self.found())

    def test_no_certificate(self) -> None:
        """No file, and a file that has none."""
        self.assert_found(self.found(), "error", "can't be read: No such file")
        self.pem.write_text("hello")
        self.assert_found(self.found(), "error", "has no certificate in PEM form")

    def test_signed_by_itself(self) -> None:
        """Browsers warn of it."""
        self.write(90, issuer="server")
        self.assert_found(self.found(), "warning", "signed by itself")

    def test_chain(self) -> None:
        """Alone, and with the one that signed it."""
        self.write(90)
        self.assertIn("fullchain.pem", self.assert_found(self.found(), "note", "between it and the root").fix)
        self.pem.write_bytes(self.pem.read_bytes() * 2)
        self.assertNotIn("note", [one.level for one in self.found()])

    def test_of_the_bus(self) -> None:
        """Redis's authority, and our own certificate there."""
        authority = Authority(self.data)
        own = authority.sign("node", host="node")
        bus = f"rediss://127.0.0.1:1?ca={authority.file}&cert={own}"
        config = self.config(bus=bus, db="mysql://im@db.example/im")
        found = self.examine("certificates", config)
        self.assertEqual([one.text.split()[2] for one in found], [str(authority.file), str(own)])
        self.assertEqual([one.level for one in found], ["warning", "warning"])  # they are for one day
        Path(own).unlink()
        self.assert_found(self.examine("certificates", config), "error", "can't be read")
