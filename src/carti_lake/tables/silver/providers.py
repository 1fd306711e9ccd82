"""The provider directory, and every way in which a source has named a provider."""

from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from carti_lake.tables import fields as f
from carti_lake.tables.checks import REPORT_ONLY, Finding, Thresholds, missing, repeated
from carti_lake.tables.feeds import ProvidersFeed
from carti_lake.tables.silver.entity import Entity
from carti_lake.tables.table import Table


class Providers(Entity, table="providers", feed=ProvidersFeed):
    """One row per provider of the directory."""

    # People change their names.
    thresholds: ClassVar[Mapping[str, Thresholds]] = {"npi|several_names": REPORT_ONLY}

    provider_id = f.provider_id("Provider", primary_key=True)
    npi = f.text("National Provider Identifier", code="npi")
    provider_name = f.text("Provider as displayed", nullable=False)
    aliases = f.text("Other spellings of the name, separated by semicolons")
    other_names = f.text("Other names under which the directory has had the NPI, normalised, separated by semicolons")
    specialty = f.text("Specialty")
    service_line = f.text("Main service line", code="slug")
    network_status = f.text("In or out of network", code="network_status")
    organization = f.text("Practice or hospital")
    zip3 = f.zip3("practice")
    active_from = f.day("First day in the directory")

    @classmethod
    def own_findings(cls) -> list[Finding]:
        """Providers without what matching and the referral flow need, and names that two of them bear."""
        return [
            missing("npi"),
            missing("network_status"),
            missing("service_line"),
            missing("specialty"),
            repeated("provider_name"),
            Finding(
                "npi|several_names",
                "conformance",
                "The directory has named several providers by the NPI, now or before; the others are aliases",
                failed=pl.col("other_names").is_not_null(),
                applies=pl.col("npi").is_not_null(),
            ),
        ]


class ProviderReferences(Table, layer="silver", table="provider_references"):
    """One row per spelling by which a source has named a provider, with whom we took it for."""

    thresholds: ClassVar[Mapping[str, Thresholds]] = {"reference_npi|several_names": REPORT_ONLY}

    reference_name = f.key("Name as delivered; empty where only an NPI was given")
    reference_npi = f.key("NPI; empty where only a name was given, or a number that is no NPI")
    name_key = f.text("Name without titles, credentials, case, accents and word order of `Last, First`")
    provider_id = f.provider_id("Provider")
    matched_by = f.text("npi, name, alias; `none` where the directory has no such provider", nullable=False)
    other_names = f.text("Other names that sources or the directory give the NPI, normalised, between semicolons")

    @classmethod
    def findings(cls) -> list[Finding]:
        """A number that stands for two people, or for one who has changed the name."""
        return [
            Finding(
                "reference_npi|several_names",
                "conformance",
                "Sources give the NPI with several names; it is taken for one provider",
                failed=pl.col("other_names").is_not_null(),
                applies=(pl.col("reference_npi") != "") & (pl.col("reference_name") != ""),
            )
        ]
