"""``release``: the audited sets of table versions that readers read."""

from typing import TYPE_CHECKING, Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, OfRelease, StorageOptions, command, open_lake
from carti_lake.cli.run import audit_grid

if TYPE_CHECKING:
    from carti_lake.releases.release import Release

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(group, name="release", help="List, show, lock and unlock releases.")

LockName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the lock, e.g. board-2026-q1.")]


@group.command("list")
def list_(lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False) -> None:
    """List the releases, newest first."""
    releases = open_lake(lake, storage_option).releases()[::-1]
    if json:
        show.as_json(releases)
        return
    if not releases:
        show.say("There is no release yet.")
        show.next_steps((command("run", lake), "publishes one, once extracts are loaded"))
        return
    rows = [(one.number, one.at, one.data_as_of, one.locks, one.accepted, _readable(one)) for one in releases]
    headers = ["release", "at (UTC)", "data as of", "locks", "accepted", "readable"]
    show.screen().print(show.grid(headers, rows))


def _readable(release: "Release") -> str:
    return "no: vacuumed" if release.expired else "yes"


@group.command("show")
def show_(
    release: Annotated[str | None, typer.Argument(metavar="R", help="Number, lock or date; else the latest.")] = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Show a release's audits, and the version and rows of every table."""
    chosen = open_lake(lake, storage_option).at(release).release
    if json:
        show.as_json(chosen)
        return
    show.say(chosen.caption[0].upper() + chosen.caption[1:], "bold")
    if chosen.locks:
        show.say(f"Locked as {', '.join(chosen.locks)}.")
    show.screen().print(audit_grid(chosen.audits, chosen.accepted))
    rows = [
        (name, version, chosen.rows[name], chosen.made_on.get(name))
        for name, version in sorted(chosen.versions.items())
    ]
    show.screen().print(show.grid(["table", "version", "rows", "made anew"], rows))


@group.command()
def lock(
    name: LockName,
    release: OfRelease = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Keep a release under a name, whatever vacuum does."""
    locked = open_lake(lake, storage_option).lock(name, release)
    if json:
        show.as_json({"lock": name, "release": locked.number})
        return
    show.say(f"Release {locked.number} is locked as {name}.")
    show.next_steps((command(f"workbook --release {name}", lake), "reads it, today and in years"))


@group.command()
def unlock(
    name: LockName, lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False
) -> None:
    """Remove a lock."""
    unlocked = open_lake(lake, storage_option).unlock(name)
    if json:
        show.as_json({"lock": name, "release": unlocked.number})
        return
    show.say(f"Release {unlocked.number} is no longer locked as {name}.")
