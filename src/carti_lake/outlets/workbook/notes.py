"""What a reader must know: how to read it, what is hidden, what still moves, where the models speak of themselves."""

from carti_lake.disclosure import Publication
from carti_lake.outlets.months import PROVISIONAL

READING = (
    "Every sheet shows the same audited release; `carti-lake query --release N` shows the same numbers.",
    "KPIs: the network as a whole, over the newest year (half-year, quarter, month) that is over and has one like it "
    "before it. Value, change and the number before speak of the same months: those that will not move any more, which "
    "stand beside the value; months that still move stand apart. Rates are sum over sum, never a mean of rates; both "
    "sums stand beside them. Blue is better, orange is worse, and the words say the same. A difference may be chance.",
    "Charts: drawn by Excel from the tables of the sheets, so that they follow a filter.",
    "The other sheets are one table each, with a name that formulas and pivot tables can use; Dictionary explains "
    "each column.",
    'Columns of an "original definition" repeat those of the original reports; the standard ones stand beside them.',
    f"{PROVISIONAL}; among the KPIs also where under 90 % of its referrals have an outcome. Rows of provisional months "
    "are hatched.",
    "Blank means: not delivered by any source, hidden by a rule that stands below, or a date before 1900, which Excel "
    "does not know.",
)


#: What the models say of themselves is for who checks them, and much.
MODELS = "Models: how good each is beside its baseline, and what to know of it, stands in model_metrics, column Note."


def notes(published: Publication) -> tuple[str, ...]:
    """Every sentence, in the order of the cover."""
    told = "model_metrics" in published.tables and published.tables["model_metrics"].height > 0
    return (*READING, *published.notes, *(MODELS,) * told)
