"""What the model calls things: words for people instead of gold's names, and ids that stay the same."""

import uuid

from carti_lake.outlets.published.star import AXIS_FACTS, DIMENSIONS, FACTS

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "powerbi.carti-lake")
_ACRONYMS = {"npi": "NPI", "roi": "ROI", "id": "ID"}

#: Ends the name of a hidden column that measures sum: a measure and a column of one table must not share a name.
BASE = " Base"
DATE, RELEASE, SECURITY = "Date", "Release", "Security Map"

#: The model's tables by the published ones.
TABLES: dict[str, str] = {"dim_date": DATE, "release": RELEASE, "security_map": SECURITY}


def words(name: str) -> str:
    """A name in words: ``marketing_roi`` as ``Marketing ROI``."""
    return " ".join(_ACRONYMS.get(word, word.capitalize()) for word in name.split("_"))


TABLES |= {one.name: words(one.title.replace(" ", "_")) for one in DIMENSIONS}
TABLES |= {one.name: words(one.name) for one in (*FACTS, *AXIS_FACTS)}
#: Facts that stand in figures beside others alone, which have no line of their own for a reason.
_BESIDE = ("claims_aged", "claims_maturity", "provider_summary", "readmissions")
#: By table of facts: the measure that says why nothing of it is shown.
WHY_EMPTY = {TABLES[one.name]: f"Why No {TABLES[one.name]}" for one in FACTS if one.name not in _BESIDE}
#: As well, of the network along one axis: or why a number of it is blank.
WHY_BLANK = {TABLES[one.name]: f"Why Blank in {TABLES[one.name]}" for one in AXIS_FACTS}
#: Second copies of a dimension that facts name twice, by the role of the member: ``Rendering Provider``.
ROLE_TABLES = {
    way.role: words(way.role.replace(" ", "_")) for one in FACTS for way in one.references if way.role is not None
}

#: Published columns whose own words would say too little, or what another column says.
_COLUMNS = {
    ("dim_date", "month"): "Month Start",
    ("dim_date", "month_name"): "Month",
    ("dim_date", "month_of_year"): "Month Number",
    ("dim_date", "quarter_name"): "Quarter",
    ("dim_provider", "service_line"): "Main Service Line",
    ("dim_campaign", "status"): "Campaign Status",
}
_LABELS = {(one.name, one.label): TABLES[one.name] for one in DIMENSIONS}
_NUMBERS = {(one.name, name) for one in (*FACTS, *AXIS_FACTS) for name in one.numbers}
#: Gold's columns that a fact has as a key, or under another name.
_KEYS = {
    **{(one.name, name): way.key for one in (*FACTS, *AXIS_FACTS) for way in one.references for name in way.columns},
    **{(one.name, one.month): "month" for one in (*FACTS, *AXIS_FACTS) if one.month},
}


def column_name(table: str, column: str) -> str:
    """The model's name of a published column."""
    if (table, column) in _NUMBERS:
        return words(column) + BASE
    return _LABELS.get((table, column)) or _COLUMNS.get((table, column)) or words(column.removesuffix("_title"))


def in_model(table: str, column: str) -> str:
    """How DAX of the model names a column of gold: ``'Claims Monthly'[Payments Base]``."""
    return f"'{TABLES[table]}'[{column_name(table, _KEYS.get((table, column), column))}]"


def stable_id(*path: str) -> str:
    """A GUID that the path alone decides, so that generating again gives no difference."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(path)))
