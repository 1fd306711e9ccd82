"""The job in pandas 3: pyarrow reads only the columns it needs, names are normalised once per spelling."""

from pathlib import Path

import pandas as pd

from benchmarks.jobs import NEEDED, SUMMARY, main, name_key, other_files, visit_files


def job(extracts: Path, output: Path, keep_visits: bool) -> None:
    """Read and cleanse file by file, keep the newest, join, and write."""
    stays_file, crm_file = other_files(extracts)
    columns = None if keep_visits else list(NEEDED)
    valid = pd.concat([_visits(path, columns) for path in visit_files(extracts)], ignore_index=True)
    visits = valid.drop_duplicates("visit_id", keep="last")
    del valid
    if keep_visits:
        visits.to_parquet(output / "visits.parquet", index=False)
    visits = visits.groupby(_keys(visits["provider_name"])).agg(
        total_visits=("visit_id", "size"),
        total_claim_amount=("claim_amount", "sum"),
        total_claim_paid=("claim_paid", "sum"),
        denial_rate=("denied", "mean"),
    )
    stays = pd.read_csv(stays_file, engine="pyarrow")
    stays = stays.groupby(_keys(stays["referral_provider"])).agg(
        total_patients=("patient_id", "nunique"),
        avg_length_of_stay=("length_of_stay", "mean"),
        avg_satisfaction=("satisfaction_score", "mean"),
        avg_cost=("treatment_cost", "mean"),
    )
    crm = pd.read_csv(crm_file, engine="pyarrow")
    crm = crm.set_index(_keys(crm["provider_name"])).drop(columns="provider_name")
    summary = crm.join([stays, visits], how="outer").rename_axis("provider_name").reset_index()
    summary["roi"] = (summary["deals_value"] - summary["marketing_cost"]) / summary["marketing_cost"]
    summary["value_per_patient"] = summary["deals_value"] / summary["total_patients"]
    summary["claim_collection_rate"] = summary["total_claim_paid"] / summary["total_claim_amount"]
    summary[list(SUMMARY)].to_parquet(output / "summary.parquet", index=False)


def _visits(path: str, columns: list[str] | None) -> pd.DataFrame:
    rows = pd.read_csv(path, engine="pyarrow", usecols=columns, dtype_backend="pyarrow")
    amount = rows["claim_amount"]
    # A file whose amounts are all plain numbers comes typed; else only the few with a currency sign are rewritten.
    if not pd.api.types.is_numeric_dtype(amount):
        marked = amount.str.startswith("$").fillna(False)
        amount = amount.mask(marked, amount[marked].str.replace(r"[$,]", "", regex=True))
        amount = pd.to_numeric(amount, errors="coerce")
    day = pd.to_datetime(rows["visit_date"], format="%Y-%m-%d", errors="coerce")
    rows = rows.assign(visit_date=day, claim_amount=amount, denied=rows["claim_status"] == "Denied")
    return rows[day.notna() & amount.notna()]


def _keys(names: pd.Series) -> pd.Series:
    return names.map({name: name_key(name) for name in names.unique()}).astype("category")


if __name__ == "__main__":
    main(job)
