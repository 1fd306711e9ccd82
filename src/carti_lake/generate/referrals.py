"""Referrals: who sends whom to whom, and whether the patient arrives in network, elsewhere, or never."""

import numpy as np
import polars as pl

from carti_lake.generate import codes, demand, truths
from carti_lake.generate.appointments import missed
from carti_lake.generate.calendar import NEVER, Window, weekday
from carti_lake.generate.campaigns import campaign_id
from carti_lake.generate.draws import Ints, between, chance, pick_within, stream, waiting
from carti_lake.generate.opportunities import opportunity_id
from carti_lake.generate.patients import Patients, age_on, home, no_shows, patient_id
from carti_lake.generate.providers import Providers, named, network_status
from carti_lake.generate.settings import Network
from carti_lake.generate.timeline import deliveries, in_order, late
from carti_lake.generate.values import hundredths, label, to_date

#: What becomes of a referral.
NEVER_BOOKED, OUTSIDE, KEPT, MISSED, CALLED_OFF = range(5)
#: Referrals reach so many days back before the first extract: longer than nearly all episodes of care.
BEFORE = 180
#: An opportunity is credited with this share of its provider's referrals for its line, so many days after its start.
CREDITED, CREDITED_DAYS = 0.6, 150
#: Share of never booked referrals that were made by mistake and are withdrawn.
MISTAKEN = 0.08
#: Expected charges per visit of a referral (dollars), by which its value is estimated.
VALUE_PER_VISIT = 1_900.0
#: Cancer sites x service lines: how often the line sees the site.
SEEN = np.array(
    [[site.lines.get(line, codes.OTHER_SITE[line]) for line in codes.SERVICE_LINES] for site in codes.SITES.values()]
)


def draw(
    network: Network,
    providers: Providers,
    patients: Patients,
    campaigns: pl.DataFrame,
    opportunities: pl.DataFrame,
    days: Ints,
    first_number: int,
) -> pl.DataFrame:
    """The referrals made on some days, with all that becomes of them up to the first visit.

    Returns
    -------
    pl.DataFrame
        ``referral`` (number), ``patient``, ``referring``, ``rendering`` (providers), ``line``, ``campaign``,
        ``opportunity`` (-1: none), ``referred``, ``booked``, ``first_visit``, ``called_off``, ``settled`` (days, NEVER
        where it does not come to it), ``fate``, ``value`` (cents).
    """
    rng = stream(network.seed, "referrals", int(days[0]))
    referred, line, campaign = demand.arrivals(network, campaigns, days)
    count = len(referred)
    share = np.array([site.share for site in codes.SITES.values()])
    site = pick_within(rng, (SEEN * share[:, None]).T, line)
    patient = patients.by_site[patients.site_start[site] + (rng.random(count) * patients.site_size[site]).astype(int)]
    referring = pick_within(rng, providers.referring, line)
    out, mean_lag, never = (
        np.array([getattr(truth, name) for truth in truths.LINES.values()])[line]
        for name in ("out_of_network", "first_visit_lag", "never_booked")
    )
    out = out * np.where(providers.in_network[referring], 1.0, truths.OUTSIDER_LEAKAGE)
    out = (out * np.where(patients.remote[patient], truths.REMOTE_LEAKAGE, 1.0)).clip(0, 0.9)
    leaves = chance(rng, out, count)
    booked = referred + 1 + rng.poisson(2.0, count)
    lag = waiting(rng, mean_lag * np.where(patients.remote[patient], truths.REMOTE_LAG, 1.0), count)
    first_visit = _clinic_day(rng, booked + lag)

    called_off = chance(rng, truths.CANCELLED, count)
    no_show = missed(rng, first_visit - booked, no_shows(patients, patient), np.zeros(count, dtype=bool))
    fate = np.select(
        [chance(rng, never, count), leaves, called_off, no_show], [NEVER_BOOKED, OUTSIDE, CALLED_OFF, MISSED], KEPT
    )
    rendering = np.where(leaves, pick_within(rng, providers.outside, line), pick_within(rng, providers.rendering, line))
    call_day = booked + (rng.random(count) * (first_visit - booked)).astype(np.int64)
    after = between(rng, (10, 30), count)
    settled = np.select(
        [fate == NEVER_BOOKED, fate == OUTSIDE, fate == CALLED_OFF, fate == MISSED],
        # Letters from elsewhere come late; a patient who did not come is given up only after a while.
        [referred + 2 * after, first_visit + after, call_day + after, first_visit + after],
        first_visit + (after > 25),
    )
    visits = np.array([1 + truth.follow_ups for truth in truths.LINES.values()])[line]
    frame = pl.DataFrame(
        {
            "patient": patient,
            "referring": referring,
            "rendering": rendering,
            "line": line,
            "campaign": campaign,
            "referred": referred,
            "booked": np.where(fate == NEVER_BOOKED, NEVER, booked),
            "first_visit": np.where(fate == NEVER_BOOKED, NEVER, first_visit),
            "called_off": np.where(fate == CALLED_OFF, call_day, NEVER),
            "settled": settled,
            "fate": fate,
            "value": (np.rint(visits * VALUE_PER_VISIT * rng.lognormal(0, 0.35, count) / 100) * 10_000).astype(int),
        },
    ).with_columns(
        pl.exclude("value").cast(pl.Int32),
        opportunity=_opportunity(rng, referred, referring, line, opportunities),
    )
    # Nobody refers the dead.
    frame = frame.filter(pl.Series(patients.died[patient] >= NEVER))
    alive, visit = frame["patient"].to_numpy(), frame["first_visit"].to_numpy()
    np.maximum.at(patients.seen, alive, np.where(visit < NEVER, visit, 0))
    return frame.with_row_index("referral", first_number).with_columns(pl.col("referral").cast(pl.Int64))


def _clinic_day(rng: np.random.Generator, days: Ints) -> Ints:
    """The day itself, or from a weekend the next Monday or Tuesday."""
    to_monday = (7 - weekday(days)) % 7
    weekend = weekday(days) >= 5
    return days + np.where(weekend, to_monday + chance(rng, 0.5, len(days)), 0)


def _opportunity(
    rng: np.random.Generator, referred: Ints, referring: Ints, line: Ints, opportunities: pl.DataFrame
) -> pl.Series:
    """The newest opportunity with the referring provider for the line that still counts; -1 where there is none."""
    offered = opportunities.select("provider", "line", "created", "opportunity")
    asked = pl.DataFrame({"provider": referring, "line": line, "referred": referred})
    found = asked.join_asof(
        offered, left_on="referred", right_on="created", by=["provider", "line"], check_sortedness=False
    )
    counts = (pl.col("referred") - pl.col("created") <= CREDITED_DAYS) & pl.Series(chance(rng, CREDITED, len(referred)))
    return found.select(pl.when(counts).then("opportunity").otherwise(-1).cast(pl.Int32)).to_series()


def updates(network: Network, referrals: pl.DataFrame, window: Window, month: int) -> pl.DataFrame:
    """The referrals' deliveries: made, scheduled, completed or lost."""
    rng = stream(network.seed, "referral deliveries", month)
    referred, booked, settled, fate = (referrals[name].to_numpy() for name in ("referred", "booked", "settled", "fate"))
    known = late(rng, referred)
    scheduled = np.where(fate == OUTSIDE, NEVER, booked)
    mistaken = (fate == NEVER_BOOKED) & chance(rng, MISTAKEN, len(fate))
    gone = np.where(mistaken, known + between(rng, truths.WITHDRAWN_DAYS, len(fate)), NEVER)
    return deliveries(referrals, in_order(known, scheduled, settled), window, gone)


def delivered(rows: pl.DataFrame, providers: Providers, patients: Patients) -> pl.DataFrame:
    """Rows of referrals as the feed ``salesforce_referrals`` declares them."""
    over = pl.col("step") == 2
    seen = over & pl.col("fate").is_in([OUTSIDE, KEPT])
    status = (
        pl.when(seen)
        .then(pl.lit("Completed"))
        .when(over)
        .then(pl.lit("Lost"))
        .when(pl.col("step") == 1)
        .then(pl.lit("Scheduled"))
        .otherwise(pl.lit("New"))
    )
    return rows.select(
        referral_id=referral_id(),
        patient_id=patient_id(),
        patient_zip3=home(patients),
        patient_age=age_on(patients, "referred"),
        referral_date=to_date("referred"),
        **named(providers, "referring", "referring_provider_name", "referring_provider_npi"),
        **named(providers, "rendering", "rendering_provider_name", "rendering_provider_npi"),
        service_line=label(codes.SERVICE_LINES, pl.col("line")),
        network_status=pl.when(seen).then(network_status(pl.col("fate") == KEPT)),
        referral_status=status,
        first_visit_date=pl.when(seen).then(to_date("first_visit")),
        campaign_id=campaign_id(),
        opportunity_id=opportunity_id(),
        estimated_value=hundredths(pl.col("value")),
        is_deleted="is_deleted",
    )


def referral_id() -> pl.Expr:
    """The CRM's referral number."""
    return pl.format("R{}", pl.col("referral") + 100_000_000)
