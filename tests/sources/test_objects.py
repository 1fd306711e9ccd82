import json

import pytest

from .test_files import VISITS, as_ndjson, loaded, opened, refused, written

OBJECTS = [json.loads(line) for line in as_ndjson().splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(OBJECTS),
        json.dumps(OBJECTS, indent=2),
        "\ufeff" + json.dumps(OBJECTS, ensure_ascii=False),
        "\n".join(json.dumps(one, indent=1) for one in OBJECTS),
        json.dumps({"totalSize": 2, "done": True, "records": OBJECTS}),
        json.dumps({"meta": {"count": 2}, "data": OBJECTS, "errors": []}, indent=2),
        as_ndjson() + "\n\n",
    ],
    ids=["array", "pretty", "mark", "one after the other", "envelope", "pretty envelope", "lines"],
)
def test_objects_are_rows_however_they_stand(tmp_path, text):
    assert loaded(written(tmp_path / "v.json", text)).equals(loaded(written(tmp_path / "v.csv", VISITS)))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (json.dumps(OBJECTS)[:-40], "v.json, line 1: no JSON"),
        (json.dumps(OBJECTS, indent=1).replace(":", "", 1), "v.json, line 3: no JSON"),
        (json.dumps({"a": OBJECTS, "b": OBJECTS}), "lists of objects stand under a, b"),
        ("[1, 2]", "JSON, but no list of objects"),
        ("[]", "JSON, but no list of objects"),
        (as_ndjson().replace('"claim_paid"', '"claim_amount"'), 'line 1: an object has the key "claim_amount" twice'),
        (
            as_ndjson().replace('"claim_paid"', '"claim\\u005famount"'),
            'line 1: an object has the key "claim_amount" twice',
        ),
        (
            as_ndjson() + "\n" + as_ndjson().splitlines()[0].replace('"claim_paid"', '"claim_amount"'),
            'line 3: an object has the key "claim_amount" twice',
        ),
        (json.dumps(OBJECTS, indent=1).replace('"claim_paid"', '"claim_amount"'), 'the key "claim_amount" twice'),
    ],
)
def test_what_is_no_list_of_objects_is_refused(tmp_path, text, complaint):
    message = refused(written(tmp_path / "v.json", text))
    assert complaint in message
    assert "Brown" not in message


def test_a_key_may_come_again_in_a_nested_object(tmp_path):
    nested = [{**one, "lines": [{"code": 1}, {"code": 2}], "text": 'a "code": b'} for one in OBJECTS]
    rows = loaded(written(tmp_path / "v.json", "\n".join(json.dumps(one) for one in nested)))
    assert rows.height == 2
    assert '"lines":"[{' in rows["rescued"][0]


@pytest.mark.parametrize(
    ("envelope", "told"),
    [
        ({"done": False}, True),
        ({"last": False, "totalPages": 7}, True),
        ({"hasMore": True}, True),
        ({"has_more": "false", "next": None}, False),
        ({"@odata.nextLink": "https://ehr.example/visits?skip=2"}, True),
        ({"pagination": {"next_page": 2}}, True),
        ({"meta": {"total_count": len(OBJECTS) + 1}}, True),
        ({"meta": {"count": len(OBJECTS)}, "done": True, "last": "https://ehr.example/visits?page=1"}, False),
        ({"total": 1234.5}, False),
    ],
)
def test_one_page_of_several_is_told(tmp_path, envelope, told):
    path = written(tmp_path / "v.json", json.dumps({**envelope, "records": OBJECTS}))
    assert opened(path).notes == (("one page of several: load the others too",) if told else ())


def test_a_key_that_no_object_has_is_null(tmp_path):
    path = written(tmp_path / "v.json", as_ndjson())
    assert opened(path, mapping={"Plan": "payer"}).notes == ("the mapping names keys that no object has: Plan",)


def test_a_list_beside_single_values_is_its_text(tmp_path):
    mixed = [{**OBJECTS[0], "payer": ["Aetna", "Cigna"]}, {**OBJECTS[1], "payer": "Aetna", "extra": 1}]
    rows = loaded(written(tmp_path / "v.json", "\n".join(json.dumps(one) for one in mixed)))
    assert rows["payer"].to_list() == ['["Aetna", "Cigna"]', "Aetna"]
    assert rows["rescued"].to_list() == [None, '{"extra":"1"}']


@pytest.mark.parametrize("number", ["2.60331E+12", "1.23457e+11", "1E+21"])
def test_a_key_in_scientific_notation_is_refused_where_a_reader_would_make_it_whole(tmp_path, number):
    lines = as_ndjson().splitlines()
    lines[1] = json.dumps({**OBJECTS[1], "patient_id": 0}).replace('"patient_id": 0', f'"patient_id": {number}')
    refusal = refused(written(tmp_path / "v.json", "\n".join(lines)))
    assert 'v.json, line 2: "patient_id" is a number in scientific notation' in refusal
    assert loaded(written(tmp_path / "w.json", as_ndjson()))["patient_id"].null_count() == 0
