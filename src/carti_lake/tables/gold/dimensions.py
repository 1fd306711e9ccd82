"""The dimensions that the marts join to."""

from datetime import date

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.gold.provider import Gold

_DIRECTORY = ("providers",)

#: Month of rows that no date places.
UNDATED = date(1900, 1, 1)


class DimProvider(Gold, table="dim_provider"):
    """One row per provider: the directory, and whoever a source names beside it."""

    provider_id = f.provider_id("Provider", primary_key=True)
    provider_name = f.text("Provider as displayed", nullable=False, of=_DIRECTORY)
    npi = f.text("National Provider Identifier", of=_DIRECTORY)
    specialty = f.text("Specialty", of=_DIRECTORY)
    service_line = f.text("Main service line", of=_DIRECTORY)
    network_status = f.text("In or out of network", of=_DIRECTORY)
    organization = f.text("Practice or hospital", of=_DIRECTORY)
    in_directory = dy.Bool(description="Whether the provider directory lists the provider", metadata={"of": _DIRECTORY})


class DimDate(Gold, table="dim_date"):
    """One row per day, from the first of the year of the first fact to the last of the year of the last."""

    date = dy.Date(primary_key=True, description="Day")
    month = f.day("First day of the month", nullable=False)
    quarter = f.day("First day of the quarter", nullable=False)
    year = dy.Int64(description="Calendar year")
    month_of_year = dy.Int64(description="Month, 1 to 12")
    month_name = f.text("Month's name", nullable=False)
    day_of_week = dy.Int64(description="Monday 1 to Sunday 7")
    is_weekend = dy.Bool(description="Saturday or Sunday")


class DimServiceLine(Gold, table="dim_service_line"):
    """One row per service line that any fact names."""

    service_line = f.key("Service line; `unknown` where none was delivered")
    title = f.text("Service line as people write it", nullable=False)
