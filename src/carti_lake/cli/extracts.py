"""``load``: extracts into bronze."""

import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, StorageOptions, command, open_lake

if TYPE_CHECKING:
    from carti_lake.sources.batches import Loaded
    from carti_lake.sources.preview import Preview

#: More extracts than this are summed up instead of listed.
MOST_LISTED = 20


def moment(text: str) -> datetime:
    """A time in ISO form; one without a zone is UTC."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time such as 2026-11-22T06:30.") from None


@app.command()
def load(
    feed: Annotated[str, typer.Argument(metavar="FEED", help="Feed of the extracts; `carti-lake tables` lists them.")],
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, folders, globs or URIs; - reads CSV from stdin.")
    ],
    extract_date: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="D",
            help="Day that the extracts are about; else the day or month in the file's name, else the day of delivery.",
        ),
    ] = None,
    delivered_at: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="T",
            help="When the source delivered them; else the time in the file's name, else its own.",
        ),
    ] = None,
    map_: Annotated[
        Path | None,
        typer.Option(
            "--map",
            metavar="FILE",
            help="TOML or JSON: how the source's headers and values become the feed's (docs/mapping.md).",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how every column would be read and which rows refused; keep nothing.")
    ] = False,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Load extracts of a feed; the same content twice counts once."""
    from carti_lake.sources.map_file import read_mapping

    opened = open_lake(lake, storage_option)
    mapping = read_mapping(map_) if map_ else None
    done: list[Loaded] = []
    with tempfile.TemporaryDirectory() as folder, show.steps(f"Loading {feed}") as progress:
        places = [_stdin(folder) if path == "-" else path for path in paths]
        how: dict[str, Any] = {
            "extract_date": extract_date.date() if extract_date else None,
            "delivered_at": delivered_at,
            "mapping": mapping,
        }
        if dry_run:
            previews = list(opened.preview(feed, *places, **how, progress=progress))
            show.as_json(previews) if json else _print_previews(previews)
            return
        try:
            for one in opened.iter_load(
                feed, *places, **how, progress=lambda name: progress(f"{len(done)} done · {name}")
            ):
                done.append(one)
        except Exception:
            if done and not json:
                show.aside().print(f"Loaded before the error: {_count(len(done), 'extract')}; they stay.")
            raise
    if json:
        show.as_json(done)
        return
    _print(done)
    if any(not one.already for one in done):
        show.next_steps((command("run", lake), "brings what was loaded into a release"))


def _stdin(folder: str) -> Path:
    """Standard input as a file, since an extract is read more than once."""
    path = Path(folder) / "stdin.csv"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def _print(done: "list[Loaded]") -> None:
    fresh = [one for one in done if not one.already]
    if len(done) <= MOST_LISTED:
        rows = [(one.name, one.extract_date, one.rows, _became(one)) for one in done]
        show.screen().print(show.grid(["extract", "extract date", "rows", ""], rows))
    days = sorted(one.extract_date for one in fresh)
    span = ""
    if days:
        span = f", extract date {days[0]}" if days[0] == days[-1] else f", extract dates {days[0]} to {days[-1]}"
    for note, names in _notes(done).items():
        show.say(f"{names[0]}{f' and {len(names) - 1:,} more' if len(names) > 1 else ''}: {note}")
    before = len(done) - len(fresh)
    show.say(
        f"Loaded {_count(len(fresh), 'extract')}, {_count(sum(one.rows for one in fresh), 'row')}{span}."
        + (f" {_count(before, 'extract')} had been loaded before." if before else "")
    )


def _notes(done: "list[Loaded]") -> dict[str, list[str]]:
    """Each note once, with the extracts that it is about."""
    notes: dict[str, list[str]] = {}
    for one in done:
        for note in one.notes:
            notes.setdefault(note, []).append(one.name)
    return notes


def _print_previews(previews: "list[Preview]") -> None:
    for one in previews:
        rows = [
            (
                column.column,
                column.source,
                column.values,
                column.as_text or None,
                column.unreadable or None,
                ", ".join(f"{word} ({count:,})" for word, count in column.null_words.items()) or None,
                ", ".join(f"{name} {_said(value)}" for name, value in column.written.items()) or None,
            )
            for column in one.columns
        ]
        headers = ["column", "from", "values", "kept as text", "unreadable", "words for none?", "as the map says"]
        show.screen().print(show.grid(headers, rows, f"{one.name}, extract date {one.extract_date}"))
        if one.unmapped:
            show.say(f"Not mapped, kept in rescued: {', '.join(one.unmapped)}.")
        if one.rules:
            show.screen().print(show.grid(["rule", "rows refused"], list(one.rules.items())))
        show.say(
            f"{one.name}: {_count(one.rows, 'row')}, of which {one.refused:,} would be refused."
            + (" Loaded before: nothing would be added." if one.already else "")
            + (f" It would replace {one.replaces}, read under another map." if one.replaces and not one.already else "")
        )
    show.say("Nothing was kept.")


def _said(value: object) -> str:
    return _count(len(value), "word") if isinstance(value, dict) else str(value)


def _became(one: "Loaded") -> str:
    if one.already:
        return "loaded before"
    return "loaded" if one.replaces is None else "loaded, replaces what another map made of it"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
