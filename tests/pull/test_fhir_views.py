"""Views of SQL on FHIR over resources: what each part of a view makes of them, and what is refused by its name."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.pull.fhir.ndjson import scan, schema_of, told, type_of
from carti_lake.pull.secrets import SourceError
from carti_lake.pull.views.view import rows_of, view_of
from tests.pull.fhir_worlds import EXAMPLES, write_lines

PEOPLE = [
    {
        "resourceType": "Patient",
        "id": "a",
        "active": True,
        "multipleBirthInteger": 2,
        "name": [
            {"use": "official", "family": "Lee", "given": ["Ann", "B."]},
            {"use": "usual", "family": "Chan", "given": ["Annie"]},
        ],
        "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}],
        "managingOrganization": {"reference": "https://fhir.example/r4/Organization/o1/_history/2"},
        "generalPractitioner": [{"reference": "Practitioner/d1"}, {"reference": "Organization/o2"}],
        "extension": [{"url": "urn:sex", "valueCode": "F"}, {"url": "urn:years", "valueDecimal": 1.5}],
    },
    {"resourceType": "Patient", "id": "b", "active": False, "name": [{"use": "usual", "family": "Roe"}]},
    {"resourceType": "Patient", "id": "c", "deceasedBoolean": True},
]


def column(path: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": "x", "path": path, "type": kind, **more}


def made(tmp_path, *select: Any, resources: Any = PEOPLE, **more: Any) -> list[tuple[Any, ...]]:
    view = view_of({"resource": "Patient", "select": list(select), **more}, "people", "people.json")
    path = write_lines(tmp_path / "people.ndjson", *resources)
    resources = scan(path, schema_of(path, "people.ndjson", view.elements()))
    with told(path, "people.ndjson"):
        return sorted(rows_of(view, resources).collect(engine="streaming").rows(), key=str)


@pytest.mark.parametrize(
    ("path", "kind", "values"),
    [
        ("id", "id", ["a", "b", "c"]),
        ("getResourceKey()", "id", ["a", "b", "c"]),
        ("active", "boolean", [True, False, None]),
        ("active.not()", "boolean", [False, True, None]),
        ("active and id = 'a'", "boolean", [True, False, False]),
        ("active or id = 'c'", "boolean", [True, False, True]),
        ("active.exists() and (id != 'b')", "boolean", [True, False, False]),
        ("name.first().family", "string", ["Lee", "Roe", None]),
        ("name[1].family", "string", ["Chan", None, None]),
        ("name.where(use = 'official').family", "string", ["Lee", None, None]),
        ("name.where(given.where($this = 'B.').exists()).use", "code", ["official", None, None]),
        ("name.given.join('+')", "string", ["Ann+B.+Annie", "", ""]),
        ("name.exists(use = 'usual')", "boolean", [True, True, False]),
        ("name.empty()", "boolean", [False, False, True]),
        ("name.family = 'Roe'", "boolean", [False, True, None]),
        ("multipleBirth.ofType(integer) * 3 - 1", "integer", [5, None, None]),
        ("multipleBirth.ofType(integer) / 4", "decimal", [0.5, None, None]),
        ("multipleBirth.ofType(integer) / 0", "decimal", [None, None, None]),
        ("multipleBirth.ofType(integer) >= 2.0", "boolean", [True, None, None]),
        ("-multipleBirth.ofType(integer)", "integer", [-2, None, None]),
        ("deceased.ofType(boolean)", "boolean", [None, None, True]),
        ("extension('urn:sex').value.ofType(code).first()", "code", ["F", None, None]),
        ("extension.where(url = 'urn:years').value.ofType(decimal).first()", "decimal", [1.5, None, None]),
        ("managingOrganization.getReferenceKey(Organization)", "id", ["o1", None, None]),
        ("managingOrganization.getReferenceKey(Patient)", "id", [None, None, None]),
        ("generalPractitioner.getReferenceKey(Practitioner).first()", "id", ["d1", None, None]),
        ("'it''s'", "string", None),
        ("'it\\'s'", "string", ["it's"] * 3),
        ("%word", "string", ["Lee"] * 3),
        ("name.where(family = %word).given.first()", "string", ["Ann", None, None]),
        ("`name`.first().`family`", "string", ["Lee", "Roe", None]),
        ("nothing.of.the.kind", "string", [None, None, None]),
        ("%rowIndex", "integer", [0, 0, 0]),
    ],
)
def test_a_path_comes_to(tmp_path, path, kind, values):
    select = {"column": [{"name": "id", "path": "id"}, column(path, kind)]}
    constant = [{"name": "word", "valueString": "Lee"}]
    if values is None:
        with pytest.raises(SourceError):
            made(tmp_path, select, constant=constant)
    else:
        assert made(tmp_path, select, constant=constant) == list(zip("abc", values, strict=True))


def test_a_list_is_a_column_where_it_is_said(tmp_path):
    assert made(tmp_path, {"column": [column("name.family", collection=True)]}) == [
        (None,),
        (["Lee", "Chan"],),
        (["Roe"],),
    ]


def test_elements_become_rows(tmp_path):
    given = {"forEach": "name", "column": [{"name": "n", "path": "%rowIndex", "type": "integer"}, column("family")]}
    key = {"column": [{"name": "id", "path": "id"}]}
    named = [("a", 0, "Lee"), ("a", 1, "Chan"), ("b", 0, "Roe")]
    assert made(tmp_path, key, given) == named
    given["forEachOrNull"] = given.pop("forEach")
    assert made(tmp_path, key, given) == [*named, ("c", 0, None)]


def test_parts_side_by_side_are_every_combination_and_unions_one_after_the_other(tmp_path):
    names = {"forEach": "name", "column": [{"name": "family", "path": "family"}]}
    phones = {"forEachOrNull": "telecom", "column": [{"name": "phone", "path": "value"}]}
    assert made(tmp_path, names, phones) == [
        ("Chan", "1"),
        ("Chan", "2"),
        ("Lee", "1"),
        ("Lee", "2"),
        ("Roe", None),
    ]
    union = {
        "unionAll": [
            {"forEach": "name", "column": [column("family")]},
            {"forEach": "telecom", "column": [column("value")]},
        ]
    }
    assert made(tmp_path, union) == [("1",), ("2",), ("Chan",), ("Lee",), ("Roe",)]


def test_resources_are_chosen_by_where(tmp_path):
    ids = {"column": [{"name": "id", "path": "id"}]}
    assert made(tmp_path, ids, where=[{"path": "active"}]) == [("a",)]
    assert made(tmp_path, ids, where=[{"path": "name.exists()"}, {"path": "active = false"}]) == [("b",)]


def test_several_values_where_there_is_room_for_one_are_refused_without_them(tmp_path):
    with pytest.raises(SourceError, match=r"people\.ndjson: a resource has several values") as refused:
        made(tmp_path, {"column": [column("name.family")]})
    assert "Chan" not in str(refused.value)


@pytest.mark.parametrize(
    ("select", "said"),
    [
        ({"repeat": ["item"], "column": []}, r"select\[0\]: repeat is not supported"),
        ({"column": [column("name.count()")]}, r"column x: count\(\) with 0 arguments is not supported"),
        ({"column": [column("a | b")]}, r"select\[0\].column\[0\].path: the operator | is not supported"),
        ({"column": [column("a in b")]}, "the operator in is not supported"),
        ({"column": [column("@2026-01-01")]}, "a date as a literal is not supported"),
        ({"column": [column("{}")]}, "the empty collection {} is not supported"),
        ({"column": [column("$index")]}, r"variable other than \$this"),
        ({"column": [column("name.")]}, "no FHIRPath"),
        ({"column": [column("%nobody")]}, "there is no constant %nobody"),
        ({"column": [column("name.where(use)")]}, "a condition must be true or false"),
        ({"column": [column("name")]}, "an element with children"),
        ({"column": [column("active + 1")]}, "two kinds"),
        ({"column": [column("name.family", "integer")]}, "it is to be integer, and the resources hold String"),
        ({"column": [column("name.first().ofType(string)")]}, "right behind the name of an element"),
        ({"column": [column("name.getResourceKey()")]}, "of a resource only"),
        ({"column": [{"name": "1x", "path": "id"}]}, "must begin with a letter"),
        ({"column": [column("id"), column("id")]}, "two columns have the name x"),
        ({"column": [{**column("id"), "size": 3}]}, r"column\[0\]: size is not supported"),
        ({"forEach": "a", "forEachOrNull": "b"}, "exclude each other"),
        ({"unionAll": [{"column": [column("id")]}, {"column": [column("id", "integer")]}]}, "the same columns"),
        ({"column": "id"}, "column must be a list"),
    ],
)
def test_what_is_not_supported_is_refused_by_its_name(tmp_path, select, said):
    with pytest.raises(SourceError, match=said) as refused:
        made(tmp_path, select)
    assert str(refused.value).startswith("people.json")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([], "no ViewDefinition"),
        ({"resourceType": "Patient"}, "no ViewDefinition"),
        ({"select": []}, "resource must name"),
        ({"resource": "Patient"}, "select must be a list"),
        ({"resource": "Patient", "select": []}, "has nothing in it"),
        ({"resource": "Patient", "name": "a b", "select": [{"column": [column("id")]}]}, "name must begin"),
        ({"resource": "Patient", "select": [{"column": [column("id")]}], "constant": [{"name": "c"}]}, "one value"),
        ({"resource": "Patient", "select": [{"column": [column("id")]}], "where": [{"path": "'a'"}]}, "where"),
    ],
)
def test_a_view_that_is_none_is_refused(said, reason):
    with pytest.raises(SourceError, match=reason):
        view_of(said, "v", "v.json")


@pytest.mark.parametrize("path", sorted((EXAMPLES / "views").glob("*.json")), ids=lambda path: path.stem)
def test_the_examples_are_shareable_views(path):
    said = json.loads(path.read_text("utf-8"))
    view = view_of(said, path.stem, path.name)
    assert (view.name, said["url"].rpartition("/")[2], said["fhirVersion"]) == (path.stem, path.stem, ["4.0.1"])
    columns = [*said["select"][0]["column"], *(one for part in said["select"][1:] for one in part["column"])]
    assert all(one["type"] for one in columns)


codings = st.lists(
    st.fixed_dictionaries({"system": st.sampled_from("st")}, optional={"code": st.sampled_from("xyz")}), max_size=3
)
conditions = st.lists(
    st.fixed_dictionaries({}, optional={"coding": codings, "text": st.sampled_from("mn")}), max_size=3
)


@settings(max_examples=25)
@given(taken=st.lists(conditions, min_size=1, max_size=5))
def test_any_codings_are_told_apart_as_a_walk_through_the_resources_tells_them(tmp_path_factory, taken):
    """Beside a plain walk in Python: elements as rows, then one coding of each by its system."""
    resources = [
        {"resourceType": "Patient", "id": f"p{number}", **({"reason": one} if one else {})}
        for number, one in enumerate(taken)
    ]
    rows = made(
        tmp_path_factory.mktemp("any"),
        {"column": [{"name": "id", "path": "id"}]},
        {
            "forEachOrNull": "reason.where(coding.where(system = 's').exists() or text = 'm')",
            "column": [
                {"name": "code", "path": "coding.where(system = 's').code.first()"},
                {"name": "codes", "path": "coding.code", "collection": True},
                {"name": "n", "path": "%rowIndex", "type": "integer"},
            ],
        },
        resources=resources,
    )

    def walk(one: dict[str, Any]) -> list[tuple[Any, ...]]:
        kept = [
            reason
            for reason in one.get("reason", [])
            if any(coding["system"] == "s" for coding in reason.get("coding", [])) or reason.get("text") == "m"
        ]
        made = []
        for number, reason in enumerate(kept):
            codes = [c["code"] for c in reason.get("coding", []) if "code" in c]
            of_s = [c["code"] for c in reason.get("coding", []) if c["system"] == "s" and "code" in c]
            made.append((one["id"], of_s[0] if of_s else None, codes, number))
        return made or [(one["id"], None, [], 0)]

    expected = sorted((row for one in resources for row in walk(one)), key=str)
    assert sorted(((*row[:2], row[2] or [], row[3]) for row in rows), key=str) == expected


def test_a_file_of_two_types_is_refused(tmp_path):
    path = write_lines(tmp_path / "mixed.ndjson", *PEOPLE, {"resourceType": "Encounter", "id": "e"})
    with pytest.raises(SourceError, match=r"mixed.ndjson: holds Encounter, Patient"):
        type_of(path, "mixed.ndjson")
    assert type_of(write_lines(tmp_path / "none.ndjson"), "none.ndjson") == ""
