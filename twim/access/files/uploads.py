"""POST /attach/upload: takes a file, and answers with its URL.

Each upload takes these steps: a bounded number of its bytes arrives (`IncomingBody`); when it is known who sends them,
they are written to the spool (`UploadBody`); then the file is stored, and its URL is the answer. Who sends it is
decided only in `Uploads.receive`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePath
from time import monotonic
from typing import Final

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import Request

from twim.access.files.incoming import Gone, IncomingBody
from twim.access.files.multipart import Upload, UploadBody, boundary_of
from twim.access.http.authentication import check_own
from twim.access.http.declared import FILE, data, text, whole
from twim.access.http.fields import Fields
from twim.access.http.names import shown
from twim.access.http.request import BoundedRequest
from twim.access.http.route import route
from twim.errors import Failed, Malformed, NotFound, NotLoggedIn, Refusal, TooLarge, TooMany, Unavailable
from twim.internals.http import is_disconnected
from twim.limits.limits import Limits
from twim.logic.files import Files
from twim.storage.files.cleaning import Clean
from twim.storage.files.interface import THUMB, FileStore, Presigner, name_of
from twim.storage.files.pictures import THUMB_KIND, Picture, Pictures
from twim.storage.files.sniff import kind_claimed, kind_of
from twim.storage.files.threads import FileThreads
from twim.wire import envelope

UPLOAD_PATH: Final = b"/attach/upload"

UPLOAD_LIMIT: Final = 20 * 1024 * 1024
"""The largest upload in bytes, unless a setting says otherwise."""

AROUND_FILE: Final = 1 << 16
"""How many bytes an upload's body may have besides the file: boundaries, headers, fields."""

UPLOADS_EACH: Final = 8
"""How many uploads one user may have under way. A browser sends at most 6 requests at once to one host."""

UPLOADS_ALL: Final = 200
"""How many uploads may be under way in all. Multiplied by the limit: how much of the disk the spool may take."""

FILENAME_LIMIT: Final = 255
"""Characters of a file's name: the bound of most file systems."""

Authorise = Callable[[Request], Awaitable[int]]
"""Gives the id of the user who sends a request, or raises NotLoggedIn. It is called before the body has come, when the
request's `args` have only the fields of the query."""
SIZE: Final = whole("size", least=1)
TYPE: Final = text("type", 200)
NAME_FIELD: Final = text("name", FILENAME_LIMIT)
FILETYPE: Final = text("filetype", 200)
UPLOADED: Final = data(str, type=str, width=int | None, height=int | None, thumb=str | None)


class Uploads:
    """The routes under ``/attach``. It also receives the bodies of uploads."""

    app = Klein()
    _log = Logger()

    def __init__(
        self,
        store: FileStore,
        pictures: Pictures,
        threads: FileThreads,
        authorise: Authorise,
        files: Files,
        limit: Callable[[], int] = lambda: UPLOAD_LIMIT,
        limits: Limits | None = None,
    ) -> None:
        self.authorise = authorise
        self._files = files
        self._limit = limit
        self._store = store
        self._pictures = pictures
        self._threads = threads
        self._limits = limits or Limits(False, monotonic)
        self._under_way: Counter[int] = Counter()

    def under_way(self) -> int:
        """How many uploads are being received."""
        return self._under_way.total()

    # Receiving

    def receive(self, request: BoundedRequest, length: int | None) -> IncomingBody:
        """Begin to receive the body of an upload. Nothing of it is read before its sender is known. Raises `TooLarge`,
        `WrongType` or `Malformed` if it can't be taken."""
        limit = self._limit()
        most = limit + AROUND_FILE
        too_large = TooLarge(f"a file has at most {limit} bytes")
        if length is not None and length > most:
            raise too_large
        boundary = boundary_of((request.getHeader(b"content-type") or b"").decode("latin-1"))
        incoming = IncomingBody(self._threads, request.pause_body, request.resume_body, most, too_large)
        request.pause_body()
        receiving = Deferred.fromCoroutine(self._receive(request, incoming, boundary))
        receiving.addErrback(self._failed, request)
        return incoming

    async def _receive(self, request: BoundedRequest, incoming: IncomingBody, boundary: str) -> None:
        try:
            user = await self._sender(request, incoming, boundary)
            with self._counted(user):
                request.resume_body()
                upload = await incoming.into(UploadBody(boundary, self._store.spool, self._limit()))
                upload = replace(upload, userid=user)
            self._limits.uploaded(user, upload.spooled.size)
        except Gone:
            return
        except Refusal as refused:
            request.refuse(refused)
            return
        try:
            # A client of the original Go server names its user in a field, which may come after the file. A field of
            # the query has precedence, and `authorise` has checked it already.
            claimed = {name: value for name, value in upload.fields.items() if name.encode() not in request.args}
            check_own(Fields(claimed), user, "userid", "ownerid")
        except Refusal as refused:
            request.refuse(refused)
        else:
            if not is_disconnected(request):
                # If something refuses the request, its route doesn't take the upload, which must be dropped then.
                request.notifyFinish().addBoth(lambda _: self._drop(request))
                if request.proceed(upload):
                    return
        await self._threads.run(upload.spooled.discard)

    async def _sender(self, request: BoundedRequest, incoming: IncomingBody, boundary: str) -> int:
        """The id of the user who sends the upload. The token may also be a field of the body, before the file."""
        try:
            return await self.authorise(request)
        except NotLoggedIn:
            request.resume_body()
            fields = await incoming.ahead(boundary)
            if "token" not in fields:
                raise
            request.args[b"token"] = [fields["token"].encode()]
            return await self.authorise(request)

    @contextmanager
    def _counted(self, user: int) -> Iterator[None]:
        """Counts an upload as under way. Raises `TooMany` if there are too many already."""
        if self._under_way[user] >= UPLOADS_EACH or self.under_way() >= UPLOADS_ALL:
            raise TooMany("too many uploads at once", retry_after=5)
        self._limits.upload(user)
        self._under_way[user] += 1
        try:
            yield
        finally:
            self._under_way[user] -= 1
            if not self._under_way[user]:
                del self._under_way[user]

    def _drop(self, request: BoundedRequest) -> None:
        upload, request.upload = request.upload, None
        if isinstance(upload, Upload):
            done = Deferred.fromCoroutine(self._threads.run(upload.spooled.discard))
            done.addErrback(lambda failure: self._log.failure("an upload stays in the spool", failure))

    def _failed(self, failure: Failure, request: BoundedRequest) -> None:
        self._log.failure("an upload failed", failure)
        request.refuse(Failed())

    # Storing and answering

    @route(app, "/upload", takes=(FILE, FILETYPE), gives=UPLOADED)
    async def upload(self, request: BoundedRequest, fields: Fields) -> bytes:
        """Store the file. In the answer ``data`` is its signed URL and ``type`` its MIME type. For a picture there are
        ``width``, ``height`` and, if it is large, ``thumb``, the URL of a small copy."""
        upload, request.upload = request.upload, None
        if not isinstance(upload, Upload):
            raise Malformed("no part named file")
        try:
            if not upload.spooled.size:
                raise Malformed("the file is empty")
            return await self._keep(upload)
        except OSError as error:
            raise Unavailable from error
        finally:
            await self._threads.run(upload.spooled.discard)

    @route(
        app, "/presign", takes=(SIZE, TYPE, NAME_FIELD), gives=data(str, url=str, method=str, headers=dict[str, str])
    )
    async def presign(self, request: Request, fields: Fields) -> bytes:
        """Where the browser may send a file directly, of ``size`` bytes and MIME ``type``, which is saved as ``name``.
        The answer has ``url``, ``method`` and ``headers`` of that request, and ``data``, the URL of the file after
        it."""
        user = await self.authorise(request)
        if not isinstance(self._store, Presigner) or not self._store.direct:
            raise NotFound("files are sent to /attach/upload")
        size = fields[SIZE]
        limit = self._limit()
        if size > limit:
            raise TooLarge(f"a file has at most {limit} bytes")
        said = fields[TYPE]
        if said.strip().lower().startswith("image/"):
            # The store would keep a picture as it is, with its metadata, which may tell where it was taken.
            raise NotFound("pictures are sent to /attach/upload")
        kind = kind_claimed(said)
        name = shown(fields[NAME_FIELD])
        self._limits.upload(user)
        self._limits.uploaded(user, size)
        signed = self._store.presign(kind.suffix, kind.mime, size, name)
        await self._files.uploaded(user, self._store.name(signed.data) or "", size)
        data = self._files.urls.sign(signed.data)
        return envelope.ok(data, url=signed.url, method=signed.method, headers=signed.headers)

    async def _keep(self, upload: Upload) -> bytes:
        hint = upload.fields.get("filetype") or PurePath(upload.filename).suffix
        kind = kind_of(upload.spooled.head, upload.declared, hint)
        clean = await self._pictures.clean(upload.spooled, kind, self._store.spool)
        try:
            return await self._adopt(clean, upload.userid)
        finally:
            await self._threads.run(clean.spooled.discard)

    async def _adopt(self, clean: Clean, userid: int) -> bytes:
        spooled, kind = clean.spooled, clean.kind
        name, size = name_of(spooled.sha256, kind.suffix), spooled.size
        more: dict[str, object] = {"type": kind.mime}
        if kind.picture and (picture := await self._pictures.look(spooled.path, spooled.size)):
            # There is no small copy of an animation, since the copy would not move.
            more |= await self._shown(replace(picture, thumb=None) if clean.animated else picture, spooled.sha256)
        url = await self._store.adopt(spooled, name, kind.mime)
        await self._files.uploaded(userid, name, size)
        return envelope.ok(self._files.urls.sign(url), **more)

    async def _shown(self, picture: Picture, sha256: str) -> dict[str, object]:
        size: dict[str, object] = {"width": picture.width, "height": picture.height}
        if picture.thumb is None:
            return size
        thumb = await self._threads.run(self._store.spool.whole, picture.thumb)
        try:
            name = name_of(sha256, THUMB_KIND.suffix, THUMB)
            url = await self._store.adopt(thumb, name, THUMB_KIND.mime)
            return size | {"thumb": self._files.urls.sign(url)}
        finally:
            await self._threads.run(thumb.discard)
