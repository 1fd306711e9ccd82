"""Row-level security in one place: who may see what, applied before anything else is read."""

from carti_lake.access.policies import AccessError, Policy, grant, policies, revoke
from carti_lake.access.viewer import SCOPES, Viewer
from carti_lake.access.visible import Visible, visible

__all__ = ["SCOPES", "AccessError", "Policy", "Viewer", "Visible", "grant", "policies", "revoke", "visible"]
