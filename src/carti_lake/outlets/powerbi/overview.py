"""The report's first page: key figures, how they changed, what still moves, and money by month."""

from collections.abc import Callable

from carti_lake.outlets.powerbi.fields import MONTH
from carti_lake.outlets.powerbi.layout import LOWER, UPPER, Page, cell, figures, page
from carti_lake.outlets.powerbi.measures import HEADLINES
from carti_lake.outlets.powerbi.visuals import Field, Visual


def overview(
    slicers: tuple[Field, ...],
    head: Callable[..., Field],
    by_month: Callable[[str], Field],
    visits_by_month: Visual,
    visits_by_line: Visual,
) -> Page:
    """The page, as the audience has its numbers.

    Parameters
    ----------
    slicers
        What may be chosen.
    head
        The field of a headline number by its metric, or of the part of it that follows: its change, what still moves.
    by_month
        The field of a metric that months tell apart.
    visits_by_month, visits_by_line
        What the audiences have in different detail.
    """
    return page(
        "overview",
        "Overview",
        slicers,
        figures(
            "Visits, charges, payments, referrals, leakage and denials, over the months that will not move any more.",
            *(head(name) for name in HEADLINES),
        ),
        visits_by_month,
        Visual(
            "changes",
            "cardVisual",
            cell(UPPER, 2, 3),
            "Changes of the key figures against the same months one period before.",
            {"Data": [head(name, ", change") for name in HEADLINES]},
            "Against the same months one period before",
        ),
        Visual(
            "still_moving",
            "cardVisual",
            cell(LOWER, 2, 3),
            "The key figures over the months that will still move: claims not answered yet, referrals still open.",
            {"Data": [head(name, ", still moving") for name in HEADLINES]},
            "Not in the key figures: months that still move",
        ),
        Visual(
            "money_by_month",
            "clusteredColumnChart",
            cell(LOWER, 0, 3),
            "Columns of gross charges and payments by month.",
            {"Category": [MONTH], "Y": [by_month("gross_charges"), by_month("payments")]},
            "Charges and payments by month",
        ),
        visits_by_line,
    )
