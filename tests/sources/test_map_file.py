"""Maps as users write them."""

import json
from pathlib import Path

import pytest

from carti_lake.pipeline.reading import Hint
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.map_file import parse, read_mapping, source_map
from carti_lake.sources.mapping import NO_MAP, SourceMap

WHOLE = """
absent = ["payer"]
"Visit No" = "visit_id"

[constants]
claim_status = "paid"

[defaults]
null_words = ["NIL"]
date_order = "dmy"
decimal = ","
time_zone = "America/Chicago"

[columns.patient_id]
from = "subject.reference"
strip = "Patient/"

[columns.provider_name]
from = ["First", "Last"]

[columns.claim_amount]
from = "Cents"
scale = 0.01

[columns.is_deleted]
values = { "X" = true, "" = false }
"""


def test_a_whole_map_is_one_value(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(WHOLE)
    assert read_mapping(tmp_path / "map.toml") == SourceMap(
        headers={"Visit No": "visit_id"},
        hints={"claim_amount": Hint(scale=0.01), "is_deleted": Hint(values={"X": "true", "": "false"})},
        everywhere=Hint("dmy", ",", "America/Chicago", frozenset({"NIL"})),
        sources={
            "patient_id": ("subject.reference",),
            "provider_name": ("First", "Last"),
            "claim_amount": ("Cents",),
        },
        strip={"patient_id": "Patient/"},
        constants={"claim_status": "paid"},
        absent=frozenset({"payer"}),
    )


def test_the_same_map_said_otherwise_has_the_same_number() -> None:
    one = parse({"A": "visit_id", "absent": ["payer", "claim_id"], "columns": {"visit_date": {"from": "D"}}}, "a.toml")
    other = parse({"columns": {"visit_date": {"from": ["D"]}}, "absent": ["claim_id", "payer"], "A": "visit_id"}, "b")
    assert one.number() == other.number() != parse({"A": "claim_id"}, "a.toml").number()
    assert NO_MAP.number() == source_map(None).number() == 1
    assert json.loads(json.dumps(one.said())) == one.said()


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (
            {"column": {}},
            '"column" must name one column, as in "Billed amount" = "claim_amount"; did you mean "columns"',
        ),
        ({"columns": {"visit_date": {"form": "D"}}}, 'columns.visit_date has no "form"; did you mean "from"'),
        ({"columns": {"visit_date": "D"}}, "columns.visit_date must be a table"),
        ({"columns": {"visit_date": {"from": []}}}, "columns.visit_date.from is empty"),
        ({"defaults": {"scale": 2}}, 'defaults has no "scale"; it may be date_order, decimal, null_words, time_zone'),
        ({"defaults": {"date_order": "us"}}, 'defaults.date_order is "us"; it may be dmy, mdy, ymd'),
        ({"defaults": {"time_zone": "America/Chicgo"}}, 'did you mean "America/Chicago"'),
        ({"defaults": {"null_words": "NIL"}}, "defaults.null_words must be a list"),
        ({"columns": {"claim_amount": {"scale": 0}}}, "columns.claim_amount.scale must be a positive number"),
        ({"columns": {"claim_status": {"values": {"P": "paid", "p ": "denied"}}}}, 'gives "P" and "p " two meanings'),
        ({"constants": {"payer": ["a"]}}, "constants.payer must be one value"),
        ({"absent": [1]}, "absent must be a list of texts"),
        ({"D": "visit_date", "columns": {"visit_date": {"from": "Day"}}}, '"visit_date" comes from "D" and from'),
    ],
)
def test_what_is_wrong_is_named_with_the_nearest_right_word(said: dict[str, object], complaint: str) -> None:
    with pytest.raises(ExtractError) as error:
        parse(said, "map.toml")
    assert str(error.value).startswith("map.toml: ")
    assert complaint in str(error.value)
