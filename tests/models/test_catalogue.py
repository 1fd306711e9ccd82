"""What every model says of itself holds: its tables exist, nobody else fills them, and they are made in order."""

from collections import Counter
from datetime import date

import polars as pl
import pytest

from carti_lake.models.catalogue import MODELS, UnknownModelError, find_model
from carti_lake.models.model import Known
from carti_lake.pipeline.fingerprint import code
from carti_lake.pipeline.mart import Mart
from carti_lake.pipeline.marts import MARTS
from carti_lake.pipeline.silver.readable import readable
from carti_lake.runner.scores import MODEL, in_order
from carti_lake.tables import GOLD, TABLES
from tests.equality import assert_same
from tests.worlds.known import KNOWS_NOTHING

EACH = pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))


def test_a_model_is_found_by_its_name():
    assert [find_model(name).name for name in MODELS] == list(MODELS)


def test_a_name_that_no_model_has_is_told_with_those_that_there_are():
    with pytest.raises(UnknownModelError, match=rf"There is no model 'noshow'\. Models: {', '.join(MODELS)}\."):
        find_model("noshow")


@EACH
def test_a_model_says_what_it_is_for_and_what_not_and_what_it_needs(model):
    assert model.title and model.needs
    assert "not for" in model.purpose.lower()
    assert model.retrain.days > 0 and model.retrain.growth > 0


@EACH
def test_its_tables_are_declared(model):
    assert set(model.inputs) <= set(TABLES)
    assert {table.full_name() for table in model.fills} <= {table.full_name() for table in GOLD.values()}
    # Bronze is as delivered: nobody has found patients and providers in it.
    assert not [name for name in model.inputs if name.startswith(("bronze", "quarantine"))]


def test_a_table_that_several_models_fill_tells_their_rows_apart():
    fillers = Counter(table for model in MODELS.values() for table in model.fills)
    assert [table for table, count in fillers.items() if count > 1 and MODEL not in table.key()] == []
    made = {table for mart in MARTS for table in mart.tables}
    assert not made & set(fillers)


def test_what_a_model_reads_and_what_reads_it_are_made_in_that_order():
    ready = {name for name in TABLES if not name.startswith("gold.")} | {"gold.reconciliation"}
    for step in in_order(MARTS, MODELS.values()):
        assert set(step.inputs) <= ready
        ready |= {table.full_name() for table in (step.tables if isinstance(step, Mart) else step.fills)}


@EACH
def test_its_code_is_watched(model):
    watched = {module.__name__ for module in code(model.module)}
    assert {model.module, model.score.__module__, model.train.__module__} <= watched


@EACH
def test_an_empty_lake_has_no_scores_and_their_tables_shape(model):
    tables = {}
    for name in model.inputs:
        declared = TABLES[name]
        tables[name] = readable(declared, pl.LazyFrame(schema=(declared.view_of or declared).dtypes()))
    # Forecasts want an artifact of their own kind; without one they have no rows either.
    artifact = None if model.keeps else KNOWS_NOTHING
    made = model.score(Known(date(2026, 3, 1), None, tables), artifact, "v")
    assert len(made) == len(model.fills)
    for table, rows in zip(model.fills, made, strict=True):
        assert_same({"scores": rows.collect()}, {"scores": pl.DataFrame(schema=table.dtypes())})
