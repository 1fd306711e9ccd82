"""The models that were trained: one row per training, the newest of a model is the current one."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.table import Table


class TrainedModels(Table, layer="", table="models"):
    """Trainings of the models: from which release, with what, how good, and the hash of the file.

    A version stands here again where more data, or another seed in between, gives the same model.
    """

    model = f.key("Model")
    version = f.key("First 12 digits of the file's SHA-256")
    trained_at = dy.Datetime(time_unit="us", time_zone="UTC", primary_key=True, description="When it was trained")
    number = dy.Int64(nullable=True, description="Place among all trainings, by their commits; null of older ones")
    data_release = dy.Int64(description="Release that it was trained on")
    data_as_of = f.day("Newest extract date of that release", nullable=False)
    input_rows = f.count("Rows of its input tables in that release")
    rows = f.count("Examples that it was fitted on")
    seed = dy.Int64(description="Seed of its randomness")
    file = f.text("File of the model, from the lake's folder", nullable=False)
    sha256 = f.text("SHA-256 of the file", nullable=False)
    parameters = f.text("Hyper-parameters and choices, as JSON", nullable=False)
    libraries = f.text("Versions of the libraries that made it, as JSON", nullable=False)
    served = f.flag("Whether runs score with it: better than its baseline by the whole interval; null of older ones")
    reason = f.text("Why it is not served")
    evaluation = f.text("Errors on held-out rows, the baselines' beside the model's, as JSON", nullable=False)
    curves = f.text("Rows of the card's charts, as JSON", nullable=False)
