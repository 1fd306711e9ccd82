"""Claims: what became of them, what was denied and why, what is still open, and how long adjudication takes."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.gold.provider import Gold

_CHARGES, _PAID, _STATUS = "visits.claim_amount", "visits.claim_paid", "visits.claim_status"
_ADJUSTMENT = "visits.contractual_adjustment"
_SUBMITTED, _ADJUDICATED = "visits.claim_submitted_date", "visits.claim_paid_date"


def _month_of_service() -> dy.Date:
    return dy.Date(primary_key=True, description="First day of the month of service")


def _rendering_provider() -> dy.String:
    return f.provider_id("Rendering provider", primary_key=True)


def _payer() -> dy.String:
    return f.key("Payer; `unknown` where none was delivered")


def _service_line() -> dy.String:
    return f.key("Service line; `unknown` where none was delivered")


def _dollars(description: str, *of: str) -> dy.Decimal:
    return f.money(description, nullable=False, of=(_CHARGES, *of))


class ClaimsMonthly(Gold, table="claims_monthly", partition_by="month"):
    """Claims by month of service, rendering provider, payer and service line; every rate is made from these."""

    month = _month_of_service()
    provider_id = _rendering_provider()
    payer = _payer()
    service_line = _service_line()
    claims = f.count("Claims", of=(_STATUS,))
    submitted_claims = f.count(
        "Claims with a day of submission",
        of=(
            _STATUS,
            _SUBMITTED,
        ),
    )
    paid_claims = f.count("Claims paid", of=(_STATUS,))
    denied_claims = f.count("Claims denied as they stand", of=(_STATUS,))
    pending_claims = f.count("Claims not yet adjudicated", of=(_STATUS,))
    reversed_claims = f.count("Claims whose payment was reversed", of=(_STATUS,))
    gross_charges = _dollars("Billed charges of all claims")
    paid_charges = _dollars("Billed charges of paid claims", _STATUS)
    denied_charges = _dollars("Billed charges of denied claims", _STATUS)
    pending_charges = _dollars("Billed charges of claims not yet adjudicated", _STATUS)
    reversed_charges = _dollars("Billed charges of reversed claims", _STATUS)
    payments_as_delivered = f.money("Payments shown on claims, whatever their status", nullable=False, of=(_PAID,))
    payments = f.money(
        "Payments on paid claims",
        nullable=False,
        of=(
            _PAID,
            _STATUS,
        ),
    )
    contractual_claims = f.count(
        "Paid claims that deliver a contractual adjustment",
        of=(
            _STATUS,
            _ADJUSTMENT,
        ),
    )
    contractual_charges = _dollars("Billed charges of those claims", _STATUS, _ADJUSTMENT)
    contractual_adjustments = _dollars("Contractual adjustments of those claims", _STATUS, _ADJUSTMENT)
    contractual_payments = f.money("Payments on those claims", nullable=False, of=(_STATUS, _ADJUSTMENT, _PAID))
    initially_denied_claims = f.count("Claims ever denied, whatever became of them", of=(_STATUS,))
    initially_denied_charges = _dollars("Billed charges of those claims", _STATUS)
    overturned_claims = f.count("Claims denied once and paid now", of=(_STATUS,))
    overturned_charges = _dollars("Billed charges of those claims", _STATUS)


class DenialsMonthly(Gold, table="denials_monthly", partition_by="month"):
    """Claims ever denied by month of service, rendering provider, payer, service line and reason."""

    month = _month_of_service()
    provider_id = _rendering_provider()
    payer = _payer()
    service_line = _service_line()
    denial_reason = f.key("CARC group of the first denial; `unknown` where none was delivered")
    initially_denied_claims = f.count("Claims ever denied, whatever became of them", of=(_STATUS,))
    initially_denied_charges = _dollars("Billed charges of those claims", _STATUS)
    denied_claims = f.count("Those that are denied as they stand", of=(_STATUS,))
    denied_charges = _dollars("Billed charges of those claims", _STATUS)
    overturned_claims = f.count("Those that are paid now", of=(_STATUS,))
    overturned_charges = _dollars("Billed charges of those claims", _STATUS)


class ClaimsActivity(Gold, table="claims_activity", partition_by="month"):
    """What happened to claims in which calendar month: submissions, and first denials."""

    month = _month_of_service()
    activity_month = dy.Date(primary_key=True, description="First day of the month in which it happened")
    provider_id = _rendering_provider()
    payer = _payer()
    service_line = _service_line()
    submitted_claims = f.count(
        "Claims submitted in that month",
        of=(
            _STATUS,
            _SUBMITTED,
        ),
    )
    submitted_charges = _dollars("Billed charges of those claims", _STATUS, _SUBMITTED)
    initially_denied_claims = f.count("Claims denied first in that month: adjudicated, else told, in it", of=(_STATUS,))
    initially_denied_charges = _dollars("Billed charges of those claims", _STATUS)


class ClaimsLag(Gold, table="claims_lag", partition_by="month"):
    """Claims by month of service and day of their first adjudication: the lag that maturity is learnt from."""

    month = _month_of_service()
    adjudicated_date = dy.Date(
        primary_key=True, description="First day on which the claim was paid, denied or reversed"
    )
    adjudicated_claims = f.count(
        "Claims adjudicated first on that day, and not pending now",
        of=(
            _STATUS,
            _ADJUDICATED,
        ),
    )


class ClaimsOpen(Gold, table="claims_open", partition_by="month"):
    """Claims not yet adjudicated by day of submission, from which they age."""

    month = _month_of_service()
    provider_id = _rendering_provider()
    payer = _payer()
    service_line = _service_line()
    submitted_date = dy.Date(primary_key=True, description="Day of submission; 1900-01-01 where none was delivered")
    open_claims = f.count("Claims not yet adjudicated", of=(_STATUS,))
    open_charges = _dollars("Billed charges of those claims", _STATUS)


class ClaimsAged(Gold, table="claims_aged"):
    """Open receivables by age since submission, as of the newest extract of visits."""

    provider_id = _rendering_provider()
    payer = _payer()
    service_line = _service_line()
    as_of = f.day("Day that the age is counted to: the newest extract date of visits", nullable=False)
    open_claims = f.count("Claims not yet adjudicated", of=(_STATUS,))
    open_charges = _dollars("Billed charges of those claims", _STATUS)
    claims_0_30 = f.count(
        "Open for at most 30 days",
        of=(
            _STATUS,
            _SUBMITTED,
        ),
    )
    claims_31_60 = f.count(
        "Open for 31 to 60 days",
        of=(
            _STATUS,
            _SUBMITTED,
        ),
    )
    claims_61_90 = f.count(
        "Open for 61 to 90 days",
        of=(
            _STATUS,
            _SUBMITTED,
        ),
    )
    claims_91_120 = f.count(
        "Open for 91 to 120 days",
        of=(
            _STATUS,
            _SUBMITTED,
        ),
    )
    claims_over_120 = f.count(
        "Open for more than 120 days",
        of=(
            _STATUS,
            _SUBMITTED,
        ),
    )
    charges_0_30 = _dollars("Billed charges open for at most 30 days", _STATUS, _SUBMITTED)
    charges_31_60 = _dollars("Billed charges open for 31 to 60 days", _STATUS, _SUBMITTED)
    charges_61_90 = _dollars("Billed charges open for 61 to 90 days", _STATUS, _SUBMITTED)
    charges_91_120 = _dollars("Billed charges open for 91 to 120 days", _STATUS, _SUBMITTED)
    charges_over_120 = _dollars("Billed charges open for more than 120 days", _STATUS, _SUBMITTED)
    dated_charges = _dollars(
        "Billed charges of open claims with a day of submission: the sum of the five", _STATUS, _SUBMITTED
    )


class ClaimsMaturity(Gold, table="claims_maturity"):
    """How much of each month's claims is adjudicated by now, as past months at the same age let expect."""

    month = _month_of_service()
    as_of = f.day("The newest extract date of visits", nullable=False)
    age = dy.Int64(description="Whole months from the month of service to as_of")
    adjudicated_claims = f.count(
        "Claims of the month adjudicated by as_of",
        of=(
            _STATUS,
            _ADJUDICATED,
        ),
    )
    expected_claims = dy.Float64(
        nullable=True,
        description="Claims of the month expected to be adjudicated in the end",
        metadata={"unit": "count", "of": (_STATUS, _ADJUDICATED)},
    )
    maturity = f.rate("Share of the month's claims expected to be adjudicated by as_of; null without enough history")
    maturity_low = f.rate("Lower end of its 95 % interval")
    maturity_high = f.rate("Upper end of its 95 % interval")
    provisional = dy.Bool(description="Whether maturity is under 90 % or unknown: rates on the month will still move")
