"""What was pulled from declared sources: for people who ask, and to spare looking into a file twice."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.table import Table


class Pulls(Table, layer="", table="pulls"):
    """A row per pull of a source, and per file that it took; where a source stands is in bronze's own commits."""

    at = dy.Datetime(time_unit="us", time_zone="UTC", primary_key=True, description="When it was pulled")
    source = f.key("Name of the declared source")
    file = f.key(
        "File that was taken, below the source's folder, or query job that was asked for; empty: the whole pull"
    )
    feed = f.text("Feed that it fills", nullable=False)
    reading = f.text("Tells the way in which it was read from others", nullable=False)
    size = f.count("Bytes of the file", nullable=True)
    modified = dy.Int64(nullable=True, description="The file's own time, nanoseconds since 1970")
    rows = f.count("Rows that came")
    keys = f.count("Keys of the full list that the source was compared with", nullable=True)
    withdrawn = f.count("Rows that were withdrawn, since their keys were not on that list", nullable=True)
    error = f.text("What went wrong, without any value of a row")
