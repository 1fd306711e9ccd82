"""carti_lake: extracts of a cancer-care network in, one audited release out."""

from carti_lake.lake import Lake, View

__all__ = ["Lake", "View", "__version__"]
__version__ = "0.1.0"
