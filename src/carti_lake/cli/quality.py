"""``quality``: what is wrong with the data, how it went, and which rows; and the thresholds that decide it."""

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import DEFAULT_LAKE, AsOf, Json, LakeAt, OfRelease, StorageOptions, command, open_lake
from carti_lake.cli.read import MOST_ROWS, Format, OutputFile, print_rows, write

if TYPE_CHECKING:
    import polars as pl
    from rich.text import Text

    from carti_lake.releases.view import View
    from carti_lake.tables import Thresholds

STYLES = {"block": "bold red", "warn": "yellow", "ok": "green", "not applicable": "dim"}
#: Heights of a trend's marks, from nothing to the highest share of the check's last releases.
MARKS = "▁▂▃▄▅▆▇█"
NEVER = "never"
#: Months of a check that the screen shows.
MOST_MONTHS = 12


class _ReportByDefault(TyperGroup):
    """``quality`` without a verb of its own is ``quality report``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        asked = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return list(super().parse_args(ctx, args if asked else ["report", *args]))


group = typer.Typer(cls=_ReportByDefault, rich_markup_mode=None)
app.add_typer(group, name="quality", help="Show what is wrong with the data, and which rows (report); set thresholds.")


@group.command()
def report(
    of: Annotated[
        str | None, typer.Argument(metavar="[TABLE|CHECK]", help="E.g. visits, or payment_on_unpaid_claim; else all.")
    ] = None,
    rows: Annotated[bool, typer.Option("--rows", help="The rows that fail the check, without patients.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="No more than so many of them.")] = None,
    output: OutputFile = None,
    as_of: AsOf = None,
    release: OfRelease = None,
    candidate: Annotated[
        bool, typer.Option("--candidate", help="What the last run made, although an audit kept it from readers.")
    ] = False,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Show each check with its failing share, status and trend, worst first: `quality` alone does the same."""
    from carti_lake.releases.quality import find_check, find_table

    if sum(map(bool, (as_of, release, candidate))) > 1:
        raise typer.BadParameter("give one of --as-of, --release and --candidate.")
    if rows and (of is None or find_table(of)):
        raise typer.BadParameter("name the check whose rows you want: carti-lake quality CHECK --rows.")
    if (output or limit) and not rows:
        raise typer.BadParameter(
            "-o and --limit are about rows: carti-lake quality CHECK --rows [-o FILE] [--limit N]."
        )
    opened = open_lake(lake, storage_option)
    view = opened.candidate() if candidate else opened.at(as_of, release=release)
    if rows and of is not None:
        _print_failing(view.failing(of), limit, output, dict(opened.storage_options), json=json)
        return
    shown = " --candidate" if candidate else f" --release {view.release.number}" if as_of or release else ""
    checks = view.quality()
    entity = None if of is None else find_table(of)
    if of is None or entity is not None:
        listed = checks if entity is None else checks.filter(table_name=entity.full_name())
        if json:
            show.as_json(listed.to_dicts())
        else:
            _print_checks(listed, view, shown, lake, all_of_them=entity is not None)
        return
    table, rule = find_check(of)
    one = checks.filter(table_name=table.full_name(), rule=rule)
    months = view.quality_by_month(of)
    if json:
        counted = months.select(
            "month", "checked", "passed", "failed", "not_applicable", "failed_amount", "share", "status"
        )
        show.as_json({"check": one.to_dicts()[0] if one.height else None, "months": counted.to_dicts()})
    elif one.is_empty():
        show.say(f"{table.full_name()} {rule}: no row broke it in release {view.release.number}.")
    else:
        _print_check(one.row(0, named=True), months, opened.thresholds(of), shown, lake)


def _print_failing(
    rows: "pl.LazyFrame", limit: int | None, output: str | None, options: dict[str, str], *, json: bool
) -> None:
    chosen = rows if limit is None else rows.head(limit)
    if output is not None:
        write(chosen, output, None, options)
    else:
        print_rows(chosen, Format.json if json else Format.table)


def _print_checks(checks: "pl.DataFrame", view: "View", shown: str, lake: str, *, all_of_them: bool) -> None:
    import polars as pl

    show.say(f"Data quality of {view.release.caption}", "bold")
    if checks.is_empty():
        show.say("Nothing has been checked.")
        return
    counts = [(pl.col("status") == status).sum().alias(status) for status in STYLES]
    summary = (
        checks.group_by("table_name", "category")
        .agg(counts)
        .sort("block", "warn", "table_name", "category", descending=[True, True, False, False])
    )
    headers = ["table", "category", *STYLES]
    show.screen().print(show.grid(headers, summary.rows(), "Checks by status"))
    bad = checks if all_of_them else checks.filter(pl.col("status").is_in(["warn", "block"]))
    if bad.is_empty():
        show.say("Every check is within its thresholds.", "green")
        return
    lines = [_line(row) for row in bad.head(MOST_ROWS).iter_rows(named=True)]
    columns = ["status", "table", "check", "checked", "failed", "share", "worst month", "trend", "dollars"]
    show.screen().print(show.grid(columns, lines, "Checks, worst first"))
    worst = f"{bad['table_name'][0].removeprefix('silver.')}.{bad['rule'][0]}"
    _next(worst, shown, lake, blocks=bad["status"][0] == "block")


def _line(row: dict[str, Any]) -> tuple[Any, ...]:
    worst = f"{row['worst_month']:%Y-%m} {_percent(row['worst_share'])}" if row["worst_month"] else None
    return (
        _status(row["status"]),
        row["table_name"].removeprefix("silver."),
        row["rule"],
        row["checked"],
        row["failed"],
        _percent(row["share"]),
        worst,
        sparkline(row["trend"]),
        row["failed_amount"] or None,
    )


def _next(check: str, shown: str, lake: str, *, blocks: bool = False) -> None:
    name = shlex.quote(check)
    steps = [
        (command(f"quality {name} --rows{shown}", lake), "shows the rows; -o FILE.csv writes them"),
        (command(f"quality {name}{shown}", lake), "shows its months and thresholds"),
    ]
    if blocks:
        steps.append((command(f"quality set {name} --block never --why TEXT", lake), "lets it pass, on record"))
    show.next_steps(*steps)


def _print_check(row: dict[str, Any], months: "pl.DataFrame", now: "Thresholds", shown: str, lake: str) -> None:
    show.say(f"{row['table_name']} {row['rule']}", "bold")
    show.say(f"{row['category'].capitalize()}: {row['description'].rstrip('.')}.")
    by = "as declared" if row["set_by"] is None else f"set by {row['set_by']}: {row['why']}"
    show.say(f"{_in_words(now)} ({by}).")
    show.say(f"Trend over the last releases: {sparkline(row['trend'])} {_percent(row['share'])} now.")
    lines = [
        (
            f"{one['month']:%Y-%m}" if one["month"].year > 1900 else None,
            _status(one["status"]),
            *(one[name] for name in ("checked", "passed", "failed", "not_applicable")),
            _percent(one["share"]),
            one["failed_amount"] or None,
        )
        for one in months.head(MOST_MONTHS).iter_rows(named=True)
    ]
    columns = ["month", "status", "checked", "passed", "failed", "not applicable", "share", "dollars"]
    show.screen().print(show.grid(columns, lines))
    if months.height > MOST_MONTHS:
        show.say(f"The newest {MOST_MONTHS} of {months.height} months; --json prints all.", "dim")
    _next(f"{row['table_name'].removeprefix('silver.')}.{row['rule']}", shown, lake, blocks=row["status"] == "block")


def _in_words(limits: "Thresholds") -> str:
    match limits.warn:
        case None:
            warns = "Never warns"
        case 0:
            warns = "Warns at the first failing row"
        case share:
            warns = f"Warns from {_percent(share)} of a month's rows"
    if limits.block is None:
        return f"{warns}, never blocks a release"
    if limits.block == 0 and limits.fewest <= 1:
        return f"{warns}, and blocks a release there"
    return f"{warns}, blocks a release from {_percent(limits.block)} of them, if {limits.fewest:,} or more"


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.2%}"


def _status(status: str) -> "Text":
    from rich.text import Text

    return Text(status, STYLES[status])


def sparkline(shares: list[float | None]) -> str:
    """Failing shares as marks, oldest first: as high as they are of the highest; a dot where nothing was checked."""
    highest = max((share for share in shares if share is not None), default=0) or 1
    last = len(MARKS) - 1
    return "".join("·" if share is None else MARKS[min(last, -int(-share / highest * last // 1))] for share in shares)


@group.command("set")
def set_(
    check: Annotated[
        str, typer.Argument(metavar="CHECK", help="E.g. payment_on_unpaid_claim, 'visits.payer|missing'.")
    ],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason; it is recorded.")],
    warn: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Failing share of a month that warns: 0.02; or never.")
    ] = None,
    block: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Failing share that stops a release: 0.10; or never.")
    ] = None,
    fewest: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Fewer failing rows stop nothing; 1 with a new --block.")
    ] = None,
    declared: Annotated[bool, typer.Option("--declared", help="Back to what the table declares.")] = False,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Set a check's thresholds: in force at once, without a run, for reports and for the next release's audit."""
    given = [one for one in (warn, block, fewest) if one is not None]
    if declared == bool(given):
        raise typer.BadParameter("give --warn, --block or --fewest; or --declared alone.")
    opened = open_lake(lake, storage_option)
    before = opened.thresholds(check)
    wanted = before
    if warn is not None:
        wanted = replace(wanted, warn=_share(warn, "--warn"))
    if block is not None:
        wanted = replace(wanted, block=_share(block, "--block"), fewest=1)
    if fewest is not None:
        wanted = replace(wanted, fewest=fewest)
    opened.set_thresholds(check, None if declared else wanted, why=why)
    now = opened.thresholds(check)
    if json:
        show.as_json({"check": check, "before": before, "now": now, "why": why})
        return
    show.say(f"{check}: {_in_words(now)}.")
    show.say(f"Before: {_in_words(before)}.", "dim")
    show.next_steps((command(f"quality {shlex.quote(check)}", lake), "shows what that says of the release"))


def _share(text: str, option: str) -> float | None:
    if text == NEVER:
        return None
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a share such as 0.02 nor `never`.", param_hint=option) from None
