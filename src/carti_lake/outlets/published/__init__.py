"""Published Parquet: the star schema of one release, as flat files that Power BI and others read."""
