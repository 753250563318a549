"""Signatures are those that AWS publishes for its examples."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from unittest import TestCase

from twim.storage.files.sigv4 import EMPTY, Credentials, Query, Signer

AT = datetime(2013, 5, 24, tzinfo=UTC)
HOST = "examplebucket.s3.amazonaws.com"
CREDENTIALS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
SIGNER = Signer(CREDENTIALS, "us-east-1")


def signature(headers: dict[str, str]) -> str:
    return headers["Authorization"].rpartition("Signature=")[2]


class S3Examples(TestCase):
    """From "Authorization Header" and "Query Parameters" in the S3 API Reference."""

    def sign(self, method: str, path: str, query: Query = (), **more: str) -> dict[str, str]:
        sha256 = more.pop("sha256", EMPTY)
        headers = {"Host": HOST} | {name.replace("_", "-"): value for name, value in more.items()}
        return SIGNER.sign(method, path, query, headers, sha256, AT)

    def test_get_object(self) -> None:
        """GET with a range."""
        headers = self.sign("GET", "/test.txt", Range="bytes=0-9")
        self.assertEqual(
            headers["Authorization"],
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        )

    def test_put_object(self) -> None:
        """PUT with a name that must be encoded, and a body."""
        headers = self.sign(
            "PUT",
            "/test$file.text",
            Date="Fri, 24 May 2013 00:00:00 GMT",
            x_amz_storage_class="REDUCED_REDUNDANCY",
            sha256=hashlib.sha256(b"Welcome to Amazon S3.").hexdigest(),
        )
        self.assertEqual(signature(headers), "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")

    def test_lifecycle(self) -> None:
        """A query without a value."""
        headers = self.sign("GET", "/", [("lifecycle", "")])
        self.assertEqual(signature(headers), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")

    def test_list(self) -> None:
        """A query whose order is not the alphabet's."""
        headers = self.sign("GET", "/", [("prefix", "J"), ("max-keys", "2")])
        self.assertEqual(signature(headers), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")

    def test_presigned(self) -> None:
        """A URL that is good for a day."""
        query = SIGNER.presign("GET", "/test.txt", {"Host": HOST}, AT, 86400)
        self.assertEqual(
            dict(query)["X-Amz-Signature"],
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        )


class SuiteExample(TestCase):
    def test_key_derivation(self) -> None:
        """The date, region and service lead to AWS's published signing key, and so to its signature
        ("Examples of how to derive a signing key", AWS General Reference: IAM, 30 August 2015)."""
        signer = Signer(Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), "us-east-1", "iam")
        canonical = (
            "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
            "content-type:application/x-www-form-urlencoded; charset=utf-8\nhost:iam.amazonaws.com\n"
            f"x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n{EMPTY}"
        )
        at = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
        self.assertEqual(
            signer._signature(canonical, at),
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        )

    def test_a_session(self) -> None:
        """The token of temporary credentials is sent, and signed."""
        signer = Signer(Credentials("a", "b", "token"), "r")
        headers = signer.sign("GET", "/", (), {"Host": "h"}, EMPTY, AT)
        self.assertEqual(headers["x-amz-security-token"], "token")
        self.assertIn("x-amz-security-token", headers["Authorization"])
        self.assertIn(("X-Amz-Security-Token", "token"), signer.presign("GET", "/", {"Host": "h"}, AT, 1))

    def test_secrets_are_not_shown(self) -> None:
        """Credentials that come into a log don't tell the secret."""
        self.assertNotIn("wJalr", repr(SIGNER))
