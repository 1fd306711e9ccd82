"""The command line: every verb parses, calls the lake, and prints."""

from carti_lake.cli import (
    compare,
    dashboard,
    explain,
    extracts,
    maintain,
    metrics,
    models,
    outlets,
    quality,
    read,
    releases,
    run,
    synthetic,
)
from carti_lake.cli.app import app, main

__all__ = [
    "app",
    "compare",
    "dashboard",
    "explain",
    "extracts",
    "main",
    "maintain",
    "metrics",
    "models",
    "outlets",
    "quality",
    "read",
    "releases",
    "run",
    "synthetic",
]
