"""Files of the store, copied into an export: from a folder of this machine, or from an object store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from twim.operator.refused import Refused
from twim.storage.files.bucket import Bucket, read_bucket
from twim.storage.files.interface import NAME
from twim.storage.files.sigv4 import EMPTY, Signer, encode_path

ANSWER_SECONDS: Final = 30.0  # how long an object store may be silent

Source = Callable[[str], AbstractContextManager[IO[bytes]]]
"""Opens a file of the store by its name. FileNotFoundError where there is none, `OSError` where it can't be read."""


def source_at(url: str, environ: Mapping[str, str] = os.environ) -> Source:
    """The store of `--files`. `Refused` for a wrong URL."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/"):
        return _folder(Path(unquote(parts.path)))
    if parts.scheme == "s3":
        try:
            return _bucket(read_bucket(url, environ))
        except ValueError as error:
            raise Refused(str(error)) from None
    raise Refused(f"--files {url}: begins with neither file:/// nor s3://")


def _folder(folder: Path) -> Source:
    return lambda name: (folder / name).open("rb")


def _bucket(bucket: Bucket) -> Source:
    signer = Signer(bucket.credentials, bucket.region)

    def opened(name: str) -> AbstractContextManager[IO[bytes]]:
        path = bucket.base + name
        headers = signer.sign("GET", path, (), {"Host": bucket.host}, EMPTY, datetime.now(UTC))
        # The scheme is http or https: `read_bucket` accepts no other.
        asked = Request(bucket.address + encode_path(path), headers=headers)
        try:
            answer: AbstractContextManager[IO[bytes]] = urlopen(asked, timeout=ANSWER_SECONDS)
        except HTTPError as error:
            error.close()
            if error.code == 404:
                raise FileNotFoundError(name) from None
            raise OSError(f"the object store says {error.code}") from None
        except URLError as error:
            raise OSError(f"the object store can't be reached: {error.reason}") from None
        return answer

    return opened


class Copies:
    """Copies files of a store into `folder`, each once, under their own names."""

    def __init__(self, source: Source, folder: Path) -> None:
        self._source = source
        self._folder = folder
        self._known: dict[str, bool] = {}

    @property
    def copied(self) -> int:
        """How many files are there."""
        return sum(self._known.values())

    @property
    def missing(self) -> int:
        """How many were asked for that the store doesn't have."""
        return len(self._known) - self.copied

    def copy(self, name: str) -> bool:
        """Whether the file is in the folder now; False where the store doesn't have it. `Refused` where it can't be
        read. What is no name of a stored file is never looked for, so none leads out of the folder."""
        if not NAME.fullmatch(name):
            return False
        if name not in self._known:
            self._known[name] = self._copy(name)
        return self._known[name]

    def _copy(self, name: str) -> bool:
        target = self._folder / name
        try:
            with self._source(name) as source:
                for folder in (self._folder, target.parent):
                    folder.mkdir(0o700, exist_ok=True)
                with open(target, "xb", opener=private) as copy:
                    shutil.copyfileobj(source, copy)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise Refused(f"{name}: {error}") from None
        return True


def private(path: str, flags: int) -> int:
    """Opens a file that only its owner may read."""
    return os.open(path, flags, 0o600)
