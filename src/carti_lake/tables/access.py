"""Who may see what, by which key, and who read what: tables that no release holds and no rebuild brings back."""

import dataframely as dy

from carti_lake.tables import fields as f
from carti_lake.tables.table import Table


def _moment(description: str, *, nullable: bool = False) -> dy.Datetime:
    return dy.Datetime(time_unit="us", time_zone="UTC", nullable=nullable, description=description)


class AccessChanges(Table, layer="", table="access"):
    """Changes of the access policies: the newest of a viewer is in force; whoever has none sees nothing."""

    change = dy.Int64(primary_key=True, description="Number of the change: 1, 2, 3, …")
    viewer = f.text(
        "A person's or an application's name, or `group:` and a group of the identity provider", nullable=False
    )
    granted = dy.Bool(description="False where the access is revoked")
    providers = dy.List(dy.String(), nullable=True, description="Ids of the providers that are seen; null: all")
    service_lines = dy.List(dy.String(), nullable=True, description="Service lines that are seen; null: all")
    exact = dy.Bool(description="Exact counts; else those of 1 to 10 people are suppressed")
    scopes = dy.List(dy.String(), description="What may be done: read, download, predict, admin")
    until = f.day("Last day on which it holds; null: for good")
    at = _moment("When it was changed")
    who = f.text("Who changed it", nullable=False)
    why = f.text("Why", nullable=False)


class ApiKeys(Table, layer="", table="api_keys"):
    """Changes of the API keys: a row when one is made and one when it is revoked; secrets are not kept."""

    change = dy.Int64(primary_key=True, description="Number of the change: 1, 2, 3, …")
    key_id = f.text("The key's public part", nullable=False)
    viewer = f.text("Whose access it gives", nullable=False)
    digest = f.text("SHA-256 of the secret part, which is 256 random bits", nullable=False)
    scopes = dy.List(dy.String(), nullable=True, description="What it is limited to; null: all that its viewer may do")
    expires = _moment("When it ends")
    revoked = dy.Bool(description="True where this row revokes it")
    at = _moment("When it was changed")
    who = f.text("Who changed it", nullable=False)
    why = f.text("Why, where it was said")


class AudienceChanges(Table, layer="", table="audience"):
    """For whom outlets are made unless told: the newest row is in force; without one, for the public."""

    change = dy.Int64(primary_key=True, description="Number of the change: 1, 2, 3, …")
    audience = f.text(
        "`inside`: the workforce, exact numbers under its access policies; `public`: small counts suppressed",
        nullable=False,
    )
    at = _moment("When it was changed")
    who = f.text("Who changed it", nullable=False)
    why = f.text("Why", nullable=False)


class AuditEntries(Table, layer="", table="audit"):
    """Who read what, when, of which release, and every change of access: each row is sealed to the last by a hash."""

    seq = dy.Int64(primary_key=True, description="Number of the entry: 1, 2, 3, …")
    at = _moment("When it happened")
    who = f.text("Name of the viewer, or of who changed something; empty where nobody was known", nullable=False)
    action = f.text("read, sign-in, refused, failed, policy, key, audience, publication", nullable=False)
    resource = f.text("What was read or changed, without what a person typed", nullable=False)
    release = dy.Int64(nullable=True, description="Release that was read")
    rows = dy.Int64(nullable=True, description="Rows of the answer")
    request = f.text("Id of the request, as in the service's log")
    content = f.text("SHA-256 of the row of `access`, `api_keys`, `audience` or `publications` that a change has made")
    previous = f.text("Hash of the entry before; empty for the first", nullable=False)
    hash = f.text("SHA-256 of this entry and of the hash before it", nullable=False)
