"""The command line: every verb parses, calls the lake, and prints; each module here adds its verbs to the program."""

import pkgutil
from importlib import import_module

from carti_lake.cli.app import app, main

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)

__all__ = ["app", "main"]
