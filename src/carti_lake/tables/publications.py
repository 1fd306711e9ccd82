"""What was made public: the record that every later publication is compared with."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.table import Table


class Publications(Table, layer="", table="publications"):
    """What each publication told of events: a row each, sealed by the audit log; no release holds it.

    The five lists go together: of an axis and a member of it a column, its sum, and whether that was shown.
    """

    change = dy.Int64(primary_key=True, description="Number of the publication: 1, 2, 3, …")
    release = dy.Int64(description="Number of the release that was made public")
    after = f.text("What its readers were said to have had before; null for everything on record")
    axis = dy.List(dy.String(), description="Axes: provider_id, month, …, network")
    member = dy.List(dy.String(nullable=True), description="Members of them")
    column = dy.List(dy.String(), description="Columns that tell of events")
    sum = dy.List(
        dy.Int64(nullable=True),
        description="Sums of the columns, dollars and points in their least part; null where it was not kept",
    )
    shown = dy.List(dy.Bool(), description="Whether it was shown")
    pooled = dy.List(dy.String(), description="Axes and members that were told of together: `payer unknown`")
    at = dy.Datetime(time_unit="us", time_zone="UTC", nullable=False, description="When it was made")
    who = f.text("Who made it", nullable=False)
    why = f.text("For which outlet", nullable=False)
