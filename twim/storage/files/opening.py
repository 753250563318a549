"""Which store a URL means."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from twim.storage.files.bucket import read_bucket
from twim.storage.files.interface import FileStore
from twim.storage.files.local import LocalFiles
from twim.storage.files.s3 import S3Files
from twim.storage.files.spool import Spool
from twim.storage.files.threads import FileThreads


def open_files(
    url: str, spool: Path, reactor: Any, threads: FileThreads, environ: Mapping[str, str] = os.environ
) -> FileStore:
    """The store at `url`: ``file:///…`` or ``s3://bucket/prefix?endpoint=…&region=…``.

    `spool` is the folder in which uploads for a store on another machine gather. A wrong URL is a
    ValueError that says what is wrong with it, a folder that can't be written an OSError.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/") or parts.query:
            raise ValueError(f"--files {url}: a folder is written file:///path/to/it")
        return LocalFiles(Path(unquote(parts.path)), threads)
    if parts.scheme == "s3":
        return S3Files(read_bucket(url, environ), Spool(spool), threads, reactor)
    raise ValueError(f"--files {url}: begins with neither file:/// nor s3://")
