"""carti_lake: extracts of a cancer-care network in, one audited release out."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carti_lake.lake import Lake
    from carti_lake.releases.view import View

__all__ = ["Lake", "View", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the lake when it is first asked for: the command line's help needs no Polars."""
    if name in ("Lake", "View"):
        from carti_lake import lake

        return getattr(lake, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
