"""The certificates of the ports with TLS: read again when their files change, and when the operator asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from twim.internals.certificates import ERRORS, RereadCertificate

LOOK_SECONDS: Final = 2.0
"""How often the files are looked at. What changed is read one look later, when certificate and key both are new."""


class Certificates:
    """Of all ports of a server."""

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._certificates: list[RereadCertificate] = []
        self._read: list[object] = []
        self._seen: list[object] = []
        self._looking: IDelayedCall | None = None

    def add(self, certificate: RereadCertificate) -> None:
        """Look after this one, too."""
        self._certificates.append(certificate)
        state = certificate.state_of_files()
        self._read.append(state)
        self._seen.append(state)
        if self._looking is None:
            self._looking = self._reactor.callLater(LOOK_SECONDS, self._look)

    def expiries(self) -> Mapping[str, float]:
        """Of each endpoint, when its certificate ends, in seconds since 1970."""
        return {one.name: one.expires for one in self._certificates}

    def read_again(self) -> None:
        """Read all of them, changed or not. One that can't be used is told in the log, and the old one stays."""
        for number in range(len(self._certificates)):
            self._read_one(number)

    def stop(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _look(self) -> None:
        self._looking = self._reactor.callLater(LOOK_SECONDS, self._look)
        for number, certificate in enumerate(self._certificates):
            now = certificate.state_of_files()
            # Whoever replaces a certificate replaces its key a moment earlier or later.
            if now == self._seen[number] != self._read[number]:
                self._read_one(number)
            self._seen[number] = now

    def _read_one(self, number: int) -> None:
        certificate = self._certificates[number]
        self._read[number] = self._seen[number] = certificate.state_of_files()
        try:
            certificate.read()
        except ERRORS as error:
            why = " ".join(str(error).split()) or type(error).__name__
            self.log.error("the certificate of {port} stays: {why}", port=certificate.name, why=why)
        else:
            self.log.info("the certificate of {port} was read", port=certificate.name)
