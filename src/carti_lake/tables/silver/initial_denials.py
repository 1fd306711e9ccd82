"""What silver's current rows no longer tell: that a claim was denied before it was what it is now."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.table import Table


class InitialDenials(Table, layer="silver", table="initial_denials", partition_by="visit_month"):
    """One row per visit whose claim was ever denied: its first denial in the order of delivery."""

    visit_month = dy.Date(
        primary_key=True, description="Month in which the visit stands now; 1900-01-01 for a withdrawn one without date"
    )
    visit_id = f.key("EHR visit number; derived where the source has none")
    denial_reason = f.text("CARC group of that denial")
    denied_date = f.day("Day of that denial's adjudication; null where it was not delivered")
    batch_id = dy.String(description="Delivery that told the denial")
    extract_date = dy.Date(description="Extract date of that delivery")
    delivered_at = dy.Datetime(time_unit="us", time_zone="UTC", description="When that delivery was made")
    row_number = dy.Int64(description="Position of the row in that delivery")
    row_hash = dy.Int64(description="Hash of the row as bronze holds it")
    key_hash = dy.Int64(description="xxHash64 of the business key")
