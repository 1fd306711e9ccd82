"""Seeded draws: a stream of random numbers per noun and month, so that no noun's draws depend on another's."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def stream(seed: int, noun: str, month: int = 0) -> np.random.Generator:
    """Random numbers for one noun of one month; ``month`` is any number from 0."""
    return np.random.default_rng([seed, crc32(noun.encode()), month])


def chance(rng: np.random.Generator, probability: float | Floats, size: int) -> Flags:
    """True with the given probability, row by row."""
    return rng.random(size) < probability


def between(rng: np.random.Generator, bounds: tuple[int, int], size: int) -> Ints:
    """Whole numbers from the lower to the upper bound, both included."""
    return rng.integers(bounds[0], bounds[1] + 1, size)


def pick(rng: np.random.Generator, weights: Sequence[float], size: int) -> Ints:
    """Places (from 0) drawn by weight."""
    return pick_within(rng, np.asarray([weights], dtype=float), np.zeros(size, dtype=np.int64))


def pick_within(rng: np.random.Generator, weights: Floats, group: Ints) -> Ints:
    """Places drawn by the weights of each row's group.

    Parameters
    ----------
    rng
        Stream to draw from.
    weights
        Groups x places; every group has a positive weight.
    group
        Group of each row.
    """
    cumulative = np.cumsum(weights, axis=1)
    # One sorted line of all groups' shares, each group one unit long: a single search serves every row.
    shares = (cumulative / cumulative[:, -1:] + np.arange(len(weights))[:, None]).ravel()
    found = np.searchsorted(shares, group + rng.random(len(group)), side="right")
    places: Ints = np.minimum(found - group * weights.shape[1], weights.shape[1] - 1)
    return places


def waiting(rng: np.random.Generator, mean: float | Floats, size: int, shape: float = 2.0) -> Ints:
    """Whole days of waiting with the given mean, skewed to the right."""
    return np.rint(rng.standard_gamma(shape, size) * (mean / shape)).astype(np.int64)


def cents(dollars: Floats) -> Ints:
    """Dollars as whole cents."""
    return np.rint(dollars * 100).astype(np.int64)
