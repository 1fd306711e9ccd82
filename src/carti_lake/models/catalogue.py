"""Every model, by name."""

from carti_lake.models import denial, no_show, opportunity, readmission
from carti_lake.models.forecast.model import MODEL as FORECAST
from carti_lake.models.model import Model
from carti_lake.store.errors import LakeError

MODELS: dict[str, Model] = {
    model.name: model for model in (FORECAST, opportunity.MODEL, denial.MODEL, readmission.MODEL, no_show.MODEL)
}


class UnknownModelError(LakeError):
    """A name that no model has."""


def find_model(name: str) -> Model:
    """The model of that name."""
    if name not in MODELS:
        raise UnknownModelError(f"There is no model {name!r}. Models: {', '.join(MODELS)}.")
    return MODELS[name]
