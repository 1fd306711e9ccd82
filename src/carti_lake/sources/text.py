"""Delivered bytes to plain UTF-8 text: decompressed and decoded as streams, into a temporary file where needed."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from carti_lake.sources.extract import ExtractError

CHUNK = 1 << 20
HEAD = 1 << 18
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
#: What is not unpacked, by its first bytes.
PACKED = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"7z\xbc\xaf\x27\x1c": "7-Zip", b"Rar!\x1a\x07": "RAR"}
TAR, TAR_PLACE = b"ustar", 257


def decompressed(path: Path, folder: Path, name: str) -> Path:
    """The file itself, or its content in the folder where it is compressed by gzip or zstd."""
    magic = head(path, 4)
    if not magic.startswith((GZIP, ZSTD)):
        return path
    plain = folder / "decompressed"
    with path.open("rb") as raw, plain.open("wb") as target:
        kind = "gzip" if magic.startswith(GZIP) else "zstd"
        try:
            source: Any = gzip.GzipFile(fileobj=raw) if kind == "gzip" else _zstd(raw)
            while chunk := source.read(CHUNK):
                target.write(chunk)
        except (EOFError, OSError, zlib.error) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            if str(error).startswith("Not a gzipped file"):
                raise ExtractError(
                    f"{name}: the gzip stream is whole, but other bytes stand behind its end. Ask the source for the "
                    "file again, or unpack it and load what is in it."
                ) from None
            raise ExtractError(
                f"{name}: the {kind} stream breaks off or is damaged; the transfer was probably cut short. Ask the "
                "source for the file again."
            ) from None
    return plain


def _zstd(raw: Any) -> Any:
    from pyarrow import CompressedInputStream

    return CompressedInputStream(raw, "zstd")


def head(path: Path, size: int = HEAD) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(size)


def encoding_of(start: bytes) -> str | None:
    """The encoding that the first bytes show and that must be decoded before it can be read; else None."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith((codecs.BOM_UTF8 + b"{", codecs.BOM_UTF8 + b"[")):
        return "utf-8"  # no JSON reader takes a byte-order mark
    sample = start[:4096]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    # Text of mostly Latin letters: every second byte is zero.
    if odd > len(sample) * 0.3 and even == 0:
        return "utf-16-le"
    return "utf-16-be" if even > len(sample) * 0.3 and odd == 0 else None


def packed_by(start: bytes) -> str | None:
    """What has packed the file into an archive or stream that is not read here; None if nothing has."""
    if start[TAR_PLACE:].startswith(TAR):
        return "tar"
    return next((name for magic, name in PACKED.items() if start.startswith(magic)), None)


def is_binary(start: bytes) -> bool:
    """Whether the first bytes are no text: too many control characters."""
    controls = start.translate(None, bytes([9, 10, 12, 13, *range(32, 256)]))
    return len(controls) > len(start) * 0.05


def as_utf8(path: Path, folder: Path, name: str, encoding: str) -> Path:
    """The text in UTF-8, in the folder.

    ``utf-8`` here is UTF-8 in which any stray byte is read as Windows-1252: what mixed files and plain cp1252 need.
    """
    target = folder / f"decoded from {encoding}"
    decoder = codecs.getincrementaldecoder(encoding)("carti_lake.cp1252" if encoding == "utf-8" else "strict")
    with path.open("rb") as source, target.open("w", encoding="utf-8", newline="") as file:
        try:
            for chunk in _chunks(source):
                file.write(decoder.decode(chunk, final=not chunk).removeprefix("\ufeff"))
        except UnicodeDecodeError:
            raise ExtractError(
                f"{name}: begins as {encoding.upper()} text but does not stay so; the file is damaged or cut short. "
                "Ask the source for it again, best as UTF-8."
            ) from None
    return target


def _chunks(source: Any) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk
    yield b""


def _stray_bytes(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8, read as Windows-1252 (as Latin-1 the five that it lacks)."""
    assert isinstance(error, UnicodeDecodeError)
    stray = error.object[error.start : error.end]
    try:
        return stray.decode("cp1252"), error.end
    except UnicodeDecodeError:
        return stray.decode("latin-1"), error.end


codecs.register_error("carti_lake.cp1252", _stray_bytes)
