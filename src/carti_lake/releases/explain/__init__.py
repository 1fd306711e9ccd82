"""Why a metric differs between two releases: causes that sum exactly to the change, and the rows behind each."""

from carti_lake.releases.explain.causes import MEANING, Cause, ExplainError
from carti_lake.releases.explain.explanation import Explanation, Part, explain

__all__ = ["MEANING", "Cause", "ExplainError", "Explanation", "Part", "explain"]
