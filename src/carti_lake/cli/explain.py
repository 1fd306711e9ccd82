"""``explain``: why a metric differs between two releases."""

from typing import TYPE_CHECKING, Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import (
    DEFAULT_LAKE,
    FromRelease,
    Json,
    LakeAt,
    StorageOptions,
    ToRelease,
    command,
    open_lake,
)
from carti_lake.cli.read import MOST_ROWS, write

if TYPE_CHECKING:
    from carti_lake.releases.explain import Explanation


@app.command()
def explain(
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="E.g. gross_collection_rate.")],
    from_: FromRelease,
    to: ToRelease,
    provider: Annotated[
        str | None, typer.Option(metavar="P", help="Id or name of a provider; else the network's metric.")
    ] = None,
    rows: Annotated[bool, typer.Option("--rows", help="Show the rows behind the parts, and what each adds.")] = False,
    cause: Annotated[str | None, typer.Option(metavar="CAUSE", help="Only the rows of this cause.")] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Draw a waterfall: .png, .svg or .json (Vega-Lite); with --rows write them: .csv, .json or .parquet.",
        ),
    ] = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Show why a metric differs between two releases: causes that sum exactly to the change."""
    from carti_lake.outlets.picture import FORMATS
    from carti_lake.outlets.table_file import json_text
    from carti_lake.outlets.waterfall import write_waterfall
    from carti_lake.releases.explain import Cause

    rows = rows or cause is not None
    if cause is not None and cause not in list(Cause):
        raise typer.BadParameter(f"{cause!r}: choose one of {', '.join(Cause)}.", param_hint="--cause")
    if output is not None and not rows and output.rpartition(".")[2] not in FORMATS:
        raise typer.BadParameter(f"{output}: a waterfall is .png, .svg or .json.", param_hint="--output")
    opened = open_lake(lake, storage_option)
    with show.steps("Comparing the releases"):
        found = opened.explain(metric, from_, to, provider=provider)
    options = dict(opened.storage_options)
    if output is not None and rows:
        write(found.rows(cause).lazy(), output, None, options)
    elif output is not None:
        write_waterfall(found, output, options)
        show.aside().print(f"Wrote {output}", markup=False)
    elif json:
        print(json_text(found.rows(cause).lazy())) if rows else show.as_json(found.as_dict())
    elif rows:
        _print_contributions(found, cause)
    else:
        _print_parts(found, command(f"explain {metric} --from {from_} --to {to}", lake))


def _print_parts(found: "Explanation", again: str) -> None:
    from carti_lake.outlets.waterfall import change_text, number_text

    unit, below = found.metric.unit, found.denominators or (None, None)
    show.say(found.metric.title, "bold")
    show.say("Network" if found.provider is None else f"{found.provider[1]} ({found.provider[0]})")
    ends = [
        (release.caption, None, found.numerators[place], below[place], number_text(found.values[place], unit))
        for place, release in enumerate((found.before, found.after))
    ]
    parts = [
        (part.cause.label, part.rows, part.numerator, part.denominator, change_text(part.value, unit))
        for part in found.parts
    ]
    lines = [ends[0], *parts, ends[1]]
    width = max(len(line[-1]) for line in lines)
    columns = ["", "rows", "numerator", "denominator", "value"]
    shown = [(*line[:-1], line[-1].rjust(width)) for line in lines]
    show.screen().print(show.grid(columns, shown))
    largest = max(found.parts, key=lambda part: part.rows)
    if largest.rows:
        show.next_steps(
            (f"{again} --cause {largest.cause}", "the rows behind a part"),
            (f"{again} -o waterfall.png", "the parts as a picture"),
        )


def _print_contributions(found: "Explanation", cause: str | None) -> None:
    rows = found.rows(cause)
    if rows.is_empty():
        show.say("No rows.", "dim")
        return
    shown = rows.head(MOST_ROWS)
    show.screen().print(show.grid(shown.columns, shown.rows()))
    more = f" The first {MOST_ROWS} are shown; -o FILE.csv writes all." if rows.height > MOST_ROWS else ""
    sums = f"numerator {show.cell(rows['numerator'].sum())}, denominator {show.cell(rows['denominator'].sum())}"
    show.say(f"{rows.height:,} row{'s' * (rows.height != 1)}; together {sums}.{more}")
