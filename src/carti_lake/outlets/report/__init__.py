"""The board pack: one PDF of a release, for a meeting."""

from carti_lake.outlets.report.file import report_of

__all__ = ["report_of"]
