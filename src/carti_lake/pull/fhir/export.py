"""A Bulk Data export: asked for, waited for, fetched file by file, and taken up again where it was left."""

import contextlib
import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin

from carti_lake.pull.fhir.http import Server, as_json, backoff, issues
from carti_lake.pull.secrets import SourceError
from carti_lake.store.durable import sync
from carti_lake.store.files import read_file, write_file
from carti_lake.store.storage import Storage

if TYPE_CHECKING:
    import httpx

    from carti_lake.pull.views.declared import Fhir

FHIR_JSON, NDJSON = "application/fhir+json", "application/fhir+ndjson"
CHUNK = 1 << 16
#: How long an export is waited for, in seconds; the next pull goes on waiting.
PATIENCE = 24 * 3600.0
#: How often a file that comes by halves is fetched.
FETCHES = 5


class GoneError(SourceError):
    """The server knows nothing of the export any more."""


@dataclass(frozen=True)
class Exported:
    """A finished export.

    Attributes
    ----------
    moment
        As of when, as the server says it: what comes next is asked for since then.
    files
        Of resources.
    deletions
        Of bundles that name what was deleted.
    problems
        Severities and codes of what the server could not export, counted.
    """

    moment: str
    files: tuple[Path, ...]
    deletions: tuple[Path, ...]
    problems: Counter[str] = field(default_factory=Counter)

    @property
    def is_partial(self) -> bool:
        """Whether resources are missing in it."""
        return any(one.startswith(("error", "fatal")) for one in self.problems)


@dataclass(frozen=True)
class Job:
    """Where the notes and files of a source's export are kept while it is under way."""

    storage: Storage
    source: str

    @property
    def notes(self) -> str:
        """Name of the file with the notes, in the lake."""
        return f"pulled/{self.source}/job.json"

    @property
    def folder(self) -> Path:
        """Folder with the fetched files: in the lake where that is a local folder."""
        if self.storage.local is not None:
            return self.storage.local / "pulled" / self.source / "job"
        told = hashlib.sha256(f"{self.storage.uri} {self.source}".encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"carti-lake-export-{told}"

    def read(self) -> dict[str, str]:
        """What is noted of an export under way; nothing where there is none."""
        try:
            noted = json.loads(read_file(self.storage, self.notes) or b"{}")
        except ValueError:
            return {}
        return noted if isinstance(noted, dict) else {}

    def write(self, noted: dict[str, str]) -> None:
        """Note an export, for whoever takes it up."""
        write_file(self.storage, self.notes, json.dumps(noted).encode())

    def close(self) -> None:
        """Forget the export, and remove its files."""
        self.write({})
        for file in self.folder.glob("*") if self.folder.is_dir() else ():
            file.unlink(missing_ok=True)


def exported(server: Server, base: str, fhir: "Fhir", since: str | None, job: Job) -> Exported:
    """The export since a moment: the one under way where it is the same, else a new one.

    Raises
    ------
    SourceError
        What the server refuses. An export that is still being made is taken up by the next pull.
    """
    asked = hashlib.sha256(json.dumps([base, fhir.export, fhir.types(), since]).encode()).hexdigest()
    noted = job.read()
    if noted.get("status") and noted.get("asked") != asked:
        _delete(server, noted["status"])
        job.close()
        noted = {}
    resumed = bool(noted.get("status"))
    if not resumed:
        noted = {"asked": asked, "status": _kick_off(server, base, fhir, since)}
        job.write(noted)
    try:
        return _fetched(server, noted["status"], job)
    except GoneError:
        job.close()
        if not resumed:
            raise
        return exported(server, base, fhir, since, job)


def finish(server: Server, job: Job) -> None:
    """Tell the server that its files are no longer needed, and remove ours."""
    if status := job.read().get("status"):
        _delete(server, status)
    job.close()


def _kick_off(server: Server, base: str, fhir: "Fhir", since: str | None) -> str:
    level = {"system": "", "patient": "Patient/"}.get(fhir.export, f"{fhir.export}/")
    url = f"{base}/{level}$export"
    said = {"_type": ",".join(fhir.types()), **({"_since": since} if since else {})}
    headers = {"Accept": FHIR_JSON, "Prefer": "respond-async"}
    what = "export"
    answer = server.ask(what, "GET", f"{url}?{urlencode(said)}", headers=headers)
    if answer.status_code == 405:
        # Newer servers take parameters as a resource only, one value each.
        parameters = [{"name": "_type", "valueString": kind} for kind in fhir.types()]
        parameters += [{"name": "_since", "valueInstant": since}] if since else []
        body = {"resourceType": "Parameters", "parameter": parameters}
        answer = server.ask(what, "POST", url, headers={**headers, "Content-Type": FHIR_JSON}, json=body)
    status = answer.headers.get("Content-Location")
    if answer.status_code != 202 or not status:
        raise server.refusal(what, answer)
    return urljoin(url, str(status))


def _fetched(server: Server, status: str, job: Job) -> Exported:
    manifest = _manifest(server, status)
    try:
        return _all_of(server, manifest, job.folder)
    except GoneError:
        # Addresses of files may be short-lived: the manifest, asked for once more, names new ones.
        again = _manifest(server, status)
        if [*_entries(again)] == [*_entries(manifest)]:
            raise
        return _all_of(server, again, job.folder)


def _all_of(server: Server, manifest: dict[str, Any], folder: Path) -> Exported:
    """Each file that a manifest names, once."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files: dict[str, list[Path]] = {"output": [], "deleted": [], "error": [], "outcome": []}
    for kind, entry in _entries(manifest):
        path = _file(server, entry, manifest, folder)
        if path not in files[kind]:
            files[kind].append(path)
    problems = Counter(one for path in (*files["error"], *files["outcome"]) for one in _problems(path))
    return Exported(manifest["transactionTime"], tuple(files["output"]), tuple(files["deleted"]), problems)


def _manifest(server: Server, status: str) -> dict[str, Any]:
    """What a finished export holds; waits until it is."""
    what, waited = "export status", 0.0
    for attempt in range(1 << 20):
        answer = server.ask(what, "GET", status, headers={"Accept": "application/json"})
        if answer.status_code in (404, 410):
            raise GoneError(f"{server.name}: {what}: the export has expired at the server. Pull again.")
        if answer.status_code != 202:
            break
        pause = max(server.pause(answer, min(attempt, 6)), 0.5)
        if waited >= PATIENCE:
            raise SourceError(f"{server.name}: the export is still being made after 24 hours. Pull again to wait on.")
        waited += pause
        server.wait(pause)
    manifest = as_json(answer)
    whole = isinstance(manifest, dict) and isinstance(manifest.get("output"), list)
    if answer.status_code != 200 or not whole or not _is_moment(manifest.get("transactionTime")):
        error = server.refusal(what, answer)
        raise GoneError(str(error)) if answer.status_code >= 400 else error
    return dict(manifest)


def _is_moment(said: Any) -> bool:
    try:
        return datetime.fromisoformat(said).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _entries(manifest: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in ("output", "deleted", "error", "outcome"):
        for one in manifest.get(kind) or []:
            if isinstance(one, dict) and isinstance(one.get("url"), str):
                yield kind, one


def _file(server: Server, entry: dict[str, Any], manifest: dict[str, Any], folder: Path) -> Path:
    """The file of an entry, whole: fetched before, or now."""
    path = folder / f"{hashlib.sha256(entry['url'].encode()).hexdigest()[:24]}.ndjson"
    if path.exists():
        return path
    unfinished = path.with_suffix(".part")
    signed = manifest.get("requiresAccessToken") is True
    what = "file of the export"
    for attempt in range(FETCHES):
        with server.asking(what, "GET", entry["url"], signed=signed, headers={"Accept": NDJSON}) as answer:
            if answer.status_code in (403, 404, 410):
                raise GoneError(f"{server.name}: {what}: it is no longer at the server. Pull again.")
            if answer.status_code != 200:
                raise server.refusal(what, answer)
            whole = _written(answer, unfinished) and _is_whole(unfinished, entry.get("count"))
        if whole:
            sync([unfinished], folder)
            os.replace(unfinished, path)
            return path
        server.wait(backoff(attempt))
    raise SourceError(f"{server.name}: {what}: it came by halves {FETCHES} times. Pull again.")


def _written(answer: "httpx.Response", path: Path) -> bool:
    import httpx

    try:
        with path.open("wb") as file:
            for chunk in answer.iter_bytes(CHUNK):
                file.write(chunk)
    except httpx.TransportError:
        return False
    except httpx.DecodingError:
        return False
    return True


def _is_whole(path: Path, lines: Any) -> bool:
    """Whether a file ends with a whole resource, and has as many as the manifest says."""
    if isinstance(lines, int) and not isinstance(lines, bool):
        with path.open("rb") as file:
            if sum(1 for line in file if line.strip()) != lines:
                return False
    size = path.stat().st_size
    tail = 1 << 16
    while True:
        with path.open("rb") as file:
            file.seek(max(size - tail, 0))
            end = file.read().rstrip()
        if b"\n" in end or tail >= size:
            break
        tail *= 4
    last = end.rpartition(b"\n")[2]
    try:
        return not last or isinstance(json.loads(last), dict)
    except ValueError:
        return False


def _problems(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for line in file:
            try:
                yield from issues(json.loads(line)) if line.strip() else ()
            except ValueError:
                yield "error: unknown"


def _delete(server: Server, status: str) -> None:
    """Let the server remove an export; it would do so by itself some day."""
    with contextlib.suppress(SourceError):
        server.ask("end of the export", "DELETE", status, headers={"Accept": FHIR_JSON})
