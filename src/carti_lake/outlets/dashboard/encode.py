"""Cubes as bytes: columns of whole numbers, byte by byte, so that they pack well and are read without parsing."""

import gzip
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from carti_lake.outlets.dashboard.cubes import Cube

Ints = npt.NDArray[np.int64]
#: What is kept of numbers with a fraction: the marts' money has four digits, and forecasts need no more.
DIGITS = 4


def encoded(cubes: Sequence[Cube], members: Mapping[str, Sequence[str]]) -> tuple[list[dict[str, Any]], str]:
    """The cubes' description, and their numbers.

    Parameters
    ----------
    cubes
        In the order of the page.
    members
        Of each axis its members; a cell holds their places.

    Returns
    -------
    tuple
        By cube ``name``, ``axes``, ``rows``, ``masked`` and ``columns``; of a column ``id``, ``at`` (first byte),
        ``width`` (bytes a number), ``least``, ``scale`` and ``gaps``; and base64 of the gzipped bytes.

        A number is ``(stored + least) / scale``, little end first, each byte of all rows together; with ``gaps``, zero
        stands for none and the others are one higher. Equal columns are stored once.
    """
    described, pieces, known, at = [], [], dict[bytes, int](), 0
    for cube in cubes:
        columns = []
        for name in cube.cells.columns:
            values = cube.cells[name]
            places = {member: place for place, member in enumerate(members[name])} if name in cube.axes else None
            numbers, scale = _whole(values) if places is None else (_places(values, places), 1)
            packed, column = _packed(numbers, values.is_null().to_numpy())
            if packed not in known:
                known[packed] = at
                pieces.append(packed)
                at += len(packed)
            columns.append({"id": name, "at": known[packed], "scale": scale, **column})
        about = {"name": cube.name, "axes": cube.axes, "rows": cube.cells.height, "masked": cube.masked}
        described.append({**about, "columns": columns})
    return described, b64encode(gzip.compress(b"".join(pieces), 9, mtime=0)).decode("ascii")


def _places(values: pl.Series, places: Mapping[Any, int]) -> Ints:
    if values.is_empty():
        return np.zeros(0, np.int64)
    return values.replace_strict(places, return_dtype=pl.Int64).to_numpy()


def _whole(values: pl.Series) -> tuple[Ints, int]:
    """The numbers times the least power of ten that makes them whole."""
    if values.dtype.is_integer() or values.dtype == pl.Null:
        return values.cast(pl.Int64).fill_null(0).to_numpy(), 1
    if values.dtype.is_decimal():
        scaled = (values.cast(pl.Decimal(38, DIGITS)) * 10**DIGITS).cast(pl.Int64)
    else:
        scaled = (values * 10**DIGITS).round().cast(pl.Int64)
    numbers, digits = scaled.fill_null(0).to_numpy(), DIGITS
    while digits and not (numbers % 10).any():
        numbers, digits = numbers // 10, digits - 1
    return numbers, int(10**digits)


def _packed(numbers: Ints, gaps: npt.NDArray[np.bool_]) -> tuple[bytes, dict[str, Any]]:
    least = int(numbers.min()) if numbers.size else 0
    some = bool(gaps.any())
    stored = np.where(gaps, 0, numbers - least + some)
    most = int(stored.max()) if stored.size else 0
    width = (most.bit_length() + 7) // 8
    packed = b"".join((stored >> 8 * byte & 255).astype(np.uint8).tobytes() for byte in range(width))
    return packed, {"width": width, "least": least, "gaps": some}
