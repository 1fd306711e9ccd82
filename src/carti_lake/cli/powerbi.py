"""``powerbi``: the Power BI project that reads what ``publish`` has published."""

from typing import Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, StorageOptions, audience_of, command, open_lake
from carti_lake.cli.outlets import For


@app.command()
def powerbi(
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="Folder; else the lake's published/powerbi.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="FOLDER",
            help="Folder of the published tables, as the computer with Power BI names it; else set LakeFolder there.",
        ),
    ] = None,
    for_: For = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Write a Power BI project that reads the published tables."""
    from carti_lake.access.audience import declared
    from carti_lake.outlets.files import published
    from carti_lake.outlets.powerbi.project import LAKE_FOLDER, NAME, powerbi_of

    opened = open_lake(lake, storage_option)
    target = output or published(opened.uri, "powerbi")
    audience = audience_of(for_) or declared(opened.storage)[0]
    files = powerbi_of(opened.storage, target, data=data or LAKE_FOLDER, audience=audience)
    if json:
        show.as_json({"folder": target, "project": f"{target}/{NAME}.pbip", "files": len(files), "for": audience})
        return
    show.say(f"{target}/{NAME}.pbip: {len(files)} files; it holds no numbers, and is the same for every release.")
    show.next_steps(
        (command(f"publish --for {audience}", lake), "publishes the tables that it reads"),
        (f"{NAME}.pbip in Power BI Desktop", "set LakeFolder to the folder of the tables, then refresh"),
    )
