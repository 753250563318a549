"""POST /attach/upload: a file comes in, its URL goes out.

The body has been taken to the spool by `twim.access.intake` before anything here runs.
"""

from __future__ import annotations

from pathlib import PurePath

from klein import Klein
from twisted.web.server import Request

from twim.access.door import check_own, route
from twim.access.fields import Fields
from twim.access.intake import UPLOAD_LIMIT, Authorise, IntakeRequest
from twim.access.parts import Upload
from twim.errors import Malformed, NotFound, TooLarge, Unavailable
from twim.storage.files.interface import THUMB, FileStore, Presigner, name_of
from twim.storage.files.pictures import THUMB_KIND, Picture, Pictures
from twim.storage.files.sniff import kind_claimed, kind_of
from twim.storage.files.threads import FileThreads
from twim.wire import envelope

FILENAME_LIMIT = 255
"""Characters of a file's name, which file systems bound alike."""


class Uploads:
    """The routes under ``/attach``."""

    app = Klein()

    def __init__(
        self,
        store: FileStore,
        pictures: Pictures,
        threads: FileThreads,
        authorise: Authorise,
        limit: int = UPLOAD_LIMIT,
    ) -> None:
        self._limit = limit
        self._store = store
        self._pictures = pictures
        self._threads = threads
        self._authorise = authorise

    @route(app, "/upload")
    async def upload(self, request: IntakeRequest, fields: Fields) -> bytes:
        """``data`` is the file's URL, ``type`` what it is; of a picture ``width``, ``height`` and, if it
        is large, ``thumb``, the URL of a small copy."""
        upload = request.take_upload()
        if upload is None:
            raise Malformed("no part named file")
        try:
            # A seed client says who it is; only now are the fields beside the file known.
            check_own(fields, request.uploader, "userid", "ownerid")
            if not upload.spooled.size:
                raise Malformed("the file is empty")
            return await self._keep(upload)
        except OSError as error:
            raise Unavailable from error
        finally:
            await self._threads.run(upload.spooled.discard)

    @route(app, "/presign")
    async def presign(self, request: Request, fields: Fields) -> bytes:
        """Where the browser may itself send a file of ``size`` bytes and MIME ``type``, to be saved as ``name``:
        ``url``, ``method``, ``headers`` for the request and, once that has succeeded, ``data``, the file's URL."""
        await self._authorise(request)
        if not isinstance(self._store, Presigner) or not self._store.direct:
            raise NotFound("files are sent to /attach/upload")
        size = fields.whole("size", least=1)
        if size > self._limit:
            raise TooLarge(f"a file has at most {self._limit} bytes")
        kind = kind_claimed(fields.text("type", 200))
        name = fields.text("name", FILENAME_LIMIT)
        signed = self._store.presign(kind.suffix, kind.mime, size, name)
        return envelope.ok(signed.data, url=signed.url, method=signed.method, headers=signed.headers)

    async def _keep(self, upload: Upload) -> bytes:
        spooled = upload.spooled
        hint = upload.fields.get("filetype") or PurePath(upload.filename).suffix
        kind = kind_of(spooled.head, upload.declared, hint)
        more: dict[str, object] = {"type": kind.mime}
        if kind.picture and (picture := await self._pictures.look(spooled.path, spooled.size)):
            more |= await self._shown(picture, spooled.sha256)
        url = await self._store.adopt(spooled, name_of(spooled.sha256, kind.suffix), kind.mime)
        return envelope.ok(url, **more)

    async def _shown(self, picture: Picture, sha256: str) -> dict[str, object]:
        size: dict[str, object] = {"width": picture.width, "height": picture.height}
        if picture.thumb is None:
            return size
        thumb = await self._threads.run(self._store.spool.whole, picture.thumb)
        try:
            name = name_of(sha256, THUMB_KIND.suffix, THUMB)
            return size | {"thumb": await self._store.adopt(thumb, name, THUMB_KIND.mime)}
        finally:
            await self._threads.run(thumb.discard)
