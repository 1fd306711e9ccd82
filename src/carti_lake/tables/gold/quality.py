"""What the lake knows of its own quality, and whether every delivered row is accounted for."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.gold.provider import Gold


class DataQuality(Gold, table="data_quality"):
    """Counts of each check by month: rules that refuse a row, findings that report it, and the extracts themselves.

    No status is stored: it follows from the counts and the thresholds in force, whenever somebody asks.
    """

    table_name = f.key("Silver table")
    rule = f.key("Rule or finding")
    month = dy.Date(
        primary_key=True,
        description="Month of the rows, of the extract for refused ones; 1900-01-01 where there is none",
    )
    category = f.text("Kahn's category: conformance, completeness, plausibility", nullable=False)
    severity = f.text(
        "What a failing row meets: `quarantine` (refused), `warn` (reported); `extract`: about deliveries as such",
        nullable=False,
    )
    description = f.text("What a failing row looks like", nullable=False)
    checked = f.count("Rows (extracts) that the check is about: passed and failed")
    passed = f.count("Rows that pass it")
    failed = f.count("Rows that fail it")
    not_applicable = f.count("Rows that it is not about, or whose source does not deliver what it needs")
    failed_amount = f.money("Dollars on the failing rows, where the check is about money")


class Reconciliation(Gold, table="reconciliation"):
    """One row per batch: bronze = silver + superseded + duplicates + quarantined."""

    batch_id = f.key("Delivery")
    feed = f.text("Feed", nullable=False)
    extract_date = f.day("Extract date", nullable=False)
    bronze_rows = f.count("Rows delivered")
    silver_rows = f.count("Rows that are the current row of their key, withdrawn ones among them")
    superseded_rows = f.count("Rows that a newer row of their key replaced")
    duplicate_rows = f.count("Rows identical to a later one of the same batch")
    quarantined_rows = f.count("Rows refused")
    displaced_rows = f.count("Rows that another row of their key and batch, saying something else, came after")
    displaced_amount = f.money("Dollars on those rows, where the table has any")
