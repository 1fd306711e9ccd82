"""The command line: every verb parses, calls the lake, and prints."""

from carti_lake.cli import extracts, maintain, outlets, quality, read, releases, run, synthetic
from carti_lake.cli.app import app, main

__all__ = ["app", "extracts", "main", "maintain", "outlets", "quality", "read", "releases", "run", "synthetic"]
