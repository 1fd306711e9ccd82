"""``optimize``, ``vacuum``, ``verify``, ``repair``, ``backup``, ``restore`` and ``upgrade``: the lake's upkeep."""

from typing import TYPE_CHECKING, Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import FAILED, app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, StorageOptions, command, open_lake

if TYPE_CHECKING:
    from carti_lake.upkeep.backup import Copied


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


@app.command()
def repair(
    plan: Annotated[
        bool, typer.Option("--plan", help="Show what is wrong and what would be done; do nothing.")
    ] = False,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Mend what is damaged, and say which batches to load again; nothing is deleted."""
    from carti_lake.upkeep import repair as upkeep

    opened = open_lake(lake, storage_option)
    with show.steps("Looking" if plan else "Repairing") as progress:
        steps = upkeep.plan(opened.storage) if plan else opened.repair(progress=progress)
    if json:
        show.as_json(
            [
                {
                    "table": it.table,
                    "problem": it.problem,
                    "remedy": it.remedy,
                    "done": not plan and it.mend is not None,
                }
                for it in steps
            ]
        )
    elif not steps:
        show.say("Nothing is damaged.", "green")
    else:
        rows = [(step.table, step.problem, step.remedy) for step in steps]
        show.screen().print(show.grid(["table", "what is wrong", "would be done" if plan else "done, or to do"], rows))
        if any(step.rebuild for step in steps):
            show.say(
                "Silver and gold would be rebuilt from bronze." if plan else "Silver and gold are rebuilt from bronze."
            )
        if any(step.mend for step in steps):
            does = (command("repair", lake), "does it; whatever goes out of the way is kept in .repaired")
            show.next_steps(does if plan else (command("verify", lake), "checks everything again"))
    if any(plan or step.mend is None for step in steps):
        raise typer.Exit(FAILED)


@app.command()
def backup(
    to: Annotated[
        str, typer.Argument(metavar="DIR|URI", help="Folder of the backup, or its address in an object store.")
    ],
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Copy the lake to a folder or an object store; what a backup there has already is not copied again."""
    from carti_lake.upkeep import backup as upkeep

    opened = open_lake(lake, storage_option)
    with show.steps("Copying") as progress:
        _show_copied(upkeep.backup(opened.storage, to, progress), to, json=json)


@app.command()
def restore(
    source: Annotated[str, typer.Argument(metavar="DIR|URI", help="The backup.")],
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Copy a backup into a new lake, with all its releases and locks."""
    from carti_lake.upkeep import backup as upkeep

    opened = open_lake(lake, storage_option)
    with show.steps("Copying") as progress:
        _show_copied(upkeep.restore(opened.storage, source, progress), lake, json=json)


def _show_copied(copied: "list[Copied]", to: str, *, json: bool) -> None:
    if json:
        show.as_json(copied)
        return
    files, size = sum(one.files for one in copied), sum(one.size for one in copied)
    show.say(f"Copied and compared {files:,} files, {size / 1e6:,.1f} MB.")
    show.next_steps((command("verify", to), "checks everything there"))


@app.command()
def upgrade(lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False) -> None:
    """Bring a lake of an older version to this version's format; the rows stay the same."""
    from carti_lake.store.storage import FORMAT
    from carti_lake.upkeep.upgrade import upgrade as brought_up

    opened = open_lake(lake, storage_option)
    with show.steps("Upgrading") as progress:
        done = brought_up(opened.storage, progress)
    if json:
        show.as_json(done)
        return
    show.say(f"{len(done)} tables brought to format {FORMAT}." if done else f"Every table has format {FORMAT}.")
    if done:
        show.next_steps((command("run", lake), "makes a release of it"))
