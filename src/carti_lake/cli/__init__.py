"""The command line: every verb parses, calls the lake, and prints."""

from carti_lake.cli import compare, extracts, maintain, outlets, read, releases, run, synthetic
from carti_lake.cli.app import app, main

__all__ = ["app", "compare", "extracts", "main", "maintain", "outlets", "read", "releases", "run", "synthetic"]
