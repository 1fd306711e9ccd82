"""Providers: who renders care in and out of network, who refers, and what the directory says of them."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from carti_lake.generate import codes, truths
from carti_lake.generate.calendar import NEVER, Window, number
from carti_lake.generate.draws import Flags, Floats, Ints, between, pick, stream
from carti_lake.generate.settings import Network
from carti_lake.generate.timeline import deliveries, in_order
from carti_lake.generate.values import label, to_date

#: Shares of the directory: rendering in network, rendering out of network; the others refer.
RENDERING, OUTSIDE = 0.40, 0.12
#: Share of referring providers who belong to no network.
OUTSIDERS = 0.15


@dataclass(frozen=True)
class Providers:
    """The directory and what each provider is like; a provider is a place (from 0) in every array.

    Attributes
    ----------
    listed
        One row per provider: ``provider``, ``npi``, ``name``, ``alias``, ``specialty``, ``line``, ``in_network``,
        ``organization``, ``zip3``.
    line
        Place of the provider's service line.
    in_network
        Whether the provider belongs to the network.
    volume
        Weight with which patients come to, or from, the provider.
    denial, charge
        Factors on the payer's denial probability and on charges.
    satisfaction
        Points added to the satisfaction of the provider's patients.
    rendering, outside, referring
        Service lines x providers: weights with which a referral is seen by, or comes from, a provider.
    """

    listed: pl.DataFrame
    line: Ints
    in_network: Flags
    volume: Floats
    denial: Floats
    charge: Floats
    satisfaction: Floats
    rendering: Floats
    outside: Floats
    referring: Floats


def npis(rng: np.random.Generator, count: int) -> list[str]:
    """Distinct National Provider Identifiers with their check digit (Luhn over 80840 and the number)."""
    body = rng.choice(100_000_000, count, replace=False) + 100_000_000
    digits = body[:, None] // 10 ** np.arange(8, -1, -1) % 10
    doubled = digits * 2
    counted = np.where(np.arange(9) % 2 == 0, doubled - 9 * (doubled > 9), digits)
    check = (10 - (24 + counted.sum(axis=1)) % 10) % 10
    return [str(npi) for npi in body * 10 + check]


def directory(network: Network) -> Providers:
    """Everyone in the directory of a network."""
    rng = stream(network.seed, "providers")
    count, lines = network.providers, len(codes.SERVICE_LINES)
    inside = max(lines, round(RENDERING * count))
    outside = max(2, round(OUTSIDE * count))
    place = np.arange(count)
    role = np.where(place < inside, 0, np.where(place < inside + outside, 1, 2))
    refers = role == 2

    # Every line is staffed once before the busiest lines get a second provider.
    wanted = [truth.referrals for truth in truths.LINES.values()]
    line = np.concatenate([np.arange(lines), pick(rng, wanted, count - lines)])
    leaking = codes.SERVICE_LINES.index(truths.LEAKING_LINE)
    line[inside] = leaking
    specialty = pick(rng, [weight for _, weight, _ in codes.REFERRERS], count)
    in_network = np.where(refers, rng.random(count) >= OUTSIDERS, role == 0).astype(bool)
    volume = rng.lognormal(0, 0.6, count)
    own = line == np.arange(lines)[:, None]
    sends = np.array([[name in favourites for name in codes.SERVICE_LINES] for _, _, favourites in codes.REFERRERS])
    focus = np.where(sends[specialty], lines / sends[specialty].sum(axis=1, keepdims=True), 0.05).T
    denial = rng.lognormal(0, truths.PROVIDER_DENIAL_SPREAD, count)

    given, family = _names(rng, count)
    unique = np.array([family.count(name) == 1 for name in family])
    credential = np.where(rng.random(count) < 0.8, "MD", "DO")
    listed = pl.DataFrame(
        {
            "provider": place,
            "npi": npis(rng, count),
            "given": given,
            "family": family,
            "credential": credential,
            "unique": unique,
            "line": line,
            "in_network": in_network,
            "specialty": [
                codes.REFERRERS[specialty[i]][0] if refers[i] else codes.SPECIALTIES[codes.SERVICE_LINES[line[i]]]
                for i in range(count)
            ],
            "organization": np.where(
                role == 0,
                codes.OWN_ORGANIZATION,
                np.where(
                    in_network,
                    np.array(codes.ORGANIZATIONS)[pick(rng, [4, 3, 2, 2], count)],
                    np.array(codes.OUTSIDE_ORGANIZATIONS)[pick(rng, [3, 2, 1], count)],
                ),
            ),
            "zip3": np.array(list(codes.ZIP3))[pick(rng, [share for share, _ in codes.ZIP3.values()], count)],
        }
    ).with_columns(name=pl.format("{} {}, {}", "given", "family", "credential"))
    return Providers(
        listed=listed,
        line=line,
        in_network=in_network,
        volume=volume,
        denial=denial,
        charge=rng.lognormal(0, truths.PROVIDER_CHARGE_SPREAD, count),
        satisfaction=rng.normal(0, truths.SATISFACTION_BETWEEN, count),
        rendering=np.where(own & (role == 0), volume, 0.0),
        outside=np.where(role == 1, volume * np.where(own, 6.0, 1.0), 0.0),
        referring=np.where(refers, volume * focus, 0.0),
    )


def _names(rng: np.random.Generator, count: int) -> tuple[list[str], list[str]]:
    """Distinct given and family names; past the lists' product, given names gain an initial."""
    product = len(codes.GIVEN_NAMES) * len(codes.FAMILY_NAMES)
    order = rng.permutation(product)
    chosen = order[np.arange(count) % product]
    initial = np.arange(count) // product
    given = [
        codes.GIVEN_NAMES[i % len(codes.GIVEN_NAMES)] + (f" {chr(64 + letter)}." if letter else "")
        for i, letter in zip(chosen, initial, strict=True)
    ]
    return given, [codes.FAMILY_NAMES[i // len(codes.GIVEN_NAMES)] for i in chosen]


def listing(network: Network, providers: Providers, window: Window) -> pl.DataFrame:
    """The directory's deliveries: the whole list at first, then newcomers, moves, and entries made by mistake."""
    rng = stream(network.seed, "directory")
    count = network.providers
    first = number(network.start)
    listed = np.full(count, first - 1)
    moved = np.where(rng.random(count) < 0.06, first + between(rng, (10, 80), count), NEVER)
    truth = providers.listed.with_columns(
        active_from=pl.Series(first - between(rng, (200, 6_000), count), dtype=pl.Int32),
        moves_to=pl.Series(np.array(codes.ORGANIZATIONS)[pick(rng, [1, 1, 1, 1], count)]),
    )
    # Some are entered a second time under a wrong number, and withdrawn when it is noticed.
    twice = rng.choice(count, max(1, count // 40), replace=False)
    mistake = truth[twice].with_columns(
        npi=pl.Series(npis(stream(network.seed, "mistaken npi"), len(twice))),
        unique=pl.lit(False),
    )
    entered = first + between(rng, (5, 40), len(twice))
    nobody = np.full(len(twice), NEVER)
    return pl.concat(
        [
            deliveries(truth, in_order(listed, moved), window, np.full(count, NEVER)),
            deliveries(
                mistake, in_order(entered, nobody), window, entered + between(rng, truths.WITHDRAWN_DAYS, len(twice))
            ),
        ]
    )


def delivered(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of the directory as the feed ``providers`` declares them."""
    inverted = pl.format(
        "{}, {} {}", pl.col("family").str.to_uppercase(), pl.col("given").str.to_uppercase(), "credential"
    )
    return rows.select(
        "npi",
        provider_name="name",
        aliases=pl.when("unique").then(pl.format("{}; Dr. {}", inverted, "family")).otherwise(inverted),
        specialty="specialty",
        service_line=label(codes.SERVICE_LINES, pl.col("line")),
        network_status=network_status(pl.col("in_network")),
        organization=pl.when(pl.col("step") == 1).then("moves_to").otherwise("organization"),
        zip3="zip3",
        active_from=to_date("active_from"),
        is_deleted="is_deleted",
    )


def network_status(in_network: pl.Expr) -> pl.Expr:
    """The label of a network status."""
    return pl.when(in_network).then(pl.lit("In network")).when(~in_network).then(pl.lit("Out of network"))


def named(providers: Providers, column: str, name: str, npi: str) -> dict[str, pl.Expr]:
    """Name and NPI columns of the provider in ``column``; null where it is -1."""
    place = pl.when(pl.col(column) >= 0).then(pl.col(column))
    return {
        name: label(providers.listed["name"], place),
        npi: label(providers.listed["npi"], place),
    }
