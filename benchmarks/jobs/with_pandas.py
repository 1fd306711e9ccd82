"""The job in pandas: pyarrow reads only the columns it needs, names and codes are normalised once per spelling."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.jobs import CODED, NEEDED, SUMMARY, code, main, name_key, other_files, visit_files

CELL = ["month", "provider_id", "payer", "service_line"]
#: Columns with few different words, which are hashed once a word.
FEW = ("visit_date", "service_line", "diagnosis_code", "provider_name", "payer", "claim_status", "denial_reason")
DAYS = ("visit_date", "claim_submitted_date", "claim_paid_date")


def job(extracts: Path, output: Path, kind: str) -> None:
    """Read and cleanse file by file, keep the newest, join, and write."""
    everything = kind == "everything"
    delivered = output / "delivered" if everything else None
    stays, crm = (_read(path, delivered) for path in other_files(extracts))
    stays["provider_id"] = _normalised(stays["referral_provider"], name_key)
    stays["service_line"] = _normalised(stays["service_line"], code)
    columns = list(NEEDED) if kind == "summary" else None
    valid = pd.concat([_valid(path, delivered, columns) for path in visit_files(extracts)], ignore_index=True)
    valid["provider_id"] = _normalised(valid["provider_name"], name_key)
    replaced = valid.duplicated("visit_id", keep="last")
    visits = valid[~replaced]
    if kind == "visits":
        (output / "visits").mkdir()
        visits.to_parquet(output / "visits/visits.parquet", index=False)
    if everything:
        visits = _answered(visits, valid[replaced])
        months = _normalised(visits["visit_date"].dt.to_period("M"), lambda month: f"{month}-01")
        visits.assign(visit_month=months).to_parquet(output / "visits", partition_cols=["visit_month"], index=False)
        for name, table in _claims_tables(visits, stays).items():
            table.to_parquet(output / f"{name}.parquet", index=False)
    del valid
    _summary(visits, stays, crm).to_parquet(output / "provider_summary.parquet", index=False)


def _read(path: str, delivered: Path | None, columns: list[str] | None = None) -> pd.DataFrame:
    """An extract, kept with a hash of each row where a folder is given."""
    rows = pd.read_csv(path, engine="pyarrow", usecols=columns, dtype_backend="pyarrow")
    if delivered is not None:
        few = {name: "category" for name in FEW if name in rows}
        hashed = pd.util.hash_pandas_object(rows.astype(few), index=False, categorize=False)
        feed, _, _ = Path(path).stem.rpartition("_")
        (delivered / feed).mkdir(parents=True, exist_ok=True)
        rows.assign(row_hash=hashed).to_parquet(delivered / feed / f"{Path(path).stem}.parquet", index=False)
    return rows


def _valid(path: str, delivered: Path | None, columns: list[str] | None) -> pd.DataFrame:
    """A visits' extract, typed, without the rows that have no day or no amount."""
    rows = _read(path, delivered, columns)
    amount = rows["claim_amount"]
    # A file whose amounts are all plain numbers comes typed; else only the few with a currency sign are rewritten.
    if not pd.api.types.is_numeric_dtype(amount):
        marked = amount.str.startswith("$").fillna(False)
        amount = amount.mask(marked, amount[marked].str.replace(r"[$,]", "", regex=True))
        amount = pd.to_numeric(amount, errors="coerce")
    days = {name: _days(rows[name]) for name in DAYS if name in rows}
    told = pd.Timestamp(Path(path).stem[-10:])
    rows = rows.assign(**days, claim_amount=amount, extract_date=told, denied=rows["claim_status"] == "Denied")
    # Not ``notna``: what cannot be read as a number is NaN, which an Arrow column holds beside its nulls.
    readable = amount.between(float("-inf"), float("inf")).fillna(False)
    return rows[rows["visit_date"].notna() & readable]


def _days(values: pd.Series) -> np.ndarray:
    """Days, each read once: a file where one does not exist comes as text, any other as days."""
    found, words = values.factorize()
    days = pd.to_datetime(pd.Index(words), format="%Y-%m-%d", errors="coerce").to_numpy("datetime64[s]")
    return np.append(days, np.datetime64("NaT"))[found]


def _normalised(values: pd.Series, normalise: Callable[[str], str]) -> pd.Categorical:
    """The one spelling of each value, worked out once for each that occurs."""
    found, spellings = values.factorize()
    names, categories = pd.Index([normalise(spelling) for spelling in spellings]).factorize()
    return pd.Categorical.from_codes(np.append(names, -1)[found], categories)


def _answered(visits: pd.DataFrame, replaced: pd.DataFrame) -> pd.DataFrame:
    """Current visits with codes in one spelling, the claim's first answer, and its first denial."""
    visits, replaced = (
        rows.assign(
            **{name: _normalised(rows[name], code) for name in CODED},
            claim_status=_normalised(rows["claim_status"], str.lower),
        )
        for rows in (visits, replaced)
    )
    # Of each answer the first delivery; the rows are in the order of delivery.
    answers = replaced[replaced["claim_status"].isin(["paid", "denied", "reversed"])]
    answers = answers.drop_duplicates(["visit_id", "claim_status"])
    denials = answers[answers["claim_status"] == "denied"].set_index("visit_id")
    answered = answers.groupby("visit_id")["claim_paid_date"].min()
    told = pd.concat(
        [
            answered.rename("answered_before"),
            denials[["claim_paid_date", "denial_reason", "extract_date"]].set_axis(
                ["denied_before", "reason_before", "told_before"], axis=1
            ),
        ],
        axis=1,
    )
    told["reason_before"] = told["reason_before"].astype(visits["denial_reason"].dtype)
    visits = visits.join(told, on="visit_id")
    before, is_denied = visits["told_before"].notna(), visits["claim_status"] == "denied"
    paid_date = visits["claim_paid_date"]
    own = paid_date.where(visits["claim_status"] != "pending")
    visits["answered_date"] = np.fmin(own, visits["answered_before"])
    visits["denied_date"] = visits["denied_before"].where(before, paid_date.where(is_denied))
    visits["told_date"] = visits["told_before"].where(before, visits["extract_date"].where(is_denied))
    visits["first_reason"] = visits["reason_before"].where(before, visits["denial_reason"].where(is_denied))
    return visits.drop(columns=["answered_before", "denied_before", "reason_before", "told_before"])


def _claims_tables(visits: pd.DataFrame, stays: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The gold tables of visits and claims, summed from cells by status where they can be."""
    claims = visits.assign(
        month=_month(visits["visit_date"]),
        payer=_or_unknown(visits["payer"]),
        service_line=_or_unknown(visits["service_line"]),
    )
    cells = _cells(claims)
    billed = claims[claims["claim_status"].notna()]
    return {
        "provider_monthly": _provider_monthly(cells, claims, stays),
        "claims_monthly": _claims_monthly(cells[cells["claim_status"].notna()]),
        "denials_monthly": _denials_monthly(billed[billed["told_date"].notna()]),
        "claims_activity": _claims_activity(billed),
        "claims_lag": _claims_lag(billed),
        "claims_open": _claims_open(billed[billed["claim_status"] == "pending"]),
    }


def _cells(claims: pd.DataFrame) -> pd.DataFrame:
    """Counts and dollars by cell and status."""
    charges, adjustment = claims["claim_amount"], claims["contractual_adjustment"]
    explained, told = adjustment.notna() & charges.notna(), claims["told_date"].notna()
    measures = {
        "visits": pd.Series(1, index=claims.index),
        "charges": charges,
        "paid": claims["claim_paid"],
        "submitted": claims["claim_submitted_date"].notna(),
        "explained": explained,
        "explained_charges": charges.where(explained),
        "adjustments": adjustment.where(explained),
        "explained_paid": claims["claim_paid"].where(explained),
        "initially_denied": told,
        "initially_denied_charges": charges.where(told),
    }
    keys = [claims[name] for name in (*CELL, "claim_status")]
    return pd.DataFrame(measures).groupby(keys, observed=True, dropna=False).sum().reset_index()


def _claim_sums(cells: pd.DataFrame) -> dict[str, pd.Series]:
    """What both monthly tables count of claims."""
    billed = cells["visits"].where(cells["claim_status"].notna(), 0)
    return {
        "claims": billed,
        **{f"{status}_claims": _of(cells, status, "visits") for status in ("paid", "denied", "pending")},
        "gross_charges": cells["charges"],
        **{f"{status}_charges": _of(cells, status, "charges") for status in ("paid", "denied")},
        "payments_as_delivered": cells["paid"],
        "payments": _of(cells, "paid", "paid"),
        "contractual_claims": _of(cells, "paid", "explained"),
        "contractual_charges": _of(cells, "paid", "explained_charges"),
        "contractual_adjustments": _of(cells, "paid", "adjustments"),
        "contractual_payments": _of(cells, "paid", "explained_paid"),
    }


def _of(cells: pd.DataFrame, status: str, column: str) -> pd.Series:
    return cells[column].where((cells["claim_status"] == status).fillna(False), 0)


def _sums(measures: dict[str, pd.Series], keys: list[pd.Series]) -> pd.DataFrame:
    return pd.DataFrame(measures).groupby(keys, observed=True).sum()


def _provider_monthly(cells: pd.DataFrame, claims: pd.DataFrame, stays: pd.DataFrame) -> pd.DataFrame:
    key = ["provider_id", "month", "service_line"]
    of_visits = _sums({"visits": cells["visits"], **_claim_sums(cells)}, [cells[name] for name in key])
    # Distinct patients of a cell: distinct pairs of numbers, instead of a set of words a cell.
    patient, patients = claims["patient_id"].factorize()
    cell = claims.groupby(key, observed=True).ngroup().to_numpy()
    pairs = pd.unique(cell * len(patients) + patient)
    of_visits["visit_patients"] = np.bincount(pairs // len(patients), minlength=len(of_visits))
    score, length, cost = stays["satisfaction_score"], stays["length_of_stay"], stays["treatment_cost"]
    of_stays = _sums(
        {
            "stays": pd.Series(1, index=stays.index),
            "length_of_stay_count": length.notna(),
            "length_of_stay_days": length,
            "satisfaction_count": score.notna(),
            "satisfaction_sum": score,
            "top_box_count": score >= 90,
            "treatment_cost_count": cost.notna(),
            "treatment_cost": cost,
        },
        [
            stays["provider_id"],
            _month(pd.to_datetime(stays["admission_date"])).rename("month"),
            _or_unknown(stays["service_line"]),
        ],
    )
    of_visits, of_stays = (
        rows.reset_index().astype({"provider_id": str, "service_line": str}) for rows in (of_visits, of_stays)
    )
    return of_visits.merge(of_stays, on=key, how="outer").fillna(dict.fromkeys([*of_visits, *of_stays][3:], 0))


def _claims_monthly(cells: pd.DataFrame) -> pd.DataFrame:
    measures = {
        **_claim_sums(cells),
        "submitted_claims": cells["submitted"],
        "reversed_claims": _of(cells, "reversed", "visits"),
        "pending_charges": _of(cells, "pending", "charges"),
        "reversed_charges": _of(cells, "reversed", "charges"),
        "initially_denied_claims": cells["initially_denied"],
        "initially_denied_charges": cells["initially_denied_charges"],
        "overturned_claims": _of(cells, "paid", "initially_denied"),
        "overturned_charges": _of(cells, "paid", "initially_denied_charges"),
    }
    return _sums(measures, [cells[name] for name in CELL]).reset_index()


def _denials_monthly(denied: pd.DataFrame) -> pd.DataFrame:
    charges = denied["claim_amount"]
    still, overturned = denied["claim_status"] == "denied", denied["claim_status"] == "paid"
    measures = {
        "initially_denied_claims": pd.Series(1, index=denied.index),
        "initially_denied_charges": charges,
        "denied_claims": still,
        "denied_charges": charges.where(still, 0),
        "overturned_claims": overturned,
        "overturned_charges": charges.where(overturned, 0),
    }
    reason = _or_unknown(denied["first_reason"]).rename("denial_reason")
    return _sums(measures, [*(denied[name] for name in CELL), reason]).reset_index()


def _claims_activity(claims: pd.DataFrame) -> pd.DataFrame:
    happened = {
        "submitted": claims["claim_submitted_date"],
        "initially_denied": claims["denied_date"].where(claims["denied_date"].notna(), claims["told_date"]),
    }
    parts = []
    for what, day in happened.items():
        rows = claims[day.notna()]
        measures = {f"{what}_claims": pd.Series(1, index=rows.index), f"{what}_charges": rows["claim_amount"]}
        month = _month(day[day.notna()]).rename("activity_month")
        parts.append(_sums(measures, [*(rows[name] for name in CELL), month]).reset_index())
    submitted, denied = (part.astype(dict.fromkeys(CELL[1:], str)) for part in parts)
    both = submitted.merge(denied, on=[*CELL, "activity_month"], how="outer")
    return both.fillna(dict.fromkeys([*submitted, *denied], 0))


def _claims_lag(claims: pd.DataFrame) -> pd.DataFrame:
    answered = claims[(claims["claim_status"] != "pending") & claims["answered_date"].notna()]
    keys = [answered["month"], answered["answered_date"].rename("adjudicated_date")]
    return answered.groupby(keys).size().rename("adjudicated_claims").reset_index()


def _claims_open(pending: pd.DataFrame) -> pd.DataFrame:
    submitted = pending["claim_submitted_date"].fillna(pd.Timestamp("1900-01-01")).rename("submitted_date")
    measures = {"open_claims": pd.Series(1, index=pending.index), "open_charges": pending["claim_amount"]}
    return _sums(measures, [*(pending[name] for name in CELL), submitted]).reset_index()


def _summary(visits: pd.DataFrame, stays: pd.DataFrame, crm: pd.DataFrame) -> pd.DataFrame:
    of_visits = visits.groupby("provider_id", observed=True).agg(
        total_visits=("visit_id", "size"),
        total_claim_amount=("claim_amount", "sum"),
        total_claim_paid=("claim_paid", "sum"),
        denial_rate=("denied", "mean"),
    )
    of_stays = stays.groupby("provider_id", observed=True).agg(
        total_patients=("patient_id", "nunique"),
        avg_length_of_stay=("length_of_stay", "mean"),
        avg_satisfaction=("satisfaction_score", "mean"),
        avg_cost=("treatment_cost", "mean"),
    )
    crm = crm.set_index(pd.Index(_normalised(crm["provider_name"], name_key))).drop(columns="provider_name")
    summary = crm.join([of_stays, of_visits], how="outer").rename_axis("provider_name").reset_index()
    summary["roi"] = (summary["deals_value"] - summary["marketing_cost"]) / summary["marketing_cost"]
    summary["value_per_patient"] = summary["deals_value"] / summary["total_patients"]
    summary["claim_collection_rate"] = summary["total_claim_paid"] / summary["total_claim_amount"]
    # Whom the CRM alone names has no dollars; whom anybody saw has some, if none.
    seen = summary["total_visits"].notna() | summary["total_patients"].notna()
    dollars = ["total_claim_amount", "total_claim_paid"]
    summary[dollars] = summary[dollars].mask(summary[dollars].isna() & seen.to_numpy()[:, None], 0)
    return summary.fillna({"total_visits": 0, "total_patients": 0})[list(SUMMARY)]


def _month(days: pd.Series) -> pd.Series:
    months = days.to_numpy("datetime64[M]").astype("datetime64[s]")
    return pd.Series(months, index=days.index)


def _or_unknown(words: pd.Series) -> pd.Series:
    known = words if "unknown" in words.cat.categories else words.cat.add_categories("unknown")
    return known.fillna("unknown")


if __name__ == "__main__":
    main(job)
