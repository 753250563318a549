"""The uploads: whether they can be stored and read, and who else may read what the server keeps."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from twim.doctor.disk import local_files
from twim.doctor.finding import Finding, Level
from twim.doctor.object_store import StoreRefused, look_for_nothing, put_get_delete
from twim.doctor.processes import KNOWS_USERS, may_write, name_of, server_user
from twim.doctor.subject import Subject
from twim.storage.files.bucket import read_bucket

TOPIC: Final = "files"
OTHERS: Final = 0o077
MOST_NAMES: Final = 10_000  # that are looked at in the data folder itself
PROBE: Final = ".doctor"


def look_at_files(subject: Subject) -> Iterator[Finding]:
    """Examine the store, then the rights."""
    folder = local_files(subject.config.files)
    yield from _bucket(subject) if folder is None else _local(subject, folder)
    if KNOWS_USERS:
        yield from _data(subject.config.data)
        if folder is not None and folder.is_dir():
            yield from _served(subject, folder)


def _local(subject: Subject, folder: Path) -> Iterator[Finding]:
    uid = server_user(subject.config.data)
    if not folder.exists():
        yield Finding(TOPIC, Level.NOTE, f"the folder of uploads {folder} isn't there yet; the server makes it")
    elif not folder.is_dir():
        yield Finding(TOPIC, Level.ERROR, f"{folder} is no folder", "Move it away, or correct --files.")
    elif not may_write(folder, uid) or not os.access(folder, os.R_OK | os.X_OK):
        fix = f"Give it to that user: chown -R {name_of(uid)} {folder}."
        yield Finding(TOPIC, Level.ERROR, f"the folder of uploads {folder} can't be used by {name_of(uid)}", fix)
    elif not subject.write:
        yield Finding(TOPIC, Level.OK, f"the folder of uploads {folder} may be read and written by {name_of(uid)}")
    else:
        yield _tried(folder)


def _tried(folder: Path) -> Finding:
    path = folder / f"{PROBE}-{os.getpid()}"
    try:
        try:
            path.write_bytes(b"twim")
            is_right = path.read_bytes() == b"twim"
        finally:
            path.unlink(missing_ok=True)
    except OSError as error:
        fix = "Make room on its disk, and look that it isn't mounted read-only."
        return Finding(TOPIC, Level.ERROR, f"no file can be stored in {folder}: {error.strerror}", fix)
    if not is_right:
        return Finding(TOPIC, Level.ERROR, f"a file in {folder} wasn't read as it was written", "Check the disk.")
    return Finding(TOPIC, Level.OK, f"a file was stored in {folder}, read and deleted")


def _bucket(subject: Subject) -> Iterator[Finding]:
    try:
        bucket = read_bucket(subject.config.files, subject.environ)
    except ValueError as error:
        yield Finding(TOPIC, Level.ERROR, str(error), "Correct --files, or give the keys of the object store.")
        return
    where = f"the object store {bucket.address}"
    if bucket.scheme == "http":
        fix = "Name an endpoint that begins with https://, unless the network is only yours."
        yield Finding(TOPIC, Level.NOTE, f"{where} is asked without TLS", fix)
    try:
        if subject.write:
            put_get_delete(bucket)
            yield Finding(TOPIC, Level.OK, f"an object was stored in {where}, read and deleted")
        else:
            look_for_nothing(bucket)
            yield Finding(TOPIC, Level.OK, f"{where} takes our keys; --write also stores and deletes an object")
    except StoreRefused as error:
        yield Finding(TOPIC, Level.ERROR, f"{where} can't be used: {error}", _store_fix(str(error)))


def _store_fix(why: str) -> str:
    if "RequestTimeTooSkewed" in why:
        return "Set this machine's clock: requests are signed with the time."
    if "NoSuchBucket" in why:
        return "Make the bucket, or correct its name in --files."
    return "Correct the endpoint, the region or the keys of --files, or give the keys the right to use the bucket."


def _data(data: Path) -> Iterator[Finding]:
    """The data folder: closed to others, or with nothing in it that others may read."""
    if not data.is_dir():
        return
    mode = stat.S_IMODE(data.stat().st_mode)
    if not mode & OTHERS:
        yield Finding(TOPIC, Level.OK, f"only the server's user may look into {data}")
        return
    try:
        names = sorted(data.iterdir())[:MOST_NAMES]
    except OSError as error:
        yield Finding(TOPIC, Level.NOTE, f"{data} can't be looked into by this user: {error.strerror}")
        return
    # The folder of uploads is spoken of by itself.
    open_ones = [one.name for one in names if one.is_file() and stat.S_IMODE(one.stat().st_mode) & OTHERS]
    fix = f"Close it, with the server stopped or running: chmod -R go= {data}."
    if open_ones:
        shown = ", ".join(open_ones[:5]) + (" and more" if len(open_ones) > 5 else "")
        yield Finding(TOPIC, Level.WARNING, f"others on this machine may read {shown} in {data}", fix)
    else:
        text = f"others on this machine may look into {data} (mode {mode:04o})"
        yield Finding(TOPIC, Level.WARNING, text, fix)


def _served(subject: Subject, folder: Path) -> Iterator[Finding]:
    """The folder of uploads: others, such as a web server that serves it, need no right of their own to read it."""
    folders = [folder, *folder.parents]
    if all(stat.S_IMODE(one.stat().st_mode) & 0o001 for one in folders):
        fix = (
            f"Close it: chmod -R go= {folder}. If a web server serves it, let that server's group alone read it:"
            f" chmod -R g=rX,o= {folder}."
        )
        text = f"everybody on this machine, a web server too, may read every upload in {folder}"
        yield Finding(TOPIC, Level.WARNING, text, fix)
    elif subject.config.data not in folder.parents and stat.S_IMODE(folder.stat().st_mode) & OTHERS:
        fix = f"If no web server has to read it there: chmod -R go= {folder}."
        yield Finding(TOPIC, Level.NOTE, f"a group may read the uploads in {folder}", fix)
