"""The network as its months pass: who is in it, what is arranged, and what waits to be delivered."""

from collections.abc import Collection

import polars as pl

from carti_lake.generate import (
    appointments,
    campaigns,
    crm,
    encounters,
    medications,
    opportunities,
    referrals,
    visits,
)
from carti_lake.generate.calendar import Window
from carti_lake.generate.draws import Ints, stream
from carti_lake.generate.patients import begin_month, population
from carti_lake.generate.providers import directory, listing
from carti_lake.generate.settings import Network
from carti_lake.generate.timeline import Later


class World:
    """A network that lives month by month; each month's draws are its own, so no month is made twice.

    Parameters
    ----------
    network
        Settings.
    window
        The extracts.
    feeds
        Feeds whose deliveries are kept; the others' nouns happen all the same.
    """

    def __init__(self, network: Network, window: Window, feeds: Collection[str]) -> None:
        self._network, self._window = network, window
        self.providers, self.patients = directory(network), population(network)
        self._campaigns = campaigns.draw(network)
        self._opportunities = opportunities.draw(network, self.providers, self._campaigns)
        self._arranged = Later()
        self._waiting = {feed: Later() for feed in feeds}
        self._made = dict.fromkeys(("referral", "appointment", "visit", "encounter", "medication"), 0)
        self._keep("providers", listing(network, self.providers, window))
        self._keep("salesforce_campaigns", campaigns.updates(self._campaigns, window))
        self._keep("salesforce_opportunities", opportunities.updates(network, self._opportunities, window))
        self._keep(
            "salesforce_crm", crm.snapshots(network, self.providers, self._campaigns, self._opportunities, window)
        )

    def live(self, days: Ints) -> None:
        """Let the days of one month happen."""
        begin_month(self.patients)
        self._refer(days)
        due = self._arranged.take(int(days[0]))
        if due is not None:
            self._treat(due, int(days[0]))

    def due(self, feed: str, day: int) -> pl.DataFrame | None:
        """The deliveries of a feed that wait for the month of a day."""
        return self._waiting[feed].take(day)

    def _keep(self, feed: str, deliveries: pl.DataFrame) -> None:
        if feed in self._waiting:
            self._waiting[feed].put(deliveries, "extract")

    def _refer(self, days: Ints) -> None:
        network, window, month = self._network, self._window, int(days[0])
        made = referrals.draw(
            network,
            self.providers,
            self.patients,
            self._campaigns,
            self._opportunities,
            days,
            self._made["referral"],
        )
        self._made["referral"] += len(made)
        if "salesforce_referrals" in self._waiting:
            self._keep("salesforce_referrals", referrals.updates(network, made, window, month))

        arranged = appointments.arranged(network, self.providers, made.filter(pl.col("fate") >= referrals.KEPT), month)
        arranged = arranged.filter(pl.col("day") >= window.first).with_row_index(
            "appointment", self._made["appointment"]
        )
        self._made["appointment"] += len(arranged)
        if "ehr_appointments" in self._waiting:
            cancelled = arranged.filter(pl.col("outcome") == appointments.CANCELLED)
            rng = stream(network.seed, "cancelled appointments", month)
            self._keep("ehr_appointments", appointments.bookings(arranged, window))
            self._keep("ehr_appointments", appointments.endings(rng, cancelled, window))
        stand = (pl.col("outcome") != appointments.CANCELLED) & (pl.col("day") <= window.last)
        self._arranged.put(arranged.filter(stand), "day")

    def _treat(self, due: pl.DataFrame, month: int) -> None:
        network, window = self._network, self._window
        stays = encounters.draw(network, self.providers, self.patients, due, month, self._made["encounter"])
        self._made["encounter"] += len(stays)
        self._keep("sg2_patient_flow", encounters.updates(network, stays, window, month))

        settled = appointments.settle(network, self.patients, due, month, self._made["visit"])
        if "ehr_appointments" in self._waiting:
            rng = stream(network.seed, "settled appointments", month)
            self._keep("ehr_appointments", appointments.endings(rng, settled, window))
        kept = settled.filter(pl.col("outcome") == appointments.COMPLETED)
        self._made["visit"] += len(kept)
        if not {"ehr_visits", "ehr_medications"} & set(self._waiting):
            return
        made = visits.draw(network, self.providers, self.patients, kept, month)
        self._keep("ehr_visits", visits.updates(network, made, window, month))
        if "ehr_medications" in self._waiting:
            orders = medications.draw(network, made, month, self._made["medication"])
            self._made["medication"] += len(orders)
            self._keep("ehr_medications", medications.updates(network, orders, window, month))
