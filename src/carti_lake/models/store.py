"""Trained models as files of the lake, known by their SHA-256: what was tampered with is never opened."""

import hashlib
import io
import re
import zipfile
from collections.abc import Sequence
from typing import Any

from carti_lake.store.errors import LakeError, brief
from carti_lake.store.files import read_file, write_file
from carti_lake.store.storage import Storage

#: Digits of the hash that name a version.
DIGITS = 12
#: Beside the table `models`, not within it: a vacuum removes what its log does not know.
FOLDER = "model_files"
#: ZIP's earliest time: the same model must give the same file whenever it is trained.
EPOCH = (1980, 1, 1, 0, 0, 0)
#: ZIP's number of the system that wrote a file, whichever does.
UNIX = 3
SCHEMA = "schema.json"


class ModelFileError(LakeError):
    """A model's file is gone, is not the one that was stored, or holds what no model of ours holds."""


def dumps(artifact: dict[str, Any]) -> bytes:
    """The artifact in skops' format; the same artifact gives the same bytes, unless it holds a set."""
    import skops.io

    return _renumbered(skops.io.dumps(artifact))


def save(storage: Storage, model: str, content: bytes) -> tuple[str, str, str]:
    """Write a model's file; returns its version, its name in the lake and its SHA-256."""
    sha256 = hashlib.sha256(content).hexdigest()
    version = sha256[:DIGITS]
    name = f"{FOLDER}/{model}/{version}.skops"
    write_file(storage, name, content)
    return version, name, sha256


def load(storage: Storage, model: str, name: str, sha256: str, trusted: Sequence[str]) -> dict[str, Any]:
    """The artifact of a file, if it is the very file whose hash the lake recorded.

    Parameters
    ----------
    storage
        The lake.
    model
        Name of the model, for errors.
    name
        Of the file, from the lake's folder.
    sha256
        Its hash, as the lake's table ``models`` has it.
    trusted
        Types beside skops' own that the model's code says it may hold; never what the file says of itself.

    Raises
    ------
    ModelFileError
        Where the file is gone, has another hash, or holds another type.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    content = checked(storage, model, name, sha256)
    try:
        artifact: dict[str, Any] = skops.io.loads(content, trusted=list(trusted))
    except UntrustedTypesFoundException as error:
        raise ModelFileError(
            f"{name} holds types that the model {model} does not declare: {brief(error)} It was not loaded. "
            f"{_again(model)}"
        ) from error
    return artifact


def checked(storage: Storage, model: str, name: str, sha256: str) -> bytes:
    """Content of a model's file, which is not opened but compared with the hash that the lake recorded.

    Raises
    ------
    ModelFileError
        Where the file is gone, or has another hash.
    """
    content = read_file(storage, name)
    if content is None:
        raise ModelFileError(f"{name} is gone from {storage.uri}. Restore it from a backup, or: {_again(model)}")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelFileError(
            f"{name} is not the file that was stored: its SHA-256 is {found[:DIGITS]}…, the lake recorded "
            f"{sha256[:DIGITS]}…. It was not opened. Find out who changed it; restore it from a backup, or: "
            f"{_again(model)}"
        )
    return content


def _again(model: str) -> str:
    return f"`carti-lake model train {model}` trains it anew."


def _renumbered(content: bytes) -> bytes:
    """The archive with objects and files numbered by appearance: skops numbers them by address, or at random."""
    numbers: dict[str, str] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = re.sub(
            # Texts of the artifact stand in the schema with their quotes escaped, so that none is taken for these.
            r'(?<="__id__": )\d+|(?<="file": ")[^".]+(?=\.)',
            lambda match: numbers.setdefault(match[0], str(len(numbers))),
            archive.read(SCHEMA).decode(),
        )
        stored = [name.partition(".") for name in archive.namelist() if name != SCHEMA]
        files = {f"{numbers[stem]}.{ending}": archive.read(f"{stem}.{ending}") for stem, _, ending in stored}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted({**files, SCHEMA: schema.encode()}.items()):
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_system = UNIX
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
