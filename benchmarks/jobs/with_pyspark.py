"""The job in PySpark, local[2]: the newest row by one shuffle (the greatest struct per visit), no window."""

from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.jobs import (
    CODE_STEPS,
    CODED,
    FEEDS,
    GOLD_TABLES,
    NAME_STEPS,
    NEEDED,
    main,
    other_files,
    query,
    visit_files,
)


def job(extracts: Path, output: Path, kind: str) -> None:
    """One session, a query a table, Parquet files."""
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "6g")
        .config("spark.sql.shuffle.partitions", "16")
        .config("spark.ui.enabled", "false")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    _stays_and_accounts(spark, extracts)
    if kind == "everything":
        _everything(spark, extracts, output)
    else:
        _visits(spark, extracts, output if kind == "visits" else None)
        _write(spark.sql(query("provider_summary")), output / "provider_summary")
    spark.stop()


def _stays_and_accounts(spark: SparkSession, extracts: Path) -> None:
    stays, crm = other_files(extracts)
    numbers = ("length_of_stay", "satisfaction_score", "treatment_cost")
    _csv(spark, stays).select(
        _name_key("referral_provider").alias("provider_id"),
        "patient_id",
        F.col("admission_date").cast("date"),
        _stepped("service_line", CODE_STEPS).alias("service_line"),
        *(F.col(number).cast("double") for number in numbers),
    ).createOrReplaceTempView("stays")
    numbers = ("contact_count", "deals_value", "opportunity_value", "marketing_cost")
    _csv(spark, crm).select(
        _name_key("provider_name").alias("provider_id"),
        "pipeline_stage",
        *(F.col(number).cast("double") for number in numbers),
    ).createOrReplaceTempView("accounts")


def _visits(spark: SparkSession, extracts: Path, kept: Path | None) -> None:
    """Sums of the current visits by provider; the visits themselves where a folder is given."""
    newest = _newest(spark, extracts, every_column=kept is not None)
    if kept is not None:
        newest.write.parquet(str(kept / "visits"))
        newest = spark.read.parquet(str(kept / "visits"))
    # By spelling first: the patterns then run over a thousand names instead of every row.
    spelt = newest.groupBy("provider_name").agg(
        F.count("*").alias("visits"),
        F.count_if(F.col("claim_status") == "Denied").alias("denied"),
        F.sum("claim_amount").alias("amount"),
        F.sum("claim_paid").alias("paid"),
    )
    sums = (F.sum(name).alias(name) for name in ("visits", "denied", "amount", "paid"))
    spelt.groupBy(_name_key("provider_name").alias("provider_id")).agg(*sums).createOrReplaceTempView("by_provider")


def _everything(spark: SparkSession, extracts: Path, output: Path) -> None:
    """Delivered rows once to Parquet, visits from there by month, and every table from those."""
    for feed in FEEDS:
        rows = _csv(spark, [str(path) for path in sorted(extracts.glob(f"{feed}_*.csv"))])
        day = F.right(F.input_file_name(), F.lit(14)).substr(1, 10).cast("date")
        rows = rows.select("*", F.xxhash64(*rows.columns).alias("row_hash"), day.alias("extract_date"))
        rows.write.parquet(str(output / "delivered" / feed))
    delivered = spark.read.parquet(str(output / "delivered" / "ehr_visits"))
    delivered.createOrReplaceTempView("delivered")
    names = delivered.select("provider_name").distinct()
    _cached(names.select("provider_name", _name_key("provider_name").alias("provider_id")), "names")
    words = delivered.select(F.explode(F.array(*CODED)).alias("word")).distinct().where("word IS NOT NULL")
    _cached(words.select("word", _stepped("word", CODE_STEPS).alias("code")), "codes")
    spark.sql(query("valid")).createOrReplaceTempView("valid")
    _cached(spark.sql(query("repeated")), "repeated")
    by_month = spark.sql(query("visits")).repartition("visit_month")
    by_month.write.partitionBy("visit_month").parquet(str(output / "visits"))
    spark.read.parquet(str(output / "visits")).createOrReplaceTempView("visits")
    spark.sql(query("claims")).createOrReplaceTempView("claims")
    _cached(spark.sql(query("cells")), "cells")
    spark.sql(query("by_provider")).createOrReplaceTempView("by_provider")
    for table in GOLD_TABLES:
        _write(spark.sql(query(table)), output / table)


def _csv(spark: SparkSession, files: str | list[str]) -> DataFrame:
    return spark.read.csv(files, header=True, inferSchema=False, enforceSchema=False)


def _cached(rows: DataFrame, name: str) -> None:
    rows.cache().createOrReplaceTempView(name)


def _write(rows: DataFrame, folder: Path) -> None:
    rows.write.parquet(str(folder))


def _newest(spark: SparkSession, extracts: Path, every_column: bool) -> DataFrame:
    delivered = _csv(spark, visit_files(extracts))
    columns = delivered.columns if every_column else NEEDED
    rows = delivered.select(*columns, F.input_file_name().alias("extract"))
    amount = F.col("claim_amount")
    plain = F.when(amount.startswith("$"), F.translate(amount, "$,", "")).otherwise(amount)
    valid = (
        rows.withColumn("claim_amount", plain.try_cast("double"))
        .withColumn("claim_paid", F.col("claim_paid").cast("double"))
        .withColumn("visit_date", F.col("visit_date").try_cast("date"))
        .where(F.col("visit_date").isNotNull() & F.col("claim_amount").isNotNull())
    )
    newest = F.max_by(F.struct(*(name for name in columns if name != "visit_id")), "extract")
    return valid.groupBy("visit_id").agg(newest.alias("row")).select("visit_id", "row.*")


def _name_key(column: str) -> Column:
    return F.trim(_stepped(column, NAME_STEPS))


def _stepped(column: str, steps: tuple[tuple[str, str], ...]) -> Column:
    text = F.lower(F.col(column))
    for pattern, replacement in steps:
        text = F.regexp_replace(text, pattern, replacement.replace("\\", "$"))
    return text


if __name__ == "__main__":
    main(job)
