"""Medication orders at visits."""

import numpy as np
import polars as pl

from carti_lake.generate import codes, truths
from carti_lake.generate.appointments import NEW_PATIENT, visit_id
from carti_lake.generate.calendar import NEVER, Window
from carti_lake.generate.draws import Floats, between, chance, pick_within, stream
from carti_lake.generate.patients import patient_id
from carti_lake.generate.providers import Providers, named
from carti_lake.generate.settings import Network
from carti_lake.generate.timeline import deliveries, in_order, late, withdrawn
from carti_lake.generate.values import hundredths, label, to_date

#: Share of orders with a second one at the same visit; share whose quantity is corrected.
SECOND, CORRECTED = 0.3, 0.02
_GIVEN: Floats = np.array([[float(line in drug.lines) for drug in codes.DRUGS] for line in codes.SERVICE_LINES])


def draw(network: Network, visits: pl.DataFrame, month: int, first_number: int) -> pl.DataFrame:
    """The orders at a month's visits.

    Returns
    -------
    pl.DataFrame
        ``medication`` (number), ``visit``, ``patient``, ``provider``, ``day``, ``drug`` (place), ``dose``
        (thousandths of its unit), ``quantity``, ``cost`` (cents).
    """
    rng = stream(network.seed, "medications", month)
    line, kind = visits["line"].to_numpy(), visits["kind"].to_numpy()
    share = np.array([truth.medication for truth in truths.LINES.values()])
    ordered = chance(rng, share[line], len(visits)) & (kind != NEW_PATIENT)
    counts = ordered * (1 + chance(rng, SECOND, len(visits)))
    of = np.repeat(np.arange(len(visits)), counts)
    drug = pick_within(rng, _GIVEN, line[of])
    dose, price = (np.array([getattr(each, name) for each in codes.DRUGS])[drug] for name in ("dose", "price"))
    tablets = np.array([each.route == "Oral" for each in codes.DRUGS])[drug]
    strength = rng.choice([0.8, 1.0, 1.0, 1.0, 1.2], len(of))
    orders = visits.select("visit", "patient", "provider", "day")[of].with_columns(
        drug=pl.Series(drug, dtype=pl.Int8),
        dose=pl.Series(np.rint(dose * np.where(tablets, 1, strength) * 1_000).astype(np.int64)),
        quantity=pl.Series(np.where(tablets, rng.choice([20, 30, 60], len(of)), 1)),
        cost=pl.Series(
            np.rint(price * np.where(tablets, 1, strength) * rng.lognormal(0, 0.1, len(of)) * 100).astype(np.int64)
        ),
    )
    return orders.with_row_index("medication", first_number).with_columns(pl.col("medication").cast(pl.Int64))


def updates(network: Network, orders: pl.DataFrame, window: Window, month: int) -> pl.DataFrame:
    """The orders' deliveries: when ordered, and where the quantity is corrected."""
    rng = stream(network.seed, "medication deliveries", month)
    known = late(rng, orders["day"].to_numpy())
    corrected = chance(rng, CORRECTED, len(orders))
    again = np.where(corrected, known + between(rng, (1, 9), len(orders)), NEVER)
    return deliveries(orders, in_order(known, again), window, withdrawn(rng, known))


def delivered(rows: pl.DataFrame, providers: Providers) -> pl.DataFrame:
    """Rows of orders as the feed ``ehr_medications`` declares them."""

    def of_drug(name: str) -> pl.Expr:
        return label([getattr(drug, name) for drug in codes.DRUGS], pl.col("drug"))

    # A correction doubles what was ordered, and what it costs.
    factor = 1 + pl.col("step").cast(pl.Int64)
    return rows.select(
        medication_id=pl.format("M{}", pl.col("medication") + 1_000_000_000),
        patient_id=patient_id(),
        visit_id=visit_id(),
        **named(providers, "provider", "provider_name", "provider_npi"),
        ordered_date=to_date("day"),
        drug_code=of_drug("code"),
        drug_name=of_drug("name"),
        dose=pl.col("dose") / 1_000,
        dose_unit=of_drug("unit"),
        route=of_drug("route"),
        quantity=pl.col("quantity") * factor,
        total_cost=hundredths(pl.col("cost") * factor),
        is_deleted="is_deleted",
    )
