"""The score interval of a proportion."""

from statistics import NormalDist

import polars as pl

CONFIDENCE = 0.95


def wilson(numerator: pl.Expr, n: pl.Expr, confidence: float = CONFIDENCE) -> tuple[pl.Expr, pl.Expr]:
    """Lower and upper end of Wilson's score interval, without continuity correction.

    E. B. Wilson, JASA 22 (1927) 209-212; method 3 of R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872.

    Parameters
    ----------
    numerator, n
        Successes and cases, ``0 <= numerator <= n``.
    confidence
        Two-sided, 0 to 1.

    Returns
    -------
    tuple[pl.Expr, pl.Expr]
        Shares from 0 to 1; null where there are no cases.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    k, cases = numerator.cast(pl.Float64), pl.when(n > 0).then(n).cast(pl.Float64)
    middle, width = 2 * k + z * z, z * (z * z + 4 * k * (cases - k) / cases).sqrt()
    whole = 2 * (cases + z * z)
    # At the ends the two parts cancel exactly on paper, and almost in doubles.
    lower = pl.when(k > 0).then((middle - width) / whole).when(cases > 0).then(0.0)
    upper = pl.when(k < cases).then((middle + width) / whole).when(cases > 0).then(1.0)
    return lower, upper
