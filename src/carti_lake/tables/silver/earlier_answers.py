"""What silver's current rows no longer tell: how a claim was answered before it became what it is."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.table import Table


class EarlierAnswers(Table, layer="silver", table="earlier_answers", partition_by="visit_month"):
    """One row per visit and answer that its claim had before its current row: the first such row that was delivered."""

    visit_month = dy.Date(
        primary_key=True, description="Month in which the visit stands now; 1900-01-01 for a withdrawn one without date"
    )
    visit_id = f.key("EHR visit number; derived where the source has none")
    claim_status = f.key("The answer: paid, denied, reversed")
    claim_paid_date = f.day("Day of that adjudication")
    denial_reason = f.text("CARC group, where it was denied")
    batch_id = dy.String(description="Delivery that told it")
    extract_date = dy.Date(description="Extract date of that delivery")
    delivered_at = dy.Datetime(time_unit="us", time_zone="UTC", description="When that delivery was made")
    row_number = dy.Int64(description="Position of the row in that delivery")
    row_hash = dy.Int64(description="Hash of the row as bronze holds it")
    key_hash = dy.Int64(description="xxHash64 of the business key")
