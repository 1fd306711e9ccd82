"""``publish``: a release as flat Parquet, for Power BI and others."""

from typing import Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import (
    DEFAULT_LAKE,
    Json,
    LakeAt,
    OfRelease,
    StorageOptions,
    audience_of,
    command,
    open_lake,
)
from carti_lake.cli.outlets import After, For, FullCounts


@app.command()
def publish(
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="Folder; else the lake's published/tables.")
    ] = None,
    release: OfRelease = None,
    for_: For = None,
    after: After = None,
    full_counts: FullCounts = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Publish a release as Parquet, a star schema for Power BI."""
    from carti_lake.access.policies import alike, policies
    from carti_lake.outlets.files import published
    from carti_lake.outlets.published.publish import publish_of

    opened = open_lake(lake, storage_option)
    view = opened.at(release)
    target = output or published(opened.uri, "tables", release)
    with show.steps("Publishing the tables"):
        manifest = publish_of(view, target, audience=audience_of(for_), after=after, full_counts=full_counts)
    mistakable = alike(policies(opened.storage, opened.clock().date()))
    if json:
        show.as_json({"release": view.release.number, "folder": target, "not_in_role": mistakable, **manifest})
        return
    tables = manifest["tables"]
    show.say(
        f"From release {view.release.number}: {len(tables)} tables, {sum(t['rows'] for t in tables.values()):,} rows."
    )
    show.say(f"  {target}/sets/{manifest['set']}")
    if mistakable:
        show.say(
            f"Power BI's role lists none of {', '.join(mistakable)}: it does not tell cases apart, and each would see "
            "what all of them may. Revoke all but one."
        )
    if not manifest["full_counts"]:
        show.say("Facts that cross providers, months and payers are not for the public: they stay inside.")
        show.next_steps(
            (command("powerbi --for public", lake), "writes the Power BI project that reads it"),
            (
                command("audience set inside --why REASON", lake),
                "declares that outlets stay inside: the whole star then",
            ),
        )
    else:
        show.next_steps((command("powerbi --for inside", lake), "writes the Power BI project that reads it"))
