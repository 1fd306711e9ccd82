"""``compare``: providers beside one another on one metric, with how sure that is."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, OfRelease, StorageOptions, command, open_lake

if TYPE_CHECKING:
    from carti_lake.metrics import Metric

COLUMNS = ("provider", "cases", "rate", "95 % interval", "shrunk rate", "its interval", "ranks", "limits")


@app.command()
def compare(
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="A proportion, e.g. remittance_denial_rate.")],
    release: OfRelease = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Compare providers on a metric: rates, intervals, ranks, and who stands apart."""
    from carti_lake.outlets.comparison import compared, ranks_explained, remarks

    chosen = _metric(metric)
    view = open_lake(lake, storage_option).at(release)
    names = ("provider_comparison", "provider_summary")
    rows = compared({name: view.scan(f"gold.{name}").collect() for name in names}, chosen)
    notes = remarks(rows)
    shown = rows.drop_nulls("rate")
    if json:
        columns = [name for name in rows.columns if name not in ("metric", "numerator")]
        facts = {"metric": chosen.id, "title": chosen.title, "release": view.release.number, "notes": notes}
        show.as_json({**facts, "providers": shown.select(columns).to_dicts()})
        return
    show.say(chosen.title, "bold")
    for note in notes:
        show.say(note)
    if not shown.is_empty():
        show.screen().print(show.grid(COLUMNS, [_cells(row) for row in shown.iter_rows(named=True)]))
    if shown["rank"].count():
        show.say(f"Ranks: {ranks_explained(chosen)}.", "dim")
    show.next_steps((command("charts", lake), "draws funnel plots and intervals, for the audience inside"))


def _metric(name: str) -> "Metric":
    from carti_lake.pipeline.gold.provider_comparison import compared_metrics

    known = {one.id: one for one in compared_metrics()}
    if name not in known:
        raise typer.BadParameter(f"{name!r} is not compared. Choose one of: {', '.join(known)}.", param_hint="METRIC")
    return known[name]


def _cells(row: dict[str, Any]) -> tuple[Any, ...]:
    ranks = None if row["rank"] is None else f"{row['rank_low']} to {row['rank_high']}"
    side = row["outside_998"] or row["outside_95"]
    level = "99.8 %" if row["outside_998"] else "95 %"
    return (
        row["provider_name"],
        row["n"],
        _percent(row["rate"]),
        _interval(row["lower_95"], row["upper_95"]),
        _percent(row["shrunk_rate"]),
        _interval(row["shrunk_lower_95"], row["shrunk_upper_95"]),
        ranks,
        f"{side} {level}" if side else "within",
    )


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _interval(lower: float | None, upper: float | None) -> str | None:
    return None if lower is None or upper is None else f"{lower:.1%} to {upper:.1%}"
