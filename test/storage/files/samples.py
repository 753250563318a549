"""The first bytes of files of every kind, as real programs write them."""

from __future__ import annotations

from io import BytesIO

from PIL import Image


def picture(form: str, width: int = 8, height: int = 6, mode: str = "RGB", **save: object) -> bytes:
    """A picture that compresses badly, so that its size is near that of a photograph."""
    image = Image.effect_noise((width, height), 80).convert(mode)
    out = BytesIO()
    image.save(out, form, **save)
    return out.getvalue()


def multipart(*parts: tuple[str, str, str, bytes], boundary: str = "b0undary") -> tuple[str, bytes]:
    """Content-Type and body; each part is name, file name ("" for a field), type, content."""
    body = b""
    for name, filename, kind, content in parts:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        body += f'; filename="{filename}"'.encode() if filename else b""
        body += f"\r\nContent-Type: {kind}".encode() if kind else b""
        body += b"\r\n\r\n" + content + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()
