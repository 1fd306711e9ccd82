"""The job in PySpark, local[2]: the newest row by one shuffle (the greatest struct per visit), no window."""

from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.jobs import NAME_STEPS, NEEDED, SUMMARY, main, other_files, visit_files


def job(extracts: Path, output: Path, keep_visits: bool) -> None:
    """One session, one query, one Parquet file."""
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "6g")
        .config("spark.sql.shuffle.partitions", "16")
        .config("spark.ui.enabled", "false")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    stays_file, crm_file = other_files(extracts)
    newest = _newest(spark, extracts, keep_visits)
    if keep_visits:
        newest.write.parquet(str(output / "visits"))
        newest = spark.read.parquet(str(output / "visits"))
    # By spelling first: the patterns then run over a thousand names instead of every row.
    spelt = newest.groupBy("provider_name").agg(
        F.count("*").alias("visits"),
        F.count_if(F.col("claim_status") == "Denied").alias("denied"),
        F.sum("claim_amount").alias("amount"),
        F.sum("claim_paid").alias("paid"),
    )
    visits = spelt.groupBy(_name_key("provider_name").alias("name")).agg(
        F.sum("visits").alias("total_visits"),
        F.sum("amount").alias("total_claim_amount"),
        F.sum("paid").alias("total_claim_paid"),
        (F.sum("denied") / F.sum("visits")).alias("denial_rate"),
    )
    stays = (
        _csv(spark, stays_file)
        .groupBy(_name_key("referral_provider").alias("name"))
        .agg(
            F.countDistinct("patient_id").alias("total_patients"),
            F.avg(F.col("length_of_stay").cast("double")).alias("avg_length_of_stay"),
            F.avg(F.col("satisfaction_score").cast("double")).alias("avg_satisfaction"),
            F.avg(F.col("treatment_cost").cast("double")).alias("avg_cost"),
        )
    )
    numbers = ("contact_count", "deals_value", "opportunity_value", "marketing_cost")
    crm = _csv(spark, crm_file).select(
        _name_key("provider_name").alias("name"),
        "pipeline_stage",
        *(F.col(number).cast("double").alias(number) for number in numbers),
    )
    summary = (
        visits.join(stays, "name", "full")
        .join(crm, "name", "full")
        .withColumnRenamed("name", "provider_name")
        .withColumn("roi", (F.col("deals_value") - F.col("marketing_cost")) / F.col("marketing_cost"))
        .withColumn("value_per_patient", F.col("deals_value") / F.col("total_patients"))
        .withColumn("claim_collection_rate", F.col("total_claim_paid") / F.col("total_claim_amount"))
        .select(*SUMMARY)
    )
    summary.coalesce(1).write.parquet(str(output / "summary"))
    spark.stop()


def _csv(spark: SparkSession, files: str | list[str]) -> DataFrame:
    return spark.read.csv(files, header=True, inferSchema=False, enforceSchema=False)


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
    text = F.lower(F.col(column))
    for pattern, replacement in NAME_STEPS:
        text = F.regexp_replace(text, pattern, replacement.replace("\\", "$"))
    return F.trim(text)


if __name__ == "__main__":
    main(job)
