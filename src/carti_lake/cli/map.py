"""``map``: a proposed map for a foreign file."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import Json

if TYPE_CHECKING:
    from carti_lake.sources.propose import Proposal


@app.command("map")
def map_(
    feed: Annotated[str, typer.Argument(metavar="FEED", help="Feed that the file is to be loaded as.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of the source: CSV, NDJSON, Parquet, XLSX.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="MAP", help="Where to write the map.")
    ] = None,
    json: Json = False,
) -> None:
    """Propose a map for a source's file, from its headers and the look of its values.

    It invents nothing: what is unsure stands as a comment, with counts and shapes, never with a patient's value.
    """
    from carti_lake.sources.batches import feed_of
    from carti_lake.sources.locate import locate
    from carti_lake.sources.map_text import map_text
    from carti_lake.sources.propose import propose
    from carti_lake.sources.sample import sample

    declared = feed_of(feed)
    found, *_ = locate([file], None).found
    with tempfile.TemporaryDirectory(prefix="carti-lake-") as folder, show.steps(f"Reading {found.name}"):
        proposal = propose(sample(found.local(Path(folder)), Path(folder), found.name), declared, found.name)
    text = map_text(proposal)
    if output is not None:
        output.write_text(text, "utf-8", newline="\n")
    if json:
        show.as_json(proposal)
        return
    if output is None:
        print(text, end="")
        return
    _print(proposal)
    show.next_steps(
        (f"carti-lake load {feed} {file} --map {output} --dry-run", f"once {output} says what you mean"),
    )


def _print(proposal: "Proposal") -> None:
    rows = [
        (one.column, " + ".join(one.sources), one.values, "; ".join(one.doubts) or None, ", ".join(one.shapes))
        for one in proposal.candidates
    ]
    title = f"{proposal.name} as {proposal.feed}, from {proposal.rows:,} rows"
    show.screen().print(show.grid(["column", "from", "values", "look at", "shapes"], rows, title))
    for column, dispensable in proposal.missing.items():
        can = "declare it absent, or give it" if dispensable else "it cannot be absent: give it"
        show.warn(f"{column}: required, and found under no header; {can} a header or a constant.")
    if proposal.unused:
        show.say(f"Not mapped: {', '.join(proposal.unused)}.", "dim")
