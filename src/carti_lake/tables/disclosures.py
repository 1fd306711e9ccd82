"""The audit log of disclosure control: who had it switched off, for what, and why."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.table import Table


class Disclosures(Table, layer="", table="disclosures"):
    """Every outlet that was asked for with full counts: a row each, written before the outlet is, never changed."""

    at = dy.Datetime(time_unit="us", time_zone="UTC", primary_key=True, description="When it was asked for")
    user = f.key("Who asked: the user of the operating system")
    outlet = f.key("What was asked for: charts, workbook")
    release = dy.Int64(primary_key=True, description="Number of the release")
    reason = f.text("Why, in the words of who asked", nullable=False)
