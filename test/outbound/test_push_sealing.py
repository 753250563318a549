"""What is pushed is sealed as the standard has it, for keys that are a browser's."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from twisted.trial.unittest import SynchronousTestCase

from test.outbound.browser import Browser, decode, encode, private_key
from twim.outbound.push_sealing import PAYLOAD_BYTES, BadKeys, Receiver, read_receiver, seal

# RFC 8291, section 5 and appendix A.
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
BROWSERS_KEY = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
SERVERS_KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
WORDS = b"When I grow up, I want to be a watermelon"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


class SealingTests(SynchronousTestCase):
    """Sealing for one browser."""

    def test_example(self) -> None:
        """The standard's own example, byte for byte."""
        sealed = seal(read_receiver(P256DH, AUTH), WORDS, private_key(SERVERS_KEY), decode(SALT))
        self.assertEqual(encode(sealed), SEALED)

    def test_browser(self) -> None:
        """The tests' browser opens the standard's example."""
        self.assertEqual(Browser(private_key(BROWSERS_KEY), decode(AUTH)).open(decode(SEALED)), WORDS)

    def test_for_one(self) -> None:
        """Each time it is sealed anew, and no other browser opens it."""
        browser, other = Browser(), Browser()
        receiver = read_receiver(browser.p256dh, browser.auth)
        first, second = seal(receiver, WORDS), seal(receiver, WORDS)
        self.assertNotEqual(first[:16], second[:16])
        self.assertNotEqual(first[21:86], second[21:86])
        self.assertEqual({browser.open(first), browser.open(second)}, {WORDS})
        self.assertRaises(InvalidTag, other.open, first)

    def test_largest(self) -> None:
        """The largest content fits into the 4,096 bytes that every push service takes."""
        browser = Browser()
        sealed = seal(read_receiver(browser.p256dh, browser.auth), b"x" * PAYLOAD_BYTES)
        self.assertEqual((len(sealed), len(browser.open(sealed))), (4096, PAYLOAD_BYTES))


class ReceiverTests(SynchronousTestCase):
    """The keys that a browser gives."""

    def test_read(self) -> None:
        """As browsers write them, and with padding."""
        found = Receiver(decode(P256DH), decode(AUTH))
        self.assertEqual(read_receiver(P256DH, AUTH), found)
        self.assertEqual(read_receiver(P256DH + "=", AUTH + "=="), found)

    def test_refused(self) -> None:
        """What isn't base64url, is too short, or no point of the curve."""
        off_curve = encode(b"\4" + b"\1" * 64)
        compressed = encode(b"\2" + decode(P256DH)[1:33])
        for p256dh in ("", "ä" * 87, "BC!xsr", P256DH[:-4], off_curve, compressed):
            with self.assertRaises(BadKeys) as caught:
                read_receiver(p256dh, AUTH)
            self.assertIn("p256dh", str(caught.exception))
        for auth in ("", AUTH[:-4], AUTH + "AAAA", "/+" * 11):
            with self.assertRaises(BadKeys) as caught:
                read_receiver(P256DH, auth)
            self.assertIn("auth", str(caught.exception))
