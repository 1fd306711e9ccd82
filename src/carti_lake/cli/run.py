"""``run`` and ``status``: from bronze to a release, and how the lake stands."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carti_lake.cli import show
from carti_lake.cli.app import FAILED, app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, StorageOptions, command, open_lake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carti_lake.lake import Lake
    from carti_lake.releases.release import Audit
    from carti_lake.runner import RunResult
    from carti_lake.runner.engine import Map


class AuditName(StrEnum):
    """Audits that a person may accept."""

    reconciliation = "reconciliation"
    keys = "keys"
    integrity = "integrity"
    totals = "totals"
    drift = "drift"
    quality = "quality"


class EngineName(StrEnum):
    """Where the work of a run may be done."""

    here = "here"
    spark = "spark"


@app.command()
def run(
    full: Annotated[bool, typer.Option("--full", help="Rebuild everything from bronze.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Show what waits, and do nothing.")] = False,
    accept: Annotated[
        list[AuditName] | None,
        typer.Option(
            metavar="AUDIT",
            help=f"Publish although this audit fails, and record that: {', '.join(AuditName)}. Repeatable.",
        ),
    ] = None,
    engine: Annotated[
        EngineName, typer.Option(help="Where the work is done that grows with the rows.")
    ] = EngineName.here,
    engine_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Spark Connect server (sc://host:15002); none: the session that is there."),
    ] = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Bring everything up to date, audit it, and publish a release."""
    opened = open_lake(lake, storage_option)
    if plan:
        from carti_lake.runner.patient_key import secret_from
        from carti_lake.runner.run import plan as planned

        waiting = planned(opened.storage, secret_from(opened.environment), full=full).waiting
        if json:
            show.as_json(waiting)
        else:
            _print_plan(waiting, lake)
        return
    if engine_url is not None and engine is not EngineName.spark:
        raise typer.BadParameter("--engine-url is for --engine spark.")
    worked_on = _engine(engine, engine_url)
    with show.steps("Running") as progress:
        result = opened.run(full=full, accept=[str(name) for name in accept or []], progress=progress, engine=worked_on)
    _warn_without_key(opened)
    if json:
        show.as_json(
            {
                "release": result.release,
                "changed": result.changed,
                "audits": result.audits,
                "accepted": result.accepted,
                "failed": [one.name for one in result.failed],
                "due": result.due,
            }
        )
    else:
        last = opened.releases()
        _print_result(result, last[-1].number if last else None, lake)
    if result.failed:
        raise typer.Exit(FAILED)


def _engine(name: EngineName, url: str | None) -> "Map":
    if name is EngineName.spark:
        from carti_lake.runner.spark import session_at, spark

        return spark(session_at(url))
    from carti_lake.runner.engine import here

    return here


def _warn_without_key(lake: "Lake") -> None:
    from carti_lake.runner.patient_key import secret_from
    from carti_lake.upkeep.status import UNKEYED

    if not secret_from(lake.environment):
        show.warn(f"Patient key: {UNKEYED}.")


def _print_plan(waiting: dict[str, dict[str, Any]], lake: str) -> None:
    if not waiting:
        show.say("Nothing waits: a run would change nothing.")
        return
    rows = [
        (feed, work["batches"], work["extract_dates"][0], work["extract_dates"][-1], _how(work))
        for feed, work in waiting.items()
    ]
    show.screen().print(show.grid(["feed", "batches", "from", "to", "how"], rows, "A run would take in"))
    show.next_steps((command("run", lake), "does it"))


def _how(work: dict[str, Any]) -> str:
    return "rebuilt from all of bronze" if work["rebuild"] else "added"


def audit_grid(audits: "Sequence[Audit]", accepted: "Sequence[str]") -> Any:
    """A table of audits and what they found."""
    from rich.text import Text

    def outcome(audit: "Audit") -> Text:
        if audit.passed:
            return Text("passed", "green")
        return Text("accepted", "yellow") if audit.name in accepted else Text("failed", "bold red")

    return show.grid(["audit", "", "found"], [(one.name, outcome(one), one.detail) for one in audits])


def _print_result(result: "RunResult", last: int | None, lake: str) -> None:
    if not result.audits:
        if last is None:
            show.say("Nothing has been loaded yet.")
            show.next_steps(
                (command("load FEED PATH...", lake), "takes extracts in"), (command("demo", lake), "makes some")
            )
        else:
            show.say(f"Nothing new: release {last} stands.")
        return
    show.screen().print(audit_grid(result.audits, result.accepted))
    if result.failed:
        names = " ".join(f"--accept {one.name}" for one in result.failed)
        stay = f"Readers stay on release {last}." if last else "There is no release yet."
        show.say(f"Not published. {stay}", "bold red")
        failed_quality = "quality" in [one.name for one in result.failed]
        show.next_steps(
            *[(command("quality --candidate", lake), "shows the checks that block, and their rows")] * failed_quality,
            (command("quarantine", lake), "shows which rows were refused, and why"),
            (command("status", lake), "shows what each feed has delivered"),
            (command(f"run {names}", lake), "publishes all the same, if the finding is right"),
        )
        return
    show.say(f"Release {result.release} is published.", "bold green")
    _print_changed(result.changed)
    steps = [(command('query "SELECT * FROM provider_summary"', lake), "reads it")]
    if result.due:
        show.say(f"Models to train: {', '.join(f'{name} ({why})' for name, why in result.due.items())}.", "yellow")
        steps.append((command("model train", lake), "trains them; the next run scores with them"))
    if last and last > 1:
        steps.append(
            (command(f"diff gold.provider_summary --from {last - 1} --to {last}", lake), "shows what it changed")
        )
    show.next_steps(*steps)


def _print_changed(changed: "Sequence[str]") -> None:
    gold = [name for name in changed if name.startswith("gold.")]
    below = len(changed) - len(gold)
    parts = [*gold, *([f"{below} tables below gold"] if below else [])]
    if parts:
        show.say(f"Changed: {', '.join(parts)}.")


@app.command()
def status(lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False) -> None:
    """Show freshness, rows, balance, quarantine and the last release."""
    found = open_lake(lake, storage_option).status()
    if json:
        show.as_json(found)
        return
    feeds = [feed for feed in found["feeds"] if feed["delivered_rows"]]
    release = found["release"]
    show.say(f"Lake {found['lake']}", "bold")
    if release is None:
        show.say("No release yet.")
    else:
        locks = f" · locked as {', '.join(release['locks'])}" if release["locks"] else ""
        show.say(
            f"Release {release['number']} of {release['at']:%Y-%m-%d %H:%M} UTC ({_age(release['age_hours'])} old) · "
            f"data as of {release['data_as_of']}{locks}"
        )
        if elsewhere := sorted({engine for engine in release["made_on"].values() if engine != "here"}):
            made = [name for name, engine in sorted(release["made_on"].items()) if engine in elsewhere]
            show.say(f"Made anew on {', '.join(elsewhere)}: {', '.join(made)}")
    if found["refused"]:
        show.say(f"A run of {found['refused']['at']:%Y-%m-%d %H:%M} UTC was not published:", "bold red")
        for finding in found["refused"]["audits"]:
            show.say(f"  {finding}", "red")
    _print_sources(found["sources"])
    _print_feeds(feeds)
    _print_quarantine(found["quarantine"])
    if "not set" in found["patient_key"]:
        show.say(f"Patient key: {found['patient_key']}.", "yellow")
    if not feeds:
        show.next_steps((command("demo", lake), "fills a lake with synthetic data"))
    elif any(_waiting(feed) for feed in feeds) or found["refused"] or release is None:
        show.next_steps((command("run", lake), "brings what was loaded into a release"))
    else:
        show.next_steps((command('query "SELECT * FROM provider_summary"', lake), "reads the release"))


def _age(hours: float) -> str:
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def _print_sources(sources: list[dict[str, Any]]) -> None:
    if not sources:
        return
    rows = [
        (
            one["source"],
            one["feed"],
            one["cursor"],
            "never" if one["age_hours"] is None else f"{_age(one['age_hours'])} ago",
            one["error"],
        )
        for one in sources
    ]
    show.screen().print(show.grid(["source", "feed", "cursor", "pulled", "error of the last pull"], rows))


def _print_feeds(feeds: list[dict[str, Any]]) -> None:
    if not feeds:
        return
    rows = [
        (
            feed["feed"],
            feed["extract_date"],
            feed["delivered_rows"],
            feed["silver_rows"],
            feed["superseded_rows"],
            feed["duplicate_rows"],
            feed["quarantined_rows"],
        )
        for feed in feeds
    ]
    headers = ["feed", "newest", "rows", "silver", "super-\nseded", "dupli-\ncates", "quaran-\ntine"]
    show.screen().print(show.grid(headers, rows))
    waiting = [f"{_waiting(feed):,} of {feed['feed']}" for feed in feeds if _waiting(feed)]
    off = [feed["feed"] for feed in feeds if not feed["balanced"]]
    if waiting:
        show.say(f"Rows that wait for a run: {', '.join(waiting)}.", "yellow")
    lost = [f"{feed['displaced_rows']:,} of {feed['feed']}" for feed in feeds if feed["displaced_rows"]]
    if lost:
        show.say(f"Rows lost to another row of their key in the same batch: {', '.join(lost)}.", "yellow")
    if off:
        show.say(f"Not every row is accounted for: {', '.join(off)}.", "bold red")
    else:
        show.say("Every row that a run has taken in is accounted for.")


def _waiting(feed: dict[str, Any]) -> int:
    return int(feed["delivered_rows"] - feed["bronze_rows"])


def _print_quarantine(refused: list[dict[str, Any]]) -> None:
    rows = [
        (entity["entity"], ", ".join(f"{rule} {count}" for rule, count in list(entity["rules"].items())[:4]))
        for entity in refused
        if entity["rules"]
    ]
    if rows:
        show.screen().print(show.grid(["quarantine", "rows by broken rule, most first"], rows))
