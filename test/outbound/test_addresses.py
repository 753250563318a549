"""Which addresses are public, in whatever form they are written."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twim.outbound.addresses import NotPublic, check_host, is_public

PUBLIC = ("8.8.8.8", "1.1.1.1", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1", "64:ff9b::8.8.8.8")
NOT_PUBLIC = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1"),
    *("127.255.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1"),
    *("192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::"),
    *("::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "fe80::1"),
    *("fc00::1", "fd12::1", "fec0::1", "ff02::1", "64:ff9b::127.0.0.1"),
    *("64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1"),
    *("2002:7f00:1::1", "2002:808:808::1", "3fff::1", "2606:4700::1%eth0", "5f00::1"),
)


class Addresses(SynchronousTestCase):
    """`is_public` takes addresses."""

    def test_public(self) -> None:
        """Addresses of the public network, also those by which a NAT64 reaches them."""
        for address in PUBLIC:
            self.assertTrue(is_public(address), address)

    def test_not_public(self) -> None:
        """Private, loopback, link-local, reserved, and those that hide another address."""
        for address in NOT_PUBLIC:
            self.assertFalse(is_public(address), address)

    def test_no_address(self) -> None:
        """Only the usual form is an address here; a resolver gives no other."""
        for text in ("", "localhost", "127.1", "example.com", "1.2.3.4.5", "0x7f.0.0.1"):
            self.assertFalse(is_public(text), text)


class Hosts(SynchronousTestCase):
    """`check_host` takes the host of a URL."""

    def test_taken(self) -> None:
        """Names that have to be resolved, and public addresses in any form."""
        for host in (
            "example.com",
            "a_b.example.com.",
            "xn--bcher-kva.example",
            "127.0.0.1.example.com",
            "localhost.de",
        ):
            check_host(host)
        for host in (*PUBLIC, "134744072", "0x8.8.8.8", "010.8.8.8", "[2606:4700::1111]", "8.8.8.8."):
            check_host(host)

    def test_not_public(self) -> None:
        """Every address that isn't public is refused, in brackets too."""
        for host in NOT_PUBLIC:
            self.assertRaises(NotPublic, check_host, host)
            if ":" in host:
                self.assertRaises(NotPublic, check_host, f"[{host}]")

    def test_other_forms(self) -> None:
        """Forms that resolvers of names understand, though no document of URLs has them."""
        for host in (
            *("127.1", "127.0.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "0", "0x0"),
            *("127.0.0.1.", "127.1.", "0X7F.1", "10.1", "192.168.257", "0xa9fea9fe", "169.16689662", "00000000177.1"),
            *("[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::ffff:0:127.0.0.1]", "::1", "[fe80::1%25lo]"),
        ):
            self.assertRaises(NotPublic, check_host, host)

    def test_own_names(self) -> None:
        """Names of this machine."""
        for host in ("localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain"):
            self.assertRaises(NotPublic, check_host, host)

    def test_no_host(self) -> None:
        """What is neither an address nor a name, or could be read as another one."""
        for host in (
            "",
            ".",
            "a..b",
            "a b",
            "１２７.0.0.1",
            "127。0。0。1",
            "256.1.1.1",
            "1.2.3.4.5",
            "0x",
            "a.0x7g.1",
        ):
            self.assertRaises(NotPublic, check_host, host)
        for host in (
            "a" * 64,
            ".".join(["a" * 60] * 5),
            "[::1",
            "]",
            "[]",
            "a:b",
            "exa%6dple.com",
            "a/b",
            "a@b",
            "a\n",
        ):
            self.assertRaises(NotPublic, check_host, host)
