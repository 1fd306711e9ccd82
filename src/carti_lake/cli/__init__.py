"""The command line: every verb parses, calls the lake, and prints."""

from carti_lake.cli import (
    access,
    compare,
    dashboard,
    explain,
    extracts,
    maintain,
    metrics,
    models,
    outlets,
    powerbi,
    publish,
    quality,
    read,
    releases,
    run,
    serve,
    synthetic,
)
from carti_lake.cli.app import app, main

__all__ = [
    "access",
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
    "powerbi",
    "publish",
    "quality",
    "read",
    "releases",
    "run",
    "serve",
    "synthetic",
]
