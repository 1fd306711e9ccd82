"""From delivered rows to typed ones: what the declaration of an entity says, done to every column."""

from collections.abc import Callable, Mapping

import polars as pl

from carti_lake.pipeline.codes import NORMALISERS
from carti_lake.pipeline.keys import identifier, key_hash, pseudonym
from carti_lake.pipeline.order import order
from carti_lake.pipeline.parse import parse_date, parse_decimal, parse_flag, parse_whole, whole
from carti_lake.pipeline.silver import derived_columns, settled_columns
from carti_lake.pipeline.silver.providers import as_named
from carti_lake.tables.silver import HIDDEN, ORIGIN, Entity

#: Column of bronze with the values that fit no type, as JSON.
RESCUED = "rescued"
#: Spellings that are compared one by one; more of them are joined.
FEW = 8


def survey(rows: pl.LazyFrame, entity: type[Entity]) -> dict[str, pl.LazyFrame]:
    """What decides how the rows are read, found by one look at a few narrow columns.

    Parameters
    ----------
    rows
        Bronze rows of the entity's feed.
    entity
        Declaration to cleanse for.

    Returns
    -------
    dict
        For each coded column, the delivered spellings that are not the code itself (``spelling``) with their
        ``code``: codes repeat, so normalising distinct spellings costs a hundredth of normalising every row. Under
        ``rescued``, the columns (``name``) of which some row holds a value as text.
    """
    found = {}
    for name in entity.parsed_columns():
        normalise = NORMALISERS.get(entity.meta(name).get("code", ""))
        if normalise is not None:
            spellings = rows.select(pl.col(name).alias("spelling")).unique().drop_nulls()
            coded = spellings.with_columns(code=normalise(pl.col("spelling")))
            found[name] = coded.filter(pl.col("spelling").ne_missing(pl.col("code")))
    members = pl.col(RESCUED).drop_nulls().str.extract_all(r'"\w+":')
    found[RESCUED] = rows.select(name=members).explode("name").unique().select(pl.col("name").str.strip_chars('":'))
    return found


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
        Collected :func:`survey` of the same rows.
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
        return _typed(rows, entity, surveyed, secret, outcome, rescued=_as_text(surveyed))
    plain = pl.col(RESCUED).is_null() & identifier(pl.col(key)).is_not_null()
    # Nearly every row is typed already; only the others pay for reading text and deriving keys.
    typed = rows.filter(plain).pipe(_typed, entity, surveyed, secret, outcome, rescued=None)
    mended = rows.filter(~plain).pipe(_typed, entity, surveyed, secret, outcome, rescued=_as_text(surveyed))
    return pl.concat([typed, mended])


def _typed(
    rows: pl.LazyFrame,
    entity: type[Entity],
    surveyed: Mapping[str, pl.DataFrame],
    secret: str,
    outcome: Callable[[dict[str, pl.Expr]], list[str | pl.Expr]],
    *,
    rescued: frozenset[str] | None,
) -> pl.LazyFrame:
    """Rows with the outcome of their cleansing; ``rescued`` names columns to read as text, None: no key to derive."""
    codes = {name: map_ for name, map_ in surveyed.items() if name != RESCUED}
    values = {}
    unreadable = {}
    for name in entity.parsed_columns():
        value, failed = _value(name, entity, codes.get(name), rescued=name in (rescued or ()))
        values[name] = value
        if failed is not None:
            unreadable[f"{name}|unreadable"] = failed
    if "patient_key" in entity.columns():
        values["patient_key"] = pseudonym("patient_id", secret)
    frame = (
        _with_codes(rows, codes)
        .with_columns(
            *(failed.alias(rule) for rule, failed in unreadable.items()),
            withdrawn=pl.col("is_deleted").fill_null(False),
        )
        .with_columns(**values)
        .with_columns(**settled_columns(entity))
    )
    if rescued is not None:
        frame = frame.with_columns(**derived_columns(entity))
    if entity.partition_by is not None and entity.month_of is not None:
        frame = frame.with_columns(pl.col(entity.month_of).dt.truncate("1mo").alias(entity.partition_by))
    failures = {rule: pl.col(rule) for rule in unreadable}
    for rule, good in _rules(entity).items():
        failed = ~good.fill_null(True)
        given = pl.col(rule_id) if (rule_id := f"{rule.split('|')[0]}|unreadable") in unreadable else pl.lit(False)
        # A value that cannot be read is not missing as well.
        failures[rule] = failed & ~given if rule.endswith("|nullability") else failed
    key_rule = f"{entity.key()[0]}|nullability"
    # A withdrawal names a key; its other columns may be anything.
    failures = {
        rule: failed if rule == key_rule else failed & ~pl.col("withdrawn") for rule, failed in failures.items()
    }
    return frame.with_columns(key_hash=key_hash(entity.key()), order=order()).select(outcome(failures))


def _as_text(surveyed: Mapping[str, pl.DataFrame]) -> frozenset[str]:
    return frozenset(surveyed[RESCUED]["name"])


def _value(
    name: str, entity: type[Entity], codes: pl.DataFrame | None, *, rescued: bool
) -> tuple[pl.Expr, pl.Expr | None]:
    """A column's cleansed value, and when it could not be read (None: never)."""
    delivered = entity.feed.delivered()[name]
    wanted = entity.columns()[name].dtype
    column = pl.col(name)
    if wanted == pl.String:
        # Text that was rescued is a cell without a value: an error, or a formula that was never computed.
        unread = pl.col(RESCUED).str.json_path_match(f"$.{name}").is_not_null() if rescued else None
        if codes is None:
            return (identifier(column) if name.endswith("_id") or name in entity.key() else column), unread
        unknown = codes.filter(pl.col("code").is_null())["spelling"]
        if unknown.is_empty():
            failed = None
        elif codes.height > FEW:
            failed = pl.col(f"{name}|other").fill_null(False) & pl.col(f"{name}|code").is_null()
        else:
            failed = pl.any_horizontal(column.eq_missing(spelling) for spelling in unknown)
        return _recoded(name, codes), failed if unread is None else unread if failed is None else failed | unread
    if delivered == wanted:
        value = column
    elif wanted == pl.Int64:
        value = whole(column)
    else:
        value = column.cast(wanted, strict=False)
    given = column.is_not_null()
    if rescued:
        text = pl.col(RESCUED).str.json_path_match(f"$.{name}")
        value = pl.coalesce(value, _parsed(text, wanted))
        given = given | text.is_not_null()
    elif delivered == wanted:
        return value, None
    failed = value.is_null() & given
    if entity.meta(name).get("code") == "age":
        value = value.clip(upper_bound=90)
    return value, failed


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


def _parsed(text: pl.Expr, wanted: pl.DataType) -> pl.Expr:
    if wanted == pl.Date:
        return parse_date(text)
    if wanted == pl.Boolean:
        return parse_flag(text)
    if wanted == pl.Int64:
        return parse_whole(text)
    assert isinstance(wanted, pl.Decimal)
    return parse_decimal(text, wanted)


def _rules(entity: type[Entity]) -> dict[str, pl.Expr]:
    """Declared row rules over columns that exist before providers are resolved."""
    elsewhere = {*ORIGIN, *HIDDEN, *entity.providers, entity.partition_by}
    rules = {rule: good for rule, good in entity.row_rules().items() if rule.split("|")[0] not in elsewhere}
    if "patient_key|nullability" in rules:
        # The same without hashing anyone.
        rules["patient_key|nullability"] = identifier(pl.col("patient_id")).is_not_null()
    for role, (name, npi) in entity.providers.items():
        if not entity.columns()[role].nullable:
            rules[f"{role}|nullability"] = (as_named(name) != "") | (as_named(npi) != "")
    return rules


def _any(failed: dict[str, pl.Expr]) -> pl.Expr:
    return pl.any_horizontal(failed.values())


def _names(failed: dict[str, pl.Expr]) -> pl.Expr:
    ids = [pl.when(wrong).then(pl.lit(rule)) for rule, wrong in failed.items()]
    return pl.concat_str(ids, separator=",", ignore_nulls=True)
