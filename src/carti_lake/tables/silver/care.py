"""Appointments and medication orders."""

import dataframely as dy
import polars as pl

from carti_lake.tables import fields as f
from carti_lake.tables.checks import Finding, before, in_future, missing
from carti_lake.tables.feeds import EhrAppointments, EhrMedications
from carti_lake.tables.silver.entity import Entity


class Appointments(
    Entity,
    table="appointments",
    feed=EhrAppointments,
    partition_by="appointment_month",
    month_of="appointment_date",
    providers={"provider_id": ("provider_name", "provider_npi")},
    statuses={"appointment_status": ("cancelled_date", "visit_id")},
):
    """One row per appointment, as it last stood."""

    appointment_id = f.key("Appointment number")
    patient_key = f.patient_key()
    patient_age = f.age()
    provider_id = f.provider_id("Provider booked")
    provider_name = f.text("Provider as delivered")
    provider_npi = f.npi("Provider")
    service_line = f.text("Service line", code="slug")
    booked_date = f.day("Day of booking")
    appointment_date = f.day("Day of the appointment", nullable=False)
    appointment_month = f.day("First day of the appointment's month", nullable=False)
    appointment_status = f.text("Status of the appointment", nullable=False, code="appointment_status")
    cancelled_date = f.day("Day of cancellation")
    reminder_sent = f.flag("Whether a reminder was sent")
    visit_id = f.text("Visit that the appointment became")

    @classmethod
    def own_findings(cls) -> list[Finding]:
        """Appointments without what no-show rates need, and days out of order."""
        return [
            missing("service_line"),
            missing("booked_date"),
            missing("visit_id", when=pl.col("appointment_status") == "completed"),
            before("appointment_date", "booked_date"),
            in_future("booked_date"),
        ]


class Medications(
    Entity,
    table="medications",
    feed=EhrMedications,
    partition_by="ordered_month",
    month_of="ordered_date",
    providers={"provider_id": ("provider_name", "provider_npi")},
    dollars="total_cost",
    instead="Refills need order numbers of their own.",
):
    """One row per medication order."""

    medication_id = f.key("Order number")
    patient_key = f.patient_key()
    visit_id = f.text("Visit at which it was ordered")
    provider_id = f.provider_id("Ordering provider", nullable=True)
    provider_name = f.text("Ordering provider as delivered")
    provider_npi = f.npi("Ordering provider")
    ordered_date = f.day("Day of the order", nullable=False)
    ordered_month = f.day("First day of the order's month", nullable=False)
    drug_code = f.text("RxNorm or HCPCS J-code", nullable=False, code="drug")
    drug_name = f.text("Drug")
    dose = dy.Decimal(18, 4, nullable=True, min=0, description="Dose", metadata={"unit": "dose_unit"})
    dose_unit = f.text("Unit of the dose")
    route = f.text("Route of administration", code="slug")
    quantity = dy.Decimal(18, 4, nullable=True, description="Units", metadata={"unit": "count"})
    total_cost = f.money("Cost", minimum=0)

    @classmethod
    def own_findings(cls) -> list[Finding]:
        """Orders without their cost or provider, and days to come."""
        return [missing("total_cost"), missing("provider_id"), in_future("ordered_date")]
