"""Who comes back after an inpatient stay."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.gold.provider import Gold

_INDEX = (
    "encounters.discharge_date",
    "encounters.principal_diagnosis_code",
    "encounters.patient_age",
)


class Readmissions(Gold, table="readmissions", partition_by="month"):
    """Cancer stays and the unplanned readmissions within 30 days, by month of discharge (measure 3188, adapted)."""

    month = dy.Date(primary_key=True, description="First day of the month of the index stay's discharge")
    provider_id = dy.String(
        primary_key=True, description="Attending provider of the index stay; `unknown` where none was delivered"
    )
    service_line = f.key("Service line of the index stay; `unknown` where none was delivered")
    index_stays = f.count(
        "Cancer stays of adults, discharged alive, with 30 days of data after the discharge", of=_INDEX
    )
    readmissions = f.count(
        "Index stays followed by an unplanned readmission within 30 days",
        of=(*_INDEX, "encounters.admission_type"),
    )
    followed_too_briefly = f.count("Such stays that still lack 30 days of data after the discharge", of=_INDEX)
