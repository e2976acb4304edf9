"""Advisors: 22 checks of what a Data API exposes, and of what makes its database slow."""

from tailrace.platform.advisors.check import Check
from tailrace.platform.advisors.issue import Category, Facing, Issue, Level
from tailrace.platform.advisors.report import CHECKS, Report, Scope, scan

__all__ = ["CHECKS", "Category", "Check", "Facing", "Issue", "Level", "Report", "Scope", "scan"]
