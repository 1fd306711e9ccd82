"""Claims: what a visit costs, what its payer allows, whether it is denied, when it is paid, and what is revised."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from carti_lake.generate import codes, truths
from carti_lake.generate.calendar import NEVER, number
from carti_lake.generate.draws import Flags, Floats, Ints, between, cents, chance, pick_within, waiting
from carti_lake.generate.providers import Providers

PAYERS = list(truths.PAYERS.values())
#: Revisions of an adjudicated claim.
NONE, OVERTURNED, CORRECTED, REVERSED = range(4)
REASONS = tuple(codes.DENIAL_REASONS)
#: Government payers' weights of the reasons first, then commercial ones.
_REASON_WEIGHTS: Floats = np.array(list(codes.DENIAL_REASONS.values())).T
_COMMERCIAL = np.array([name not in codes.GOVERNMENT for name in codes.PAYER_NAMES]).astype(np.int64)
#: Spread of charges within a procedure (standard deviation of the logarithm).
CHARGE_SPREAD = 0.18


@dataclass(frozen=True)
class Claims:
    """The claims of a month's visits, place by place; money in cents, days numbered.

    Attributes
    ----------
    charge, allowed, paid
        Billed, allowed by contract, and paid if it is paid.
    denied
        Denied at first.
    reason
        Place of the reason of a denial among :data:`REASONS`.
    submitted, adjudicated, revised
        Days; ``revised`` is NEVER for most.
    revision
        NONE, OVERTURNED, CORRECTED or REVERSED.
    permille
        Corrected charges in thousandths of the first ones.
    """

    charge: Ints
    allowed: Ints
    paid: Ints
    denied: Flags
    reason: Ints
    submitted: Ints
    adjudicated: Ints
    revised: Ints
    revision: Ints
    permille: Ints


def denial_probability(payer: Ints, line: Ints, provider: Ints, providers: Providers) -> Floats:
    """Probability that a claim is denied at first."""
    by_payer = np.array([truth.denial for truth in PAYERS])
    by_line = np.array([truth.denial for truth in truths.LINES.values()])
    usual = (by_payer[payer] * by_line[line] * providers.denial[provider]).clip(0, 0.9)
    return np.where(provider == truths.HIGH_DENIAL_PROVIDER, truths.HIGH_DENIAL, usual)


def under_rule(rule_from: date | None, payer: Ints, line: Ints, day: Ints) -> Flags:
    """Which visits need the authorisation that a payer asks for from a day on; none where there is no such rule."""
    if rule_from is None:
        return np.zeros(len(day), dtype=bool)
    ruled = np.isin(payer, [list(truths.PAYERS).index(one) for one in truths.RULE_PAYERS])
    ruled &= line == list(truths.LINES).index(truths.RULE_LINE)
    return np.asarray(ruled & (day >= number(rule_from)), dtype=bool)


def draw(
    rng: np.random.Generator,
    providers: Providers,
    price: Floats,
    payer: Ints,
    line: Ints,
    provider: Ints,
    day: Ints,
    ruled: Flags,
) -> Claims:
    """The claims of visits, given each visit's list price (dollars), payer, service line, provider and day.

    Those that are ``ruled`` are denied for want of authorisation, or answered as usual.
    """
    count = len(day)
    charge = cents(price * providers.charge[provider] * np.exp(rng.standard_normal(count) * CHARGE_SPREAD))
    contract = np.array([truth.allowed for truth in PAYERS])[payer] * (1 + rng.uniform(-0.08, 0.08, count))
    allowed = np.rint(charge * contract).astype(np.int64)
    unpaid = np.where(chance(rng, truths.PAID_IN_FULL, count), 0.0, rng.random(count) * truths.PATIENT_SHARE)
    usual = denial_probability(payer, line, provider, providers)
    denied = chance(rng, np.where(ruled, truths.RULE_DENIAL, usual), count)
    submitted = day + between(rng, (0, 4), count)
    adjudicated = submitted + 3 + waiting(rng, np.array([truth.days for truth in PAYERS])[payer] - 3, count, shape=4)
    fortune = rng.random(count)
    revision = np.where(
        denied,
        np.where((fortune < truths.OVERTURNED) & ~ruled, OVERTURNED, NONE),
        np.where(
            fortune < truths.CORRECTED,
            CORRECTED,
            np.where(fortune < truths.CORRECTED + truths.REVERSED, REVERSED, NONE),
        ),
    )
    return Claims(
        charge=charge,
        allowed=allowed,
        paid=np.rint(allowed * (1 - unpaid)).astype(np.int64),
        denied=denied,
        reason=np.where(
            ruled, REASONS.index(truths.RULE_REASON), pick_within(rng, _REASON_WEIGHTS, _COMMERCIAL[payer])
        ),
        submitted=submitted,
        adjudicated=adjudicated,
        revised=np.where(revision == NONE, NEVER, adjudicated + between(rng, truths.REVISED_AFTER, count)),
        revision=revision,
        permille=np.where(revision == CORRECTED, between(rng, (700, 1_150), count), 1_000),
    )
