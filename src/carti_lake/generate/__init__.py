"""The synthetic cancer-care network, and the extracts that its systems deliver."""

from carti_lake.generate.files import write
from carti_lake.generate.network import Extract, extracts
from carti_lake.generate.settings import Network

__all__ = ["Extract", "Network", "extracts", "write"]
