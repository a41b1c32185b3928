"""What a run leaves behind: its summary, its predictions, its pictures, and a page of all of it."""

from lightning_modules.report.data import Line, ReportData, SplitResult
from lightning_modules.report.page import write_report
from lightning_modules.report.run import report_run

__all__ = ["Line", "ReportData", "SplitResult", "report_run", "write_report"]
