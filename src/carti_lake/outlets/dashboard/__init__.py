"""The dashboard: one HTML file of a release whose views filter each other, offline.

Its views are functions that return Altair charts (:mod:`carti_lake.outlets.dashboard.views`), for notebooks too.
"""

from carti_lake.outlets.dashboard.file import dashboard_of

__all__ = ["dashboard_of"]
