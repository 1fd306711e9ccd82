"""Which cells may be shown, so that no count from 1 to 10 can be worked out: pure arithmetic on small arrays.

Along an axis (providers, months, …) the cells divide the network's total. The hidden ones form one block, and all that
a reader can work out of them is the block's sum: the total less the cells that are shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: The smallest count of people that may be shown, zero aside (CMS cell-size policy).
SMALLEST_CELL = 11

Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cells:
    """What a family of columns tells of each cell of an axis.

    Attributes
    ----------
    counts
        Cells x classes: every count that can be read off the columns, remainders included.
    moves
        The same, less the counts of the release before.
    whole
        Classes that are a count by itself: a hidden one of them is known to be above zero.
    groups
        For each split its classes, and the cells whose whole, that these make up, is shown.
    open
        Cells that nothing else keeps hidden: their parents are shown, and the release before showed them.
    """

    counts: Counts
    moves: Counts
    whole: tuple[int, ...]
    groups: tuple[tuple[list[int], Flags], ...]
    open: Flags


def small(counts: Counts) -> Flags:
    """Whether a count, or a change of one, is from 1 to 10 in size."""
    found: Flags = (counts != 0) & (np.abs(counts) < SMALLEST_CELL)
    return found


def safe(cells: Cells) -> Flags:
    """Cells whose own counts and moves are all zero or above 10."""
    unsafe = small(cells.counts) | small(cells.moves)
    return np.asarray(~unsafe.any(axis=1), dtype=bool)


def protect(network: Cells | None, axes: Mapping[str, tuple[Cells, Cells | None]]) -> tuple[bool, dict[str, Flags]]:
    """Whether the network's total may be shown, and which cells of each axis.

    Parameters
    ----------
    network
        The total: one cell. None where the columns do not add up to one.
    axes
        For each axis its cells, and the total in the same classes.

    Returns
    -------
    tuple
        The total's flag, and flags by axis. The sum of what is hidden along an axis is then safe as well.
    """
    shown = {axis: cells.open & safe(cells) for axis, (cells, _) in axes.items()}
    total_shown = network is not None and bool((network.open & safe(network))[0])
    settled = False
    while not settled:
        settled = True
        for axis, (cells, total) in axes.items():
            while total is not None and (more := _to_hide(cells, total, shown[axis], total_shown)) is not None:
                if more.any():
                    shown[axis][_smallest(cells, more)] = False
                elif total_shown:
                    # Nothing is left that could cover for the block: then its sum must not be known.
                    total_shown, settled = False, False
                    break
                else:
                    break
    return total_shown, shown


def _to_hide(cells: Cells, total: Cells, shown: Flags, total_shown: bool) -> Flags | None:
    """Shown cells of which one must be hidden as well; None where what is hidden is safe."""
    hidden = total.counts[0] - cells.counts[shown].sum(axis=0)
    if not total_shown:
        return _to_keep_the_total(cells, total, shown, hidden)
    moved = total.moves[0] - cells.moves[shown].sum(axis=0)
    risky = small(hidden)
    for one in cells.whole:
        counts = cells.counts[~shown, one]
        few, sum_ = int((counts > 0).sum()), int(counts.sum())
        # Hidden counts are known to be at least 1 and may be guessed to be at most 10: then these sums tell them all.
        risky[one] |= few > 0 and sum_ in (few, few * (SMALLEST_CELL - 1))
    for group, known in cells.groups:
        # Where all of a block is of one class, each cell's count of it is the cell's whole.
        restless = ~shown & known & small(cells.moves[:, group]).any(axis=1)
        if restless.any() and np.count_nonzero(hidden[group]) <= 1:
            risky[group] = True
    moving = small(moved)
    if not risky.any() and not moving.any():
        return None
    covers: Flags = (cells.counts[:, risky] != 0).any(axis=1) | (cells.moves[:, moving] != 0).any(axis=1)
    return shown & covers


def _to_keep_the_total(cells: Cells, total: Cells, shown: Flags, hidden: Counts) -> Flags | None:
    """Cells of which one must be hidden, so that the cells do not add up to a total that is hidden."""
    counts = total.counts[0]
    unsafe = (small(counts) | small(total.moves[0])) & (counts != 0)
    needed = unsafe if unsafe.any() else np.arange(counts.size) == np.argmax(counts)
    bare = needed & (hidden == 0) & (counts != 0)
    return shown & (cells.counts[:, bare] != 0).any(axis=1) if bare.any() else None


def _smallest(cells: Cells, candidates: Flags) -> int:
    rows = np.flatnonzero(candidates)
    return int(rows[np.argmin(np.abs(cells.counts[rows]).sum(axis=1))])
