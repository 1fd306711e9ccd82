"""The Power BI project: a semantic model and a report, generated from the published tables and the metric registry."""
