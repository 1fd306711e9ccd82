"""Cancer stays and the unplanned readmissions that follow them within 30 days: CMS/PQM measure 3188, adapted.

What the columns cannot say: the payer, secondary diagnoses (so that a stay for chemotherapy is no index stay although
the patient has cancer), and readmissions to hospitals that do not report to us.
"""

import polars as pl

from carti_lake.pipeline.mart import mart
from carti_lake.tables.gold import Readmissions

WINDOW = pl.duration(days=30)
ADULT = 18
UNPLANNED = ("emergency", "urgent")
CANCER = "^C"
#: Principal diagnoses that make a readmission part of the treatment's or the disease's course: secondary malignant
#: neoplasms; encounters for radiation, chemotherapy and immunotherapy.
EXPECTED = r"^(C7[789B]|Z51\.0|Z51\.1)"
#: Who dies, is transferred or leaves against advice cannot be followed from this discharge.
NOT_FOLLOWED = "expired|died|deceased|transfer|against_medical_advice|^ama$"


def index_stays(encounters: pl.LazyFrame) -> pl.LazyFrame:
    """Index stays, whether 30 days of data follow them, and whether an unplanned readmission does.

    A stay counts once, however often its patient comes back, and a readmission may be an index stay itself. Data reach
    as far as the newest admission or discharge, and no further than the newest extract: a mistyped future date does
    not stand for follow-up.

    Parameters
    ----------
    encounters
        ``silver.encounters`` without withdrawn rows.

    Returns
    -------
    pl.LazyFrame
        The stays' columns with ``followed``, ``readmitted`` and ``back_date`` (day of the first readmission); who was
        readmitted may be followed too briefly.
    """
    reach = pl.min_horizontal(
        pl.max_horizontal(pl.col("admission_date").max(), pl.col("discharge_date").max()), pl.col("extract_date").max()
    )
    stays = encounters.with_columns(followed=pl.col("discharge_date") + WINDOW <= reach)
    index = stays.filter(_is_index())
    back = stays.filter(is_unplanned()).select("patient_key", back_id="encounter_id", back_date="admission_date")
    followed_by = (
        index.select("encounter_id", "patient_key", "admission_date", "discharge_date")
        .join(back, on="patient_key")
        .filter(
            pl.col("back_date").is_between("discharge_date", pl.col("discharge_date") + WINDOW),
            # A stay of no night does not follow itself; of two on one day the second follows the first.
            (pl.col("back_date") > pl.col("admission_date")) | (pl.col("back_id") > pl.col("encounter_id")),
        )
        .group_by("encounter_id")
        .agg(pl.col("back_date").min())
    )
    joined = index.join(followed_by, on="encounter_id", how="left")
    return joined.with_columns(readmitted=pl.col("back_date").is_not_null())


# From all stays, not by month: who comes back does so in another month, and the newest date moves the follow-up.
@mart(Readmissions, inputs=("silver.encounters",))
def readmissions(encounters: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``gold.readmissions`` from all stays: a readmission may lie in another month than its index stay.

    All stays are read at each change of them: about a second a million.
    """
    return (
        index_stays(encounters.filter(~pl.col("withdrawn")))
        .group_by(
            month=pl.col("discharge_date").dt.truncate("1mo"),
            provider_id=pl.col("attending_provider_id").fill_null("unknown"),
            service_line=pl.col("service_line").fill_null("unknown"),
        )
        .agg(
            index_stays=pl.col("followed").sum(),
            readmissions=(pl.col("readmitted") & pl.col("followed")).sum(),
            followed_too_briefly=(~pl.col("followed")).sum(),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in Readmissions.dtypes().items())
    )


def _is_index() -> pl.Expr:
    """A cancer stay of an adult who left alive and free to come back."""
    left = pl.col("discharge_disposition").fill_null("").str.contains(NOT_FOLLOWED)
    adult = pl.col("patient_age") >= ADULT
    cancer = pl.col("principal_diagnosis_code").str.contains(CANCER)
    return pl.col("discharge_date").is_not_null() & cancer & adult & ~left


def is_unplanned() -> pl.Expr:
    """An emergency that is no part of the treatment's or the disease's course."""
    return pl.col("admission_type").is_in(UNPLANNED) & ~pl.col("principal_diagnosis_code").fill_null("").str.contains(
        EXPECTED
    )
