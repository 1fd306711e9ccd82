"""Appointments, from the EHR."""

from carti_lake.tables import fields as f
from carti_lake.tables.feeds.feed import Feed


class EhrAppointments(Feed, table="ehr_appointments"):
    """An appointment, from the EHR: delivered when booked and again when kept, missed or cancelled."""

    appointment_id = f.text("Appointment number", required=True)
    patient_id = f.patient_id()
    patient_age = f.number("Patient's age", "years")
    provider_name = f.name("Provider as displayed", required=True)
    provider_npi = f.text("Provider's NPI")
    service_line = f.text("Service line")
    booked_date = f.day("Day of booking")
    appointment_date = f.day("Day of the appointment", required=True)
    appointment_status = f.text("Booked, Completed, No-show, Cancelled", required=True)
    cancelled_date = f.day("Day of cancellation")
    reminder_sent = f.flag("Whether a reminder was sent")
    visit_id = f.text("Visit that the appointment became")
    is_deleted = f.is_deleted()
