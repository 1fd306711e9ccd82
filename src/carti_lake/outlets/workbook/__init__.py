"""The workbook: one release as Excel sheets, with a cover, the network's numbers, charts and a dictionary."""

from carti_lake.outlets.workbook.book import write_workbook
from carti_lake.outlets.workbook.sheets import WorkbookError

__all__ = ["WorkbookError", "write_workbook"]
