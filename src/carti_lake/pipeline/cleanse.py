"""From delivered rows to typed ones: what the declaration of an entity says, done to every column."""

from collections.abc import Callable, Mapping

import polars as pl

from carti_lake.pipeline.codes import is_icd9, modifiers
from carti_lake.pipeline.keys import (
    clean,
    key_hash,
    mangled,
    plain_identifier,
    pseudonym,
    salesforce_id,
    total_row,
)
from carti_lake.pipeline.order import order
from carti_lake.pipeline.parse import (
    by_distinct,
    is_foreign,
    parse_age,
    parse_date,
    parse_decimal,
    parse_flag,
    parse_whole,
)
from carti_lake.pipeline.silver import derived_columns, settled_columns
from carti_lake.pipeline.silver.providers import as_named
from carti_lake.pipeline.survey import (
    AHEAD,
    ENDS,
    FIRST_DAY,
    NO_DAY,
    RESCUED,
    SEEN,
    as_number,
    by_its_ends,
    filled_in,
    in_dollars,
    named,
    seen_in,
)
from carti_lake.tables.silver import HIDDEN, ORIGIN, Entity

#: The currency of a row, in a column that the feed does not declare: Salesforce's CurrencyIsoCode, and others' names.
CURRENCY = r'(?i)"(?:currency|iso)[ _-]?(?:iso|currency)?[ _-]?(?:code)?":"([^"]*)"'
DOLLARS = ("", "usd", "us$", "$", "us dollar", "us dollars", "dollar", "dollars", "null", "n/a", "none", "-")
#: Spellings that are compared one by one; more of them are joined.
FEW = 8


def cleanse(
    rows: pl.LazyFrame, entity: type[Entity], surveyed: Mapping[str, pl.DataFrame], secret: str
) -> pl.LazyFrame:
    """Typed rows of an entity, each with its place in the order of delivery and whether it breaks a rule.

    Parameters
    ----------
    rows
        Bronze rows of the entity's feed.
    entity
        Declaration to cleanse for.
    surveyed
        :func:`~carti_lake.pipeline.survey.survey` of the same rows.
    secret
        Key of the patients' pseudonyms.

    Returns
    -------
    pl.LazyFrame
        The entity's columns without resolved providers; ``order`` (Int128) and ``broken`` (Boolean).
    """
    kept = [name for name in (*entity.business_columns(), *ORIGIN, *HIDDEN) if name not in entity.providers]
    return _by_effort(rows, entity, surveyed, secret, lambda failed: [*kept, "order", _any(failed).alias("broken")])


def refusals(
    rows: pl.LazyFrame, entity: type[Entity], surveyed: Mapping[str, pl.DataFrame], secret: str
) -> pl.LazyFrame:
    """Rows that break a rule: ``batch_id``, ``row_number``, ``key_hash``, and ``rules``, the ids of what they break."""
    place = ["batch_id", "row_number", "key_hash"]
    named = _by_effort(rows, entity, surveyed, secret, lambda failed: [*place, _names(failed).alias("rules")])
    return named.filter(pl.col("rules") != "")


def _by_effort(
    rows: pl.LazyFrame,
    entity: type[Entity],
    surveyed: Mapping[str, pl.DataFrame],
    secret: str,
    outcome: Callable[[dict[str, pl.Expr]], list[str | pl.Expr]],
) -> pl.LazyFrame:
    key = entity.key()[0]
    if key not in entity.feed.delivered():
        return _typed(rows, entity, surveyed, secret, outcome, rescued=_as_text(surveyed), derive=True)
    seen = seen_in(surveyed)
    days = [name for name in entity.parsed_columns() if f"{name}|implausible" in seen]
    keyed = named(key, seen).is_not_null()
    if f"{key}|filler" in seen:
        keyed &= ~filled_in(named(key, seen), key, entity)
    plain = pl.col(RESCUED).is_null() & keyed
    plain &= ~pl.any_horizontal(_implausible(pl.col(name)) for name in days) if days else pl.lit(True)
    # Nearly every row is typed already and has a key; only the others pay for reading text and deriving keys.
    efforts: list[tuple[pl.Expr, frozenset[str] | None, bool]] = [(plain, None, False)]
    efforts.append((~plain & keyed, _as_text(surveyed), False))
    if {f"{key}|{kind}" for kind in ("missing", "blank", "odd", "filler")} & seen:
        efforts.append((~keyed, _as_text(surveyed), True))
    return pl.concat(
        rows.filter(some).pipe(_typed, entity, surveyed, secret, outcome, rescued=rescued, derive=derive)
        for some, rescued, derive in efforts
    )


def _implausible(day: pl.Expr) -> pl.Expr:
    """Whether a day stands for having none: 9999-12-31, 1900-01-01; null counts as a day."""
    meant = (day >= FIRST_DAY) & (day != NO_DAY) & (day <= pl.col("extract_date") + AHEAD)
    return ~meant.fill_null(True)


def _typed(
    rows: pl.LazyFrame,
    entity: type[Entity],
    surveyed: Mapping[str, pl.DataFrame],
    secret: str,
    outcome: Callable[[dict[str, pl.Expr]], list[str | pl.Expr]],
    *,
    rescued: frozenset[str] | None,
    derive: bool,
) -> pl.LazyFrame:
    """Rows with the outcome of their cleansing; ``rescued`` names columns to read as text, None: rows without any."""
    codes = {name: map_ for name, map_ in surveyed.items() if name not in (RESCUED, SEEN, ENDS)}
    seen = seen_in(surveyed)
    values, failed = {}, _row_checks(entity, seen, rescued or frozenset())
    for name in entity.parsed_columns():
        values[name], of_value = _value(name, entity, codes.get(name), seen, rescued)
        failed |= {f"{name}|{kind}": wrong for kind, wrong in of_value.items()}
    if "patient_key" in entity.columns():
        values["patient_key"] = pseudonym("patient_id", secret)
    if "procedure_modifier" in entity.columns():
        values["procedure_modifier"] = _modifiers(codes["procedure_code"])
    refusing = frozenset(entity.refusing_rules())
    refused = {rule: wrong for rule, wrong in failed.items() if rule in refusing}
    left_out = {rule: wrong for rule, wrong in failed.items() if rule not in refusing}
    deleted = pl.col("is_deleted")
    if "is_deleted" in (rescued or ()):
        deleted = pl.coalesce(deleted, _flag("is_deleted", entity))
    frame = (
        _with_codes(_with_texts(rows, entity, rescued or frozenset()), codes)
        .with_columns(
            *(wrong.fill_null(False).alias(rule) for rule, wrong in refused.items()),
            unread=_names(left_out).replace("", None) if left_out else pl.lit(None, pl.String),
            withdrawn=deleted.fill_null(False),
        )
        .with_columns(_cleaned(entity, seen))
        .with_columns(**values)
        .with_columns(**settled_columns(entity))
    )
    if derive:
        frame = frame.with_columns(**derived_columns(entity))
    if entity.partition_by is not None and entity.month_of is not None:
        frame = frame.with_columns(pl.col(entity.month_of).dt.truncate("1mo").alias(entity.partition_by))
    failures = {rule: pl.col(rule) for rule in refused}
    for rule, good in _rules(entity, seen).items():
        broken = ~good.fill_null(True)
        given = [pl.col(other) for other in refused if other.split("|")[0] == rule.split("|")[0]]
        # A value that cannot be read is not missing as well.
        failures[rule] = broken & ~pl.any_horizontal(given) if given and rule.endswith("|nullability") else broken
    key = entity.key()[0]
    # A withdrawal names a key; its other columns may be anything.
    failures = {
        rule: wrong if rule.split("|")[0] == key else wrong & ~pl.col("withdrawn") for rule, wrong in failures.items()
    }
    return frame.with_columns(key_hash=key_hash(entity.key()), order=order()).select(outcome(failures))


def _row_checks(entity: type[Entity], seen: frozenset[str], rescued: frozenset[str]) -> dict[str, pl.Expr]:
    """Checks of rows as delivered, by id: identifiers that were rounded or filled in, totals, currencies."""
    kinds = {"mangled": mangled, "total_row": total_row}
    found = {
        rule: kinds[rule.split("|")[1]](pl.col(rule.split("|")[0]))
        for rule in sorted(seen)
        if rule.split("|")[1] in kinds
    }
    numbers = [name for name in entity.numbers() if f"{name}|filler" in seen]
    found |= {f"{name}|filler": filled_in(pl.col(name), name, entity) for name in numbers}
    if "is_deleted" in rescued:
        text = pl.col(_text("is_deleted"))
        found["is_deleted|unreadable"] = text.is_not_null() & _flag("is_deleted", entity).is_null()
    if entity.amounts() and rescued:
        texts = [pl.col(_text(name)) for name in entity.amounts() if name in rescued]
        of_row = pl.col(RESCUED).str.extract(CURRENCY, 1).str.strip_chars().str.to_lowercase()
        abroad = ~of_row.is_in(DOLLARS)
        found["currency|foreign"] = pl.any_horizontal(abroad.fill_null(False), *(is_foreign(text) for text in texts))
    return found


def _flag(name: str, entity: type[Entity]) -> pl.Expr:
    meta = entity.feed.meta(name)
    return parse_flag(pl.col(_text(name)), meta.get("yes", ()), meta.get("no", ()))


def _cleaned(entity: type[Entity], seen: frozenset[str]) -> list[pl.Expr]:
    """Identifiers without what no one sees, where some have such; the patient's number is read nowhere else."""
    found = [name for name in entity.identifiers() if f"{name}|odd" in seen]
    return [(plain_identifier if name in entity.numbers() else clean)(pl.col(name)).alias(name) for name in found]


def _modifiers(codes: pl.DataFrame) -> pl.Expr:
    """The modifiers that came with the procedure's code, where some did."""
    some = codes.select(modifiers(pl.col("spelling")).is_not_null().any()).item()
    return modifiers(pl.col("procedure_code")) if some else pl.lit(None, pl.String)


def _as_text(surveyed: Mapping[str, pl.DataFrame]) -> frozenset[str]:
    return frozenset(surveyed[RESCUED]["name"])


def _value(
    name: str, entity: type[Entity], codes: pl.DataFrame | None, seen: frozenset[str], rescued: frozenset[str] | None
) -> tuple[pl.Expr, dict[str, pl.Expr]]:
    """A column's cleansed value, and by kind of check when there is none or it is not taken."""
    delivered = entity.feed.delivered()[name]
    wanted = entity.columns()[name].dtype
    column = pl.col(name)
    text = pl.col(_text(name)) if name in (rescued or ()) else None
    if wanted == pl.String:
        # Text that was rescued is a cell without a value: an error, or a formula that was never computed.
        lost = {} if text is None else {"unreadable": text.is_not_null()}
        if codes is not None:
            unknown = _unknown(name, entity, codes)
            return _recoded(name, codes), unknown | {
                kind: unknown.get(kind, pl.lit(False)) | one for kind, one in lost.items()
            }
        if name not in (*entity.identifiers(), *entity.key()):
            return column, lost
        bare = named(name, seen)
        if f"{name}|filler" in seen:
            bare = pl.when(~filled_in(bare, name, entity)).then(bare)
        if f"{name}|salesforce" in seen:
            whole_id = salesforce_id(bare)
            return whole_id, {"checksum": (bare.str.len_chars() == 18) & (whole_id != bare), **lost}
        return bare, lost
    value = column if delivered == wanted else as_number(column, name, entity)
    if text is not None:
        value = pl.coalesce(value, _read(name))
    given = column.is_not_null() if text is None else column.is_not_null() | text.is_not_null()
    # A day that bronze has typed is a day, and a number between two that can be read can be read.
    settled = delivered == wanted or (by_its_ends(name, entity) and f"{name}|unreadable" not in seen)
    failed = {} if settled and text is None else {"unreadable": value.is_null() & given}
    if wanted == pl.Date and rescued is not None:
        failed["implausible"] = _implausible(value)
        value = pl.when(~_implausible(value)).then(value)
    return value, failed


def _unknown(name: str, entity: type[Entity], codes: pl.DataFrame) -> dict[str, pl.Expr]:
    """When a column's spelling is no code, by kind of check."""
    unknown = codes.filter(pl.col("code").is_null())
    if unknown.is_empty():
        return {}
    old = unknown.filter(is_icd9(pl.col("spelling"))) if entity.meta(name).get("code") == "icd10" else unknown.clear()
    kinds = {"icd9": old, "unreadable": unknown.join(old, on="spelling", how="anti")}
    none = pl.col(f"{name}|other").fill_null(False) & pl.col(f"{name}|code").is_null() if codes.height > FEW else None
    found = {}
    for kind, some in kinds.items():
        if some.is_empty():
            continue
        if none is None or some.height <= FEW:
            found[kind] = pl.any_horizontal(pl.col(name).eq_missing(spelling) for spelling in some["spelling"])
        else:
            found[kind] = (
                none & is_icd9(pl.col(name))
                if kind == "icd9"
                else none
                if old.is_empty()
                else none & ~is_icd9(pl.col(name))
            )
    return found


def _recoded(name: str, codes: pl.DataFrame) -> pl.Expr:
    """The column with other spellings as their code: by comparison where they are few, else as joined to the rows.

    ``replace_strict`` would do, but does not stream: it holds every column of every row in memory.
    """
    column = pl.col(name)
    if codes.height > FEW:
        return pl.when(pl.col(f"{name}|other")).then(pl.col(f"{name}|code")).otherwise(column)
    value: pl.Expr = column
    for spelling, code in codes.select("spelling", "code").iter_rows():
        value = pl.when(column == spelling).then(pl.lit(code, pl.String)).otherwise(value)
    return value


def _with_codes(rows: pl.LazyFrame, codes: Mapping[str, pl.DataFrame]) -> pl.LazyFrame:
    """Rows with the codes of columns that have many other spellings."""
    for name, map_ in codes.items():
        if map_.height > FEW:
            known = map_.lazy().select(
                pl.col("spelling").alias(name),
                pl.col("code").alias(f"{name}|code"),
                pl.lit(True).alias(f"{name}|other"),
            )
            rows = rows.join(known, on=name, how="left")
    return rows


def _text(name: str) -> str:
    """Column of the text that was delivered in place of a value."""
    return f"{name}|text"


def _read(name: str) -> str:
    """Column of what that text says."""
    return f"{name}|read"


def _with_texts(rows: pl.LazyFrame, entity: type[Entity], rescued: frozenset[str]) -> pl.LazyFrame:
    """Rows with what stands as text in the columns, and what it says: read once, however many rules look at it."""
    delivered = [name for name in entity.feed.delivered() if name in rescued]
    dtypes = {name: entity.columns()[name].dtype for name in delivered if name in entity.parsed_columns()}
    return rows.with_columns(
        pl.col(RESCUED).str.json_path_match(f"$.{name}").alias(_text(name)) for name in delivered
    ).with_columns(
        _parsed(pl.col(_text(name)), dtype, entity, name).alias(_read(name))
        for name, dtype in dtypes.items()
        if dtype != pl.String
    )


def _parsed(text: pl.Expr, wanted: pl.DataType, entity: type[Entity], name: str) -> pl.Expr:
    if entity.meta(name).get("code") == "age":
        return by_distinct(text, parse_age, wanted)
    if wanted == pl.Date:
        # The year of the extract is the row's own, so that a redelivery is read as its own day tells.
        return parse_date(text)
    if wanted == pl.Boolean:
        return _flag(name, entity)
    if wanted == pl.Int64:
        return parse_whole(text)
    assert isinstance(wanted, pl.Decimal)
    return parse_decimal(text, wanted, dollars=in_dollars(name, entity))


def _rules(entity: type[Entity], seen: frozenset[str]) -> dict[str, pl.Expr]:
    """Declared row rules over columns that exist before providers are resolved."""
    elsewhere = {*ORIGIN, *HIDDEN, *entity.providers, entity.partition_by}
    rules = {rule: good for rule, good in entity.row_rules().items() if rule.split("|")[0] not in elsewhere}
    if "patient_key|nullability" in rules:
        # The same without hashing anyone.
        rules["patient_key|nullability"] = named("patient_id", seen).is_not_null()
    for role, (name, npi) in entity.providers.items():
        if not entity.columns()[role].nullable:
            rules[f"{role}|nullability"] = (as_named(name) != "") | (as_named(npi) != "")
    return rules


def _any(failed: dict[str, pl.Expr]) -> pl.Expr:
    return pl.any_horizontal(failed.values())


def _names(failed: dict[str, pl.Expr]) -> pl.Expr:
    ids = [pl.when(wrong).then(pl.lit(rule)) for rule, wrong in failed.items()]
    return pl.concat_str(ids, separator=",", ignore_nulls=True)
