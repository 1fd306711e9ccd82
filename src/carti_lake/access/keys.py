"""API keys: shown once, kept as a hash, limited and expiring."""

import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import polars as pl

from carti_lake.access import audit_log as audit
from carti_lake.access.policies import AccessError, policies
from carti_lake.access.viewer import SCOPES, Viewer
from carti_lake.store.storage import Storage
from carti_lake.tables.access import ApiKeys

TABLE = ApiKeys.full_name()
PREFIX = "cl"


def create(
    storage: Storage,
    viewer: str,
    *,
    days: int,
    scopes: Collection[str] | None,
    who: str,
    now: datetime,
    why: str | None = None,
) -> tuple[str, str]:
    """A new key of a viewer who has a policy; returns its id, and the key itself, which is not kept.

    Parameters
    ----------
    storage
        The lake.
    viewer
        Whose access it gives.
    days
        After which it ends.
    scopes
        What it is limited to; None: all that the viewer may do.
    who, now, why
        Who makes it, when, and why.
    """
    if viewer not in policies(storage, now.date()):
        raise AccessError(f"{viewer} has no access yet: `carti-lake access grant {viewer} --help` says how to give it.")
    unknown = sorted({*(scopes or ())} - {*SCOPES})
    if unknown:
        raise AccessError(f"There is no scope {', '.join(unknown)}; scopes are {', '.join(SCOPES)}.")
    if days < 1:
        raise AccessError("A key must hold for a day at least.")
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    row = {
        "key_id": key_id,
        "viewer": viewer,
        "digest": _digest(secret),
        "scopes": None if scopes is None else sorted(scopes),
        "expires": now + timedelta(days=days),
        "revoked": False,
    }
    _change(storage, row, who=who, now=now, why=why)
    return key_id, f"{PREFIX}_{key_id}_{secret}"


def keys(storage: Storage) -> pl.DataFrame:
    """Every key as it stands, without its hash."""
    rows = storage.scan(TABLE).collect().sort("change").unique("key_id", keep="last", maintain_order=True)
    return rows.drop("digest", "change")


def revoke(storage: Storage, key_id: str, *, who: str, now: datetime, why: str | None = None) -> None:
    """End a key at once; a service that is running trusts it for some seconds more."""
    by_content = _standing(storage).filter(key_id=key_id)
    if by_content.is_empty():
        raise AccessError(f"There is no key {key_id} that could be revoked; `carti-lake key list` shows them.")
    row = by_content.drop("change", "at", "who", "why").row(0, named=True)
    _change(storage, {**row, "revoked": True}, who=who, now=now, why=why)


def viewer_of(storage: Storage, key: str, now: datetime) -> Viewer | None:
    """Whose key it is; None for a wrong, expired or revoked one, or where its viewer has no access any more."""
    prefix, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    found = _standing(storage).filter(key_id=key_id)
    kept = found["digest"][0] if prefix == PREFIX and found.height else "0" * 64
    # Compared in any case, and in constant time: how long it takes tells nothing.
    if not hmac.compare_digest(kept, _digest(secret)) or found.is_empty() or found["expires"][0] <= now:
        return None
    policy = policies(storage, now.date()).get(found["viewer"][0])
    return None if policy is None else policy.of(policy.viewer, found["scopes"].to_list()[0])


def viewers(storage: Storage, now: datetime) -> list[Viewer]:
    """Those who hold a key that is good, as their policies let them see."""
    rows = _standing(storage).filter(pl.col("expires") > now)
    in_force = policies(storage, now.date())
    names = rows["viewer"].unique(maintain_order=True)
    return [in_force[name].of(name) for name in names if name in in_force]


def _standing(storage: Storage) -> pl.DataFrame:
    rows = storage.scan(TABLE).collect().sort("change").unique("key_id", keep="last", maintain_order=True)
    return rows.filter(~pl.col("revoked"))


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash: nobody tries them all.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _change(storage: Storage, values: Mapping[str, object], *, who: str, now: datetime, why: str | None) -> None:
    done = "revoked" if values["revoked"] else "created"
    description = f"{done}: {values['key_id']} of {values['viewer']}"
    audit.change(storage, "key", values, lambda _: description, who=who, why=why, now=now)
