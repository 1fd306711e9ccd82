"""Who is meant: every spelling of a provider, resolved by NPI first, then by name and aliases."""

import polars as pl

from carti_lake.pipeline.codes import name_key, npi
from carti_lake.tables.silver import Entity

#: Columns of the directory with other names of a provider, separated by semicolons.
ALIASES = ("aliases", "other_names")


def provider_key() -> pl.Expr:
    """The provider's NPI, else the normalised name."""
    return pl.coalesce("npi", "name:" + name_key(pl.col("provider_name")))


def known_later() -> dict[str, pl.Expr]:
    """What no row of the directory tells by itself."""
    return {"other_names": pl.lit(None, pl.String)}


def with_other_names(upserts: pl.LazyFrame, delivered: pl.LazyFrame, standing: pl.LazyFrame | None) -> pl.LazyFrame:
    """The rows of the directory to upsert, with every other name that their NPI was ever delivered under.

    One row of a number stands: who is named by another of them is still found, and the row tells of it, whichever
    deliveries the names came with.

    Parameters
    ----------
    upserts
        New current rows.
    delivered
        All new rows, valid or not.
    standing
        The table as it stands, of which rows that gain a name are upserted too; None where the new rows are all rows.
    """
    key, name = "provider_id", name_key(pl.col("provider_name"))
    names, rows = [delivered.select(key, name=name)], upserts
    if standing is not None:
        names.append(standing.select(key, name=name))
        names.append(standing.select(key, name=pl.col("other_names").str.split("; ")).explode("name"))
        rows = pl.concat([upserts, standing.join(upserts, on=key, how="anti")], how="diagonal")
    others = (
        pl.concat(names)
        .drop_nulls()
        .unique()
        .join(rows.select(key, own=name), on=key)
        .filter(pl.col("name") != pl.col("own"))
        .group_by(key)
        .agg(others=pl.col("name").sort().str.join("; "))
    )
    told = rows.join(others, on=key, how="left")
    if standing is not None:
        new = upserts.select(key, new=pl.lit(True))
        gained = pl.col("others").ne_missing(pl.col("other_names"))
        told = told.join(new, on=key, how="left").filter(pl.col("new").fill_null(False) | gained).drop("new")
    return told.with_columns(other_names="others").drop("others")


def as_named(column: str) -> pl.Expr:
    """A delivered name or NPI as references hold it: without blanks around it, empty where nothing is left."""
    return pl.col(column).str.strip_chars().fill_null("")


def references(rows: pl.LazyFrame, entity: type[Entity]) -> pl.LazyFrame:
    """Distinct ways in which delivered rows name a provider: ``reference_name``, ``reference_npi`` (empty for null)."""
    roles = [
        rows.select(reference_name=as_named(name), reference_npi=as_named(number)).unique()
        for name, number in entity.providers.values()
    ]
    return with_numbers(pl.concat(roles))


def with_numbers(references: pl.LazyFrame) -> pl.LazyFrame:
    """Distinct references by names and NPIs; what was delivered as an NPI and is none names nobody."""
    number = npi(pl.col("reference_npi")).fill_null("")
    named = references.unique().with_columns(reference_npi=number).unique()
    return named.filter((pl.col("reference_name") != "") | (pl.col("reference_npi") != ""))


def resolve_references(references: pl.LazyFrame, directory: pl.LazyFrame) -> pl.LazyFrame:
    """Each reference with the provider that it means.

    The NPI decides where it is valid; else the normalised name, then an alias, where exactly one provider of the
    directory has it; else the reference stands for a provider of its own.

    Parameters
    ----------
    references
        ``reference_name``, ``reference_npi``.
    directory
        Current, not withdrawn rows of ``silver.providers``.
    """
    several = several_names(references, directory)
    own_name = directory.select("provider_id", name_key=name_key(pl.col("provider_name")))
    alias = (
        pl.concat(directory.select("provider_id", name_key=pl.col(column).str.split(";")) for column in ALIASES)
        .explode("name_key")
        .with_columns(name_key=name_key(pl.col("name_key")))
    )
    listed = directory.select(known_npi="npi", by_npi="provider_id").drop_nulls()
    return (
        references.select("reference_name", "reference_npi")
        .with_columns(name_key=name_key(pl.col("reference_name")), npi=npi(pl.col("reference_npi")))
        .join(listed, left_on="npi", right_on="known_npi", how="left")
        .join(_unique_names(own_name, "by_name"), on="name_key", how="left")
        .join(_unique_names(alias, "by_alias"), on="name_key", how="left")
        .join(several, on=["reference_name", "reference_npi"], how="left")
        .select(
            "reference_name",
            "reference_npi",
            "name_key",
            "other_names",
            provider_id=pl.coalesce(
                "by_npi",
                "npi",
                "by_name",
                "by_alias",
                "name:" + pl.coalesce("name_key", pl.col("reference_name").str.to_lowercase().replace("", None)),
            ),
            matched_by=pl.when(pl.col("by_npi").is_not_null())
            .then(pl.lit("npi"))
            .when(pl.col("npi").is_not_null())
            .then(pl.lit("none"))
            .when(pl.col("by_name").is_not_null())
            .then(pl.lit("name"))
            .when(pl.col("by_alias").is_not_null())
            .then(pl.lit("alias"))
            .otherwise(pl.lit("none")),
        )
    )


def several_names(references: pl.LazyFrame, directory: pl.LazyFrame) -> pl.LazyFrame:
    """References whose NPI bears other names as well, in whatever feed, or in the directory.

    Parameters
    ----------
    references
        ``reference_name``, ``reference_npi``.
    directory
        Current, not withdrawn rows of ``silver.providers``; the aliases that it declares are no other names.

    Returns
    -------
    pl.LazyFrame
        ``reference_name``, ``reference_npi``, ``other_names``: normalised, separated by semicolons.
    """
    listed = directory.select("aliases", npi="npi", own=name_key(pl.col("provider_name"))).drop_nulls(["npi", "own"])
    spelt = listed.select("npi", "own", name="own")
    declared = listed.with_columns(pl.col("aliases").str.split(";")).explode("aliases")
    spelt = pl.concat([spelt, declared.select("npi", "own", name=name_key(pl.col("aliases")))]).unique()
    named = (
        references.filter(pl.col("reference_npi") != "")
        .with_columns(npi=npi(pl.col("reference_npi")), name=name_key(pl.col("reference_name")))
        .drop_nulls("npi")
        .join(spelt, on=["npi", "name"], how="left")
        .with_columns(name=pl.coalesce("own", "name"))
    )
    names = pl.concat([named.select("npi", "name"), listed.select("npi", name="own")]).drop_nulls().unique()
    return (
        named.select("reference_name", "reference_npi", "npi", own="name")
        .join(names, on="npi")
        .filter(pl.col("name").ne_missing(pl.col("own")) & pl.col("own").is_not_null())
        .group_by("reference_name", "reference_npi")
        .agg(other_names=pl.col("name").sort().str.join("; "))
    )


def _unique_names(names: pl.LazyFrame, label: str) -> pl.LazyFrame:
    """Names that one provider alone has: two Dr. Smiths are never taken for each other."""
    return (
        names.drop_nulls()
        .unique()
        .group_by("name_key")
        .agg(pl.col("provider_id").min().alias(label), pl.len().alias("bearers"))
        .filter(pl.col("bearers") == 1)
        .drop("bearers")
    )


def resolve(rows: pl.LazyFrame, entity: type[Entity], references: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of an entity with the provider of each role."""
    for role, (name, number) in entity.providers.items():
        known = references.select(
            pl.col("reference_name").alias("_name"),
            pl.col("reference_npi").alias("_npi"),
            pl.col("provider_id").alias(role),
        )
        rows = (
            rows.drop(role, strict=False)
            .with_columns(_name=as_named(name), _npi=as_named(number))
            .join(known, on=["_name", "_npi"], how="left")
            .drop("_name", "_npi")
        )
    return rows
