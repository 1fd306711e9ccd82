"""ZIP archives: their members as files, unpacked within limits; what could do harm is refused as a whole."""

import os
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from carti_lake.sources.extract import ExtractError

CHUNK = 1 << 20
#: More is no delivery, or one that is made to fill the disk: members, bytes of all of them, bytes for each packed one.
MOST_MEMBERS, MOST_BYTES, MOST_RATIO = 10_000, 256 << 30, 200
#: Up to here, any ratio is harmless.
HARMLESS = 64 << 20
#: A part of each Office file, which is a ZIP of one document.
OFFICE = "[Content_Types].xml"
ENCRYPTED = 0x1


def is_archive(path: Path) -> bool:
    """Whether the file is a ZIP of files, and not one of the ZIPs that are a workbook."""
    with path.open("rb") as file:
        if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
            return False
    try:
        with zipfile.ZipFile(path) as archive:
            return OFFICE not in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError):
        # Cut short: what it was to be, its name says.
        return path.suffix.lower() == ".zip"


def unpacked(path: Path, folder: Path) -> list[Path]:
    """The archive's members as files in the folder, with the archive's own time; all of them, or an error.

    Parameters
    ----------
    path
        The archive.
    folder
        An empty folder.

    Raises
    ------
    ExtractError
        It is damaged, encrypted, or would unpack to more than it should, or outside of the folder.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            _check(members, path)
            unpacked = [_unpack(archive, one, folder) for one in members if not _is_hidden(one.filename)]
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise ExtractError(
            f"{path.name}: the ZIP archive is damaged or cut short, and nothing in it is taken. Ask the source for it "
            "again."
        ) from None
    except (NotImplementedError, RuntimeError):
        raise ExtractError(
            f"{path.name}: a ZIP archive that is packed or encrypted in a way that cannot be read. Deliver it plainly "
            "deflated, over an encrypted connection."
        ) from None
    if not unpacked:
        raise ExtractError(f"{path.name}: the ZIP archive holds no file.")
    state = path.stat()
    for one in unpacked:
        os.utime(one, ns=(state.st_atime_ns, state.st_mtime_ns))
    return sorted(unpacked, key=lambda one: (one.name, one))


def _check(members: list[zipfile.ZipInfo], path: Path) -> None:
    names = [one.filename for one in members]
    wrong = None
    if len(members) > MOST_MEMBERS:
        wrong = f"holds more than {MOST_MEMBERS:,} files"
    elif any(one.flag_bits & ENCRYPTED for one in members):
        wrong = "is encrypted by a password"
    elif any(_leads_out(one) for one in members):
        wrong = "names a file outside of itself, or a link"
    elif len({name.casefold() for name in names}) < len(names):
        wrong = "holds two files of one name"
    elif any(name.lower().endswith(".zip") for name in names):
        wrong = "holds another archive"
    elif _is_too_much(sum(one.file_size for one in members), path):
        wrong = "would unpack to far more than a delivery is"
    if wrong:
        raise ExtractError(f"{path.name}: the ZIP archive {wrong}; nothing in it is taken.")


def _leads_out(member: zipfile.ZipInfo) -> bool:
    # As it is written in the archive: `filename` is cut at a zero byte, and has other slashes on Windows.
    name = member.orig_filename
    parts = PurePosixPath(name).parts
    special = stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG)
    return special or name.startswith("/") or ".." in parts or any(one in name for one in '\\:\0<>"|?*')


def _is_too_much(size: int, path: Path) -> bool:
    packed = path.stat().st_size
    return size > MOST_BYTES or (size > HARMLESS and size > MOST_RATIO * packed)


def _is_hidden(name: str) -> bool:
    """What a system packs beside the files: ``__MACOSX/…``, ``.DS_Store``."""
    return any(part.startswith((".", "_")) for part in PurePosixPath(name).parts)


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Path:
    target = folder / member.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("wb") as file:
        # No more is ever read than the archive says, and its checksum is compared at the end.
        while chunk := source.read(CHUNK):
            file.write(chunk)
    return target
