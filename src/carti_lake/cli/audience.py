"""``audience``: for whom outlets are made, unless told."""

from getpass import getuser
from typing import Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, StorageOptions, audience_of, command, open_lake

group = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
app.add_typer(group, name="audience", help="For whom outlets are made: inside the organisation, or for the public.")


@group.command("set")
def set_(
    audience: Annotated[
        str,
        typer.Argument(metavar="inside|public", help="Exact numbers for the workforce, or small counts suppressed."),
    ],
    why: Annotated[str, typer.Option("--why", metavar="REASON", help="Why; it is recorded.")],
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
) -> None:
    """Declare for whom outlets are made from now on; on record, so that no outlet needs a reason of its own."""
    from carti_lake.access.viewer import Audience

    wanted = audience_of(audience)
    assert wanted is not None
    open_lake(lake, storage_option).set_audience(wanted, why=why, who=getuser())
    if wanted is Audience.INSIDE:
        show.say("Outlets show exact numbers from now on. Keep them inside; `--for public` makes one that may go out.")
    else:
        show.say("Outlets suppress small counts from now on.")
    show.next_steps((command("dashboard", lake), "writes one"))


@group.command("show")
def show_(lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False) -> None:
    """Show for whom outlets are made, and every declaration."""
    from carti_lake.access.audience import changes as declarations

    opened = open_lake(lake, storage_option)
    audience, changes = opened.audience(), declarations(opened.storage)
    if json:
        show.as_json({"audience": audience.value, "changes": changes.to_dicts()})
        return
    show.say(f"Outlets are for the audience {audience.value}.")
    if changes.is_empty():
        show.say("Nobody has declared one.")
        show.next_steps((command("audience set inside --why REASON", lake), "declares that outlets stay inside"))
    else:
        show.screen().print(show.grid(changes.columns, changes.rows(), "Declarations, newest first"))
