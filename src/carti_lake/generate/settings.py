"""What a synthetic network is asked to be."""

from dataclasses import dataclass
from datetime import date, timedelta

#: Fewer than this cannot staff every service line, refer to it and compete with it.
FEWEST_PROVIDERS = 16
FEWEST_PATIENTS = 200


@dataclass(frozen=True)
class Network:
    """Settings of a synthetic cancer-care network; the same settings give the same extracts to the byte.

    Attributes
    ----------
    seed
        Any whole number from 0.
    providers
        Providers in the directory: rendering ones in and out of network, and referring ones.
    patients
        People who may be referred.
    start
        First extract date. Referrals, campaigns and opportunities reach back before it, as they would.
    days
        Days of extracts.
    visits_per_day
        Kept visits per calendar day, about: season, campaigns and chance move a short window by a tenth or so.
    dirt
        Share of delivered rows that are malformed, 0 to 1. The rows of a clean network still come late, twice,
        corrected and withdrawn.
    history
        Of those days, how many at the beginning are handed over as one extract a feed: its rows as they stood then.
    rule_from
        First day of service on which payers deny a service line's claims for want of authorisation
        (:data:`carti_lake.generate.truths.RULE_PAYERS` and those beside it); None for no such rule.
    """

    seed: int = 2026
    providers: int = 40
    patients: int = 6_000
    start: date = date(2026, 1, 1)
    days: int = 90
    visits_per_day: float = 250.0
    dirt: float = 0.02
    history: int = 0
    rule_from: date | None = None

    def __post_init__(self) -> None:
        wrong = [
            (self.seed < 0, f"seed is {self.seed}; give a whole number from 0"),
            (self.providers < FEWEST_PROVIDERS, f"providers is {self.providers}; give at least {FEWEST_PROVIDERS}"),
            (self.patients < FEWEST_PATIENTS, f"patients is {self.patients}; give at least {FEWEST_PATIENTS}"),
            (self.days < 1, f"days is {self.days}; give at least 1"),
            (not self.visits_per_day > 0, f"visits_per_day is {self.visits_per_day}; give a number above 0"),
            (not 0 <= self.history < self.days, f"history is {self.history}; give 0 to {self.days - 1} of its days"),
            (not 0 <= self.dirt <= 1, f"dirt is {self.dirt}; give a share from 0 to 1"),
        ]
        if faults := [text for bad, text in wrong if bad]:
            raise ValueError("The synthetic network cannot be made: " + "; ".join(faults) + ".")

    @property
    def end(self) -> date:
        """Last extract date."""
        return self.start + timedelta(days=self.days - 1)
