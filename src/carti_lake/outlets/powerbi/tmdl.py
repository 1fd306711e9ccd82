"""The model in TMDL, as Microsoft's own serializer writes it: one tab per level, a blank line after each object."""

import re
from collections.abc import Iterator

import polars as pl

from carti_lake.outlets.powerbi.measures import Measure
from carti_lake.outlets.powerbi.model import Column, Hierarchy, Model, Relationship, Role, Table
from carti_lake.outlets.powerbi.names import DATE, stable_id

#: Type of a column in TMDL, and in M.
TYPES: dict[type[pl.DataType], tuple[str, str]] = {
    pl.Int64: ("int64", "Int64.Type"),
    pl.Decimal: ("decimal", "Currency.Type"),
    pl.Float64: ("double", "type number"),
    pl.Date: ("dateTime", "type date"),
    pl.String: ("string", "type text"),
    pl.Boolean: ("boolean", "type logical"),
}
CULTURE = "en-US"
PARAMETER, READER = "LakeFolder", "PublishedTable"

#: Reads a table of the current set. Folder.Files is the only source, so that a gateway has one folder to be given.
_READER_M = """\
let
	Load = (TableName as text) as table =>
		let
			Files = Folder.Files(LakeFolder),
			Manifest = Json.Document(Files{[Name = "_manifest.json"]}[Content]),
			Parts = Table.SelectRows(
				Files,
				each [Name] = TableName & ".parquet"
					and Text.EndsWith(Text.Replace([Folder Path], "/", "\\"), "\\" & Manifest[set] & "\\")
			),
			Result =
				if Table.IsEmpty(Parts) then
					error Error.Record(
						"CartiLake.TableNotPublished",
						"The current set under LakeFolder has no such table. "
							& "The model reads those of one audience: carti-lake publish --for @AUDIENCE@",
						TableName
					)
				else
					Parquet.Document(Parts{0}[Content])
		in
			Result
in
	Load"""


def quoted(name: str) -> str:
    """A name as TMDL writes it: bare where it is one plain word."""
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else "'" + name.replace("'", "''") + "'"


def model_files(model: Model, folder: str) -> dict[str, str]:
    """Texts of the model by path within ``definition``; ``folder`` is the default of ``LakeFolder``."""
    files = {
        "database.tmdl": "database\n\tcompatibilityLevel: 1601\n\n",
        "model.tmdl": _model(model),
        "expressions.tmdl": _expressions(folder, model.audience),
        "relationships.tmdl": "".join(map(_relationship, model.relationships)),
        f"cultures/{CULTURE}.tmdl": _culture(),
    }
    files |= {f"tables/{table.name}.tmdl": _table(table) for table in model.tables}
    return files | {f"roles/{role.name}.tmdl": _role(role) for role in model.roles}


def _model(model: Model) -> str:
    order = ",".join(f'"{name}"' for name in (PARAMETER, READER, *(table.name for table in model.tables)))
    return "\n".join(
        (
            f"/// {model.description}",
            "model Model",
            f"\tculture: {CULTURE}",
            "\tdefaultPowerBIDataSourceVersion: powerBI_V3",
            "\tdiscourageImplicitMeasures",
            f"\tsourceQueryCulture: {CULTURE}",
            "\tdataAccessOptions",
            "\t\tlegacyRedirects",
            "\t\treturnErrorValuesAsNull",
            "",
            "annotation __PBI_TimeIntelligenceEnabled = 0",
            "",
            f"annotation PBI_QueryOrder = [{order}]",
            "",
            'annotation PBI_ProTooling = ["DevMode"]',
            "",
            *(f"ref table {quoted(table.name)}" for table in model.tables),
            "",
            *(f"ref role {quoted(role.name)}" for role in model.roles),
            "",
            f"ref cultureInfo {CULTURE}",
            "",
            "",
        )
    )


def _expressions(folder: str, audience: str) -> str:
    value = folder.replace('"', '""')
    meta = 'meta [IsParameterQuery=true, Type="Text", IsParameterQueryRequired=true]'
    return "\n".join(
        (
            "/// Folder that carti-lake publishes to: the one with _manifest.json. Local, UNC, or a mapped drive; no "
            "separator at its end.",
            f'expression {PARAMETER} = "{value}" {meta}',
            f"\tlineageTag: {stable_id('expression', PARAMETER)}",
            "",
            "\tannotation PBI_NavigationStepName = Navigation",
            "",
            "\tannotation PBI_ResultType = Text",
            "",
            "/// Reads one table of the set that the manifest names; an absent table is an error, never an empty one.",
            f"expression {READER} =",
            *(f"\t\t{line}" for line in _READER_M.replace("@AUDIENCE@", audience).splitlines()),
            f"\tlineageTag: {stable_id('expression', READER)}",
            "",
            "\tannotation PBI_NavigationStepName = Navigation",
            "",
            "\tannotation PBI_ResultType = Function",
            "",
            "",
        )
    )


def _relationship(one: Relationship) -> str:
    (table, column), (to, key) = one.many, one.one
    name = stable_id("relationship", table, column, to, key)
    ends = f"\tfromColumn: {quoted(table)}.{quoted(column)}\n\ttoColumn: {quoted(to)}.{quoted(key)}\n"
    return f"relationship {name}\n{ends}\n"


def _culture() -> str:
    metadata = ("{", '  "Version": "1.0.0",', f'  "Language": "{CULTURE}"', "}")
    lines = (f"cultureInfo {CULTURE}", "", "\tlinguisticMetadata =", *(f"\t\t\t{line}" for line in metadata))
    return "\n".join((*lines, "\t\tcontentType: json", "", ""))


def _role(one: Role) -> str:
    lines = [f"/// {one.description}", f"role {quoted(one.name)}", "\tmodelPermission: read", ""]
    for table, condition in one.permissions.items():
        lines += [f"\ttablePermission {quoted(table)} = {condition}", ""]
    lines += [f"\tannotation PBI_Id = {stable_id('role', one.name).replace('-', '')}", "", ""]
    return "\n".join(lines)


def _table(table: Table) -> str:
    lines = [f"/// {table.description}", f"table {quoted(table.name)}"]
    lines += ["\tisHidden"] if table.hidden else []
    lines += [f"\tlineageTag: {stable_id('table', table.name)}"]
    lines += ["\tdataCategory: Time"] if table.name == DATE else []
    lines += [""]
    for measure in table.measures:
        lines += [*_measure(measure), ""]
    for column in table.columns:
        lines += [*_column(table, column), ""]
    for hierarchy in table.hierarchies:
        lines += [*_hierarchy(table, hierarchy)]
    lines += [*_partition(table), ""]
    lines += [*_ignored("\t", table.ignored_rule)]
    lines += ["\tannotation PBI_NavigationStepName = Navigation", "", "\tannotation PBI_ResultType = Table", "", ""]
    return "\n".join(lines)


def _measure(one: Measure) -> Iterator[str]:
    yield f"\t/// {one.description}"
    steps = re.split(r" (?=VAR |RETURN )", one.expression)
    yield f"\tmeasure {quoted(one.name)} ={f' {steps[0]}' if len(steps) == 1 else ''}"
    yield from (f"\t\t\t{step}" for step in steps if steps[1:])
    yield f"\t\tformatString: {one.format}"
    yield f"\t\tdisplayFolder: {one.folder}"
    yield f"\t\tlineageTag: {stable_id('measure', one.table, one.name)}"


def _column(table: Table, one: Column) -> Iterator[str]:
    yield f"\t/// {one.description}"
    yield f"\tcolumn {quoted(one.name)}"
    yield f"\t\tdataType: {TYPES[one.dtype.base_type()][0]}"
    if one.hidden:
        yield "\t\tisHidden"
    if one.key:
        yield "\t\tisKey"
    if one.format:
        yield f"\t\tformatString: {one.format}"
    if not one.in_mdx:
        yield "\t\tisAvailableInMdx: false"
    yield f"\t\tlineageTag: {stable_id('column', table.name, one.name)}"
    yield "\t\tsummarizeBy: none"
    yield f"\t\tsourceColumn: {one.source}"
    if one.sorted_by:
        yield f"\t\tsortByColumn: {quoted(one.sorted_by)}"
    yield ""
    yield "\t\tannotation SummarizationSetBy = User"
    if one.dtype == pl.Date:
        yield ""
        yield "\t\tannotation UnderlyingDateTimeDataType = Date"
    if one.ignored_rule:
        yield ""
        yield from list(_ignored("\t\t", one.ignored_rule))[:1]


def _ignored(indent: str, rule: str | None) -> Iterator[str]:
    if rule:
        yield f'{indent}annotation BestPracticeAnalyzer_IgnoreRules = {{"RuleIDs":["{rule}"]}}'
        yield ""


def _hierarchy(table: Table, one: Hierarchy) -> Iterator[str]:
    yield f"\t/// {one.description}"
    yield f"\thierarchy {quoted(one.name)}"
    yield f"\t\tlineageTag: {stable_id('hierarchy', table.name, one.name)}"
    yield ""
    for level in one.levels:
        yield f"\t\tlevel {quoted(level)}"
        yield f"\t\t\tlineageTag: {stable_id('level', table.name, one.name, level)}"
        yield f"\t\t\tcolumn: {quoted(level)}"
        yield ""


def _partition(table: Table) -> Iterator[str]:
    names = ", ".join(f'"{column.source}"' for column in table.columns)
    types = [f'{{"{column.source}", {TYPES[column.dtype.base_type()][1]}}}' for column in table.columns]
    steps = (
        "let",
        f'\tSource = {READER}("{table.source}"),',
        f"\tPicked = Table.SelectColumns(Source, {{{names}}}, MissingField.Error),",
        "\tTyped = Table.TransformColumnTypes(",
        "\t\tPicked,",
        "\t\t{",
        *(f"\t\t\t{type_}{',' if place < len(types) else ''}" for place, type_ in enumerate(types, 1)),
        "\t\t},",
        f'\t\t"{CULTURE}"',
        "\t)",
        "in",
        "\tTyped",
    )
    yield f"\tpartition {quoted(table.name)} = m"
    yield "\t\tmode: import"
    yield "\t\tsource ="
    yield from (f"\t\t\t\t{step}" for step in steps)
