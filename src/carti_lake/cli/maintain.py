"""``optimize``, ``vacuum`` and ``verify``: the lake's upkeep."""

from typing import Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import FAILED, app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, StorageOptions, command, open_lake


@app.command()
def optimize(
    table: Annotated[str | None, typer.Argument(metavar="TABLE", help="Table; else all.")] = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Join small files; the rows stay the same."""
    from carti_lake.runner.run import OF_NO_RELEASE

    opened = open_lake(lake, storage_option)
    with show.steps("Optimising") as progress:
        done = opened.optimize(table, progress=progress)
    if json:
        show.as_json(done)
        return
    joined = [one for one in done if one.files_after != one.files_before]
    if joined:
        rows = [(one.table, one.files_before, one.files_after) for one in joined]
        show.screen().print(show.grid(["table", "files before", "files now"], rows))
    show.say(f"Joined the small files of {len(joined)} of {len(done)} tables.")
    release = (command("run", lake), "makes a release of it; the old files stay until then")
    show.next_steps(
        *([] if all(one.table in OF_NO_RELEASE for one in done) else [release]),
        (command("vacuum --dry-run", lake), "shows what could be removed"),
    )


@app.command()
def vacuum(
    keep_days: Annotated[int, typer.Option(min=0, metavar="N", help="Releases younger than this stay readable.")] = 90,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, and remove nothing.")] = False,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Remove files that no release to be kept needs.

    Kept are the newest release, the locked ones and the recent ones; the others cannot be read any more.
    """
    opened = open_lake(lake, storage_option)
    with show.steps("Vacuuming") as progress:
        done = opened.vacuum(keep_days=keep_days, dry_run=dry_run, progress=progress)
    if json:
        show.as_json({"dry_run": dry_run, "removed": {one.table: one.files_before - one.files_after for one in done}})
        return
    removed = [(one.table, one.files_before - one.files_after) for one in done if one.files_before != one.files_after]
    if removed:
        show.screen().print(show.grid(["table", "files"], removed))
    total = sum(files for _, files in removed)
    if dry_run:
        show.say(f"Would remove {total:,} files; locked releases and those of the last {keep_days} days stay readable.")
        if removed:
            show.next_steps(
                (command(f"vacuum --keep-days {keep_days}", lake), "removes them"),
                (command("release lock NAME --release R", lake), "keeps a release first"),
            )
    else:
        show.say(f"Removed {total:,} files.")


@app.command()
def verify(
    table: Annotated[str | None, typer.Argument(metavar="TABLE", help="Table; else all.")] = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Check data files, and say how to repair what is damaged."""
    opened = open_lake(lake, storage_option)
    with show.steps("Verifying") as progress:
        checks = opened.verify(table, progress=progress)
    damaged = [one for one in checks if one.problem]
    if json:
        show.as_json(checks)
    else:
        for one in damaged:
            show.complain(one.problem if one.problem.startswith(one.table) else f"{one.table}: {one.problem}")
        files = sum(one.files for one in checks)
        if not damaged:
            show.say(f"{len({one.table for one in checks})} tables, {files:,} files: all as recorded.", "green")
    if damaged:
        raise typer.Exit(FAILED)
