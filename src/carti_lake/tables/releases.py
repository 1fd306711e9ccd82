"""The table of releases: a row per table per release, one commit per release."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.table import Table


class Releases(Table, layer="", table="releases"):
    """What readers may read: for each release, the version of every table; and who locked it."""

    release = dy.Int64(primary_key=True, description="Number of the release")
    event = f.key("release, lock, unlock, refused")
    table_name = f.key("Table, by its full name; the lock's name for a lock")
    version = dy.Int64(nullable=True, description="Delta version of the table in the release")
    rows = dy.Int64(nullable=True, description="Rows of the table in the release")
    at = dy.Datetime(time_unit="us", time_zone="UTC", description="When the event was committed")
    data_as_of = f.day("Newest extract date that the release holds")
    details = f.text("JSON: audits with their figures, and what was accepted; with the first table of the release")
