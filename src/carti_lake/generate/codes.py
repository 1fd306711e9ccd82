"""The vocabularies of the synthetic network: codes, labels and names, and which goes with which."""

from dataclasses import dataclass

from carti_lake.generate.truths import LINES, PAYERS

SERVICE_LINES = tuple(LINES)
PAYER_NAMES = tuple(PAYERS)


@dataclass(frozen=True)
class Site:
    """A cancer site: its ICD-10-CM codes, its patients' mean age, and how often each service line sees it."""

    share: float
    age: float
    diagnoses: tuple[str, ...]
    lines: dict[str, float]


SITES: dict[str, Site] = {
    "breast": Site(0.22, 60, ("C50.911", "C50.912", "C50.411", "C50.412"), {"breast": 20.0, "medical_oncology": 1.5}),
    "lung": Site(0.16, 69, ("C34.11", "C34.12", "C34.31", "C34.90"), {"lung": 20.0, "palliative": 2.5}),
    "prostate": Site(0.13, 68, ("C61",), {"urology": 12.0, "radiation_oncology": 1.5}),
    "bladder_kidney": Site(0.08, 67, ("C67.9", "C64.1", "C64.2"), {"urology": 10.0}),
    "colorectal": Site(0.13, 65, ("C18.2", "C18.7", "C20"), {"surgical_oncology": 3.0, "medical_oncology": 2.0}),
    "blood": Site(0.14, 64, ("C83.30", "C90.00", "C91.10", "C85.90", "D46.9"), {"haematology": 30.0}),
    "pancreas": Site(0.06, 68, ("C25.0", "C25.9"), {"surgical_oncology": 2.5, "palliative": 4.0}),
    "head_neck": Site(0.08, 62, ("C10.9", "C32.9", "C06.9"), {"radiation_oncology": 3.0}),
}
#: How often a service line sees a site that does not name it.
OTHER_SITE = {line: 1.0 for line in SERVICE_LINES} | {"breast": 0.0, "lung": 0.0, "urology": 0.0, "haematology": 0.2}

VISIT_TYPES = ("New patient", "Follow-up", "Treatment")
#: Procedures with their mean charge in dollars, by visit type and, for treatments, service line.
OFFICE_VISITS = {
    "New patient": (("99204", 420.0), ("99205", 560.0)),
    "Follow-up": (("99213", 210.0), ("99214", 310.0), ("99215", 430.0)),
}
TREATMENTS = {
    "medical_oncology": (("96413", 3_900.0), ("96415", 2_100.0), ("96401", 900.0)),
    "radiation_oncology": (("77412", 1_150.0), ("77385", 2_300.0), ("77301", 4_800.0)),
    "surgical_oncology": (("44204", 14_500.0), ("48150", 28_000.0), ("38525", 6_200.0)),
    "haematology": (("96413", 4_300.0), ("38222", 2_400.0), ("36430", 1_500.0)),
    "breast": (("19301", 7_800.0), ("96413", 3_600.0), ("19083", 3_100.0)),
    "lung": (("32663", 17_500.0), ("96413", 4_100.0), ("31652", 4_700.0)),
    "urology": (("52234", 5_600.0), ("55866", 16_000.0), ("51720", 800.0)),
    "palliative": (("99497", 290.0), ("96365", 700.0)),
}
#: Reasons of denial (CARC group and number) with their weight: for government payers, and for commercial ones.
DENIAL_REASONS = {
    "CO-16": (0.24, 0.18),
    "CO-18": (0.08, 0.06),
    "CO-29": (0.10, 0.06),
    "CO-50": (0.22, 0.18),
    "CO-97": (0.14, 0.10),
    "CO-197": (0.14, 0.38),
    "PR-204": (0.08, 0.04),
}
GOVERNMENT = ("Medicare", "Medicaid", "Medicare Advantage")


@dataclass(frozen=True)
class Drug:
    """A drug as it is ordered: code, name, mean dose, unit, route, price in dollars per order, service lines."""

    code: str
    name: str
    dose: float
    unit: str
    route: str
    price: float
    lines: tuple[str, ...]


DRUGS = (
    Drug("J9271", "Pembrolizumab", 200, "mg", "Intravenous", 11_100.0, ("medical_oncology", "lung")),
    Drug("J9299", "Nivolumab", 240, "mg", "Intravenous", 7_600.0, ("medical_oncology", "lung", "urology")),
    Drug("J9355", "Trastuzumab", 440, "mg", "Intravenous", 4_200.0, ("breast",)),
    Drug("J9267", "Paclitaxel", 300, "mg", "Intravenous", 180.0, ("breast", "medical_oncology", "lung")),
    Drug("J9312", "Rituximab", 700, "mg", "Intravenous", 5_400.0, ("haematology",)),
    Drug("J9041", "Bortezomib", 2.5, "mg", "Subcutaneous", 1_300.0, ("haematology",)),
    Drug("J2505", "Pegfilgrastim", 6, "mg", "Subcutaneous", 3_800.0, ("medical_oncology", "haematology", "breast")),
    Drug("J9217", "Leuprolide", 22.5, "mg", "Intramuscular", 900.0, ("urology",)),
    Drug("1740467", "Ondansetron 8 mg tablet", 8, "mg", "Oral", 25.0, SERVICE_LINES),
    Drug("1049621", "Oxycodone 5 mg tablet", 5, "mg", "Oral", 18.0, ("palliative", "surgical_oncology")),
)

STAGES = ("Prospecting", "Proposal", "Negotiation", "Closed Won", "Closed Lost")
#: Probability of winning that the CRM shows at each stage, in percent.
STAGE_PROBABILITY = (10, 40, 70, 100, 0)
ADMISSION_TYPES = ("Elective", "Urgent", "Emergency")
DISPOSITIONS = ("Home", "Skilled nursing", "Hospice", "Expired")

#: Where patients live: ZIP3 of Arkansas with its share, and whether it is far from the clinics.
ZIP3 = {
    "720": (0.21, False),
    "721": (0.15, False),
    "722": (0.22, False),
    "716": (0.07, True),
    "717": (0.05, True),
    "719": (0.08, False),
    "723": (0.05, True),
    "724": (0.07, True),
    "725": (0.04, True),
    "726": (0.03, True),
    "728": (0.03, True),
}
#: Who refers: specialty, its weight, and the service lines to which it sends most.
REFERRERS = (
    ("Family Medicine", 6, SERVICE_LINES),
    ("Internal Medicine", 4, SERVICE_LINES),
    ("Gynecology", 2, ("breast",)),
    ("Pulmonology", 2, ("lung",)),
    ("Urology", 2, ("urology",)),
    ("Gastroenterology", 2, ("surgical_oncology", "medical_oncology")),
    ("Otolaryngology", 1, ("radiation_oncology", "surgical_oncology")),
    ("Hospital Medicine", 1, ("haematology", "palliative", "medical_oncology")),
)
SPECIALTIES = {
    "medical_oncology": "Medical Oncology",
    "radiation_oncology": "Radiation Oncology",
    "surgical_oncology": "Surgical Oncology",
    "haematology": "Hematology",
    "breast": "Breast Surgery",
    "lung": "Thoracic Oncology",
    "urology": "Urologic Oncology",
    "palliative": "Palliative Medicine",
}
OWN_ORGANIZATION = "Cancer Institute"
ORGANIZATIONS = ("River Valley Clinic", "Ozark Medical Group", "Delta Health Partners", "Capital Physicians")
OUTSIDE_ORGANIZATIONS = ("Gateway University Hospital", "Mid-South Cancer Center", "Red River Oncology")

# Words in a string: a list would take a line for each.
GIVEN_NAMES = """
    Aaron Alice Amir Andrea Ángela Anjali Beatriz Benjamin Brian Carla Carmen Catherine Chen Claire Daniel David Diane
    Elena Emily Eric Fatima Felix François Grace Hannah Helen Henry Ines Isaac James Jane Javier Jürgen John José Julia
    Karen Kevin Laura Linda Lucía Marcus María Mark Mei Michael Miriam Mónica Nadia Nathan Nicole Noah Olivia Omar
    Patrick Paul Priya Rachel René Robert Rosa Ruth Samuel Sara Simon Sofía Steven Susan Thomas Tomás Victor Wei William
    Yusuf Zoë
""".split()  # noqa: SIM905
FAMILY_NAMES = """
    Adams Ahmed Allen Anderson Bailey Baker Bell Bennett Brooks Brown Campbell Carter Castañeda Chen Clark Collins
    Cooper Cox Cruz Davis Díaz Edwards Evans Fischer Flores Foster García González Grant Gray Green Guérin Gupta Hall
    Harris Hayes Hernández Hill Howard Hughes Jackson Jenkins Johnson Jones Kelly Khan Kim King Kowalski Lee Lewis Long
    López Martin Martínez Miller Mitchell Moore Morales Morgan Müller Murphy Myers Nelson Nguyen Núñez Ortiz Parker
    Patel Peña Perez Peterson Phillips Powell Price Ramírez Reed Reyes Rivera Roberts Robinson Rogers Ross Russell
    Sánchez Sanders Schäfer Scott Shah Simmons Singh Smith Stewart Sullivan Taylor Thomas Thompson Torres Turner Walker
    Ward Watson White Williams Wilson Wood Wright Yang Young
""".split()  # noqa: SIM905
