"""Reports of runs: one page with everything about a trained network."""

from tinynet.commands.report.report import Report, make_report

__all__ = ["Report", "make_report"]
