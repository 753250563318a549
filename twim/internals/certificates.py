"""A port with TLS whose certificate can be read again: whoever connects then gets the new one, and open connections
stay as they are.

It relies on Twisted 26.10, where `serverFromString` reads the files of an ``ssl:`` description into the endpoint's
`_sslContextFactory`, and `serverConnectionForTLS` is asked for each connection:
https://github.com/twisted/twisted/blob/twisted-26.10.0/src/twisted/internet/endpoints.py
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from OpenSSL import SSL, crypto
from twisted.internet.endpoints import SSL4ServerEndpoint, serverFromString
from twisted.internet.error import VerifyError
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import Certificate
from zope.interface import implementer

ERRORS: Final = (OSError, ValueError, TypeError, KeyError, IndexError, SSL.Error, crypto.Error, VerifyError)
"""What a description of an endpoint, or a file that it names, may be refused with."""

_FILES: Final = ("privateKey", "certKey", "extraCertChain", "dhParameters")
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@implementer(IOpenSSLServerConnectionCreator)
class RereadCertificate:
    """The certificate and key of one ``ssl:`` endpoint, as they were last read."""

    def __init__(self, reactor: Any, description: str) -> None:
        self.name = description.partition(":privateKey")[0].partition(":certKey")[0]
        """The beginning of the description, without the names of files."""
        self._reactor = reactor
        self._description = description
        given = _given(description)
        self.files: Sequence[Path] = [Path(given[name]) for name in _FILES if name in given]
        self._chain_in_certificate = "extraCertChain" not in given
        self._certificate_file = Path(given.get("certKey") or given.get("privateKey") or "server.pem")
        self.expires = 0.0
        """When it ends, in seconds since 1970."""
        self.read()

    def read(self) -> None:
        """Read the files. One of `ERRORS` when they can't be used: then all stays as it was."""
        endpoint: Any = serverFromString(self._reactor, self._description)
        options = endpoint._sslContextFactory
        if self._chain_in_certificate:
            # Authorities give a certificate and those between it and them in one file, of which Twisted reads the
            # first: a client that doesn't know the others would trust none.
            found = _PEM.findall(self._certificate_file.read_bytes())
            options.extraCertChain = [Certificate.loadPEM(one).original for one in found[1:]]
        # It is made when it is first needed; only then it is known whether the key is that of the certificate.
        options.getContext()
        self.expires = options.certificate.to_cryptography().not_valid_after_utc.timestamp()
        self._options = options

    def state_of_files(self) -> object:
        """Something that differs when a file was changed or replaced."""
        found: list[tuple[int, int, int] | None] = []
        for path in self.files:
            try:
                state = os.stat(path)
            except OSError:
                found.append(None)
            else:
                found.append((state.st_mtime_ns, state.st_size, state.st_ino))
        return found

    def endpoint(self) -> SSL4ServerEndpoint:
        """The endpoint, whose connections get what was read last."""
        endpoint: Any = serverFromString(self._reactor, self._description)
        endpoint._sslContextFactory = self
        made: SSL4ServerEndpoint = endpoint
        return made

    def serverConnectionForTLS(self, protocol: Any) -> Any:
        """Twisted's hook, for each new connection."""
        return self._options.serverConnectionForTLS(protocol)


def is_tls(description: str) -> bool:
    """Whether the endpoint has a certificate of its own."""
    return description.lower().startswith("ssl:")


def _given(description: str) -> dict[str, str]:
    """The named parts of a description, in which a backslash takes the meaning from the next character."""
    parts = re.findall(r"((?:\\.|[^:\\])*)(?::|$)", description)
    named = (part.partition("=") for part in parts)
    return {name: re.sub(r"\\(.)", r"\1", value) for name, equals, value in named if equals}
