"""A run: bronze to silver to gold to models, audited, and published as a release."""

from carti_lake.runner.run import RunResult, run

__all__ = ["RunResult", "run"]
