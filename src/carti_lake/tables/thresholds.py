"""The thresholds that people have set: one row per change, the newest of a check is in force."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.table import Table


class ThresholdChanges(Table, layer="", table="thresholds"):
    """Changes of quality thresholds: which check, from which failing share it warns and blocks, who, when and why."""

    change = dy.Int64(primary_key=True, description="Number of the change: 1, 2, 3, …")
    table_name = f.text("Silver table", nullable=False)
    rule = f.text("Rule or finding", nullable=False)
    declared = dy.Bool(description="True where the declared thresholds are in force again")
    warn = f.rate("Failing share from which the check warns; null: never")
    block = f.rate("Failing share from which it blocks a release; null: never")
    fewest = f.count("Failing rows below which nothing is blocked")
    at = dy.Datetime(time_unit="us", time_zone="UTC", description="When it was changed")
    who = f.text("Who changed it", nullable=False)
    why = f.text("Why", nullable=False)
