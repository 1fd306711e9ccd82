"""Access policies as they are recorded in the lake: granted, revoked, in force."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from carti_lake.access import audit_log as audit
from carti_lake.access.viewer import SCOPES, Viewer
from carti_lake.releases.release import latest
from carti_lake.store.errors import LakeError
from carti_lake.store.storage import Storage
from carti_lake.tables.access import AccessChanges
from carti_lake.tables.gold import DimProvider, DimServiceLine, Gold

TABLE = AccessChanges.full_name()
GROUP = "group:"


class AccessError(LakeError):
    """A policy or key that cannot be made, or is not there."""


@dataclass(frozen=True)
class Policy:
    """What a viewer, or a group of the identity provider, may see and do."""

    viewer: str
    providers: frozenset[str] | None
    service_lines: frozenset[str] | None
    exact: bool
    scopes: frozenset[str]
    until: date | None

    def of(self, name: str, scopes: Collection[str] | None = None) -> Viewer:
        """The viewer of that name under this policy, with no more than the given scopes."""
        allowed = self.scopes if scopes is None else self.scopes & frozenset(scopes)
        return Viewer(name, self.providers, self.service_lines, self.exact, allowed)


def policies(storage: Storage, today: date) -> dict[str, Policy]:
    """The policies in force, by viewer: the newest of each that is neither revoked nor past."""
    newest = storage.scan(TABLE).collect().sort("change").unique("viewer", keep="last", maintain_order=True)
    in_force = newest.filter("granted", pl.col("until").is_null() | (pl.col("until") >= today))
    return {
        row["viewer"]: Policy(
            row["viewer"],
            None if row["providers"] is None else frozenset(row["providers"]),
            None if row["service_lines"] is None else frozenset(row["service_lines"]),
            row["exact"],
            frozenset(row["scopes"]),
            row["until"],
        )
        for row in in_force.iter_rows(named=True)
    }


def signed_in_by_provider(found: Mapping[str, Policy]) -> dict[str, frozenset[str] | None]:
    """Providers (None: all) of the viewers who may read exact numbers of all lines, for Power BI's role.

    Its model holds full counts, and its role knows providers alone: who is limited in another way sees nothing there.
    Nor does any of those whose names are :func:`alike`: it would see what all of them may.
    """
    mistakable = alike(found)
    return {
        name: policy.providers
        for name, policy in found.items()
        if policy.exact
        and policy.service_lines is None
        and "read" in policy.scopes
        and not name.startswith(GROUP)
        and name not in mistakable
    }


def alike(names: Collection[str]) -> list[str]:
    """The names that Power BI takes for another one's, since it does not tell cases apart; in order."""
    bearers = Counter(map(_as_compared, names))
    return sorted(name for name in names if bearers[_as_compared(name)] > 1)


def _as_compared(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def viewer_of(found: dict[str, Policy], name: str, groups: Collection[str] = ()) -> Viewer | None:
    """Who signs in under a name: by the own policy, else by that of the one group that has one; else nobody."""
    if name in found:
        return found[name].of(name)
    of_groups = [found[f"{GROUP}{group}"] for group in groups if f"{GROUP}{group}" in found]
    # Of several, none is meant more than another.
    return of_groups[0].of(name) if len(of_groups) == 1 else None


def grant(
    storage: Storage,
    viewer: str,
    *,
    providers: Collection[str] | None,
    service_lines: Collection[str] | None,
    exact: bool,
    scopes: Collection[str],
    until: date | None,
    who: str,
    why: str,
    now: datetime,
) -> None:
    """Put a policy in force in place of the viewer's last one; recorded in ``access`` and in the audit log.

    Parameters
    ----------
    storage
        The lake.
    viewer
        A name, or ``group:`` and a group of the identity provider.
    providers, service_lines
        Ids that are seen; None: all. They must be in the newest release, where there is one.
    exact
        Exact numbers instead of suppressed ones.
    scopes
        Of ``read``, ``download``, ``predict``, ``admin``.
    until
        Last day; None: for good.
    who, why, now
        Who grants it, why, and when.

    Raises
    ------
    AccessError
        Where a scope or id is unknown, a name or reason is missing, or another viewer's name differs in case alone.
    """
    unknown = sorted({*scopes} - {*SCOPES})
    if unknown:
        raise AccessError(f"There is no scope {', '.join(unknown)}; scopes are {', '.join(SCOPES)}.")
    if not viewer.strip() or viewer.strip() == GROUP:
        raise AccessError("Say who is to have access: a name, or group:NAME.")
    others = policies(storage, now.date()).keys() - {viewer.strip()}
    same = sorted(name for name in others if _as_compared(name) == _as_compared(viewer.strip()))
    if same:
        raise AccessError(
            f"{same[0]} has access, and {viewer.strip()} differs from it in case alone: Power BI takes both for one. "
            f"Write {same[0]}, or revoke that first: `carti-lake access revoke {same[0]} --why REASON`."
        )
    _refuse_unknown(storage, DimProvider, providers)
    _refuse_unknown(storage, DimServiceLine, service_lines)
    _change(
        storage,
        {
            "viewer": viewer.strip(),
            "granted": True,
            "providers": None if providers is None else sorted(providers),
            "service_lines": None if service_lines is None else sorted(service_lines),
            "exact": exact,
            "scopes": sorted(scopes),
            "until": until,
        },
        who=who,
        why=why,
        now=now,
    )


def _refuse_unknown(storage: Storage, dimension: type[Gold], ids: Collection[str] | None) -> None:
    """Refuse ids that the newest release does not have; a lake without a release may get any."""
    release, table = latest(storage), dimension.full_name()
    if not ids or release is None or table not in release.versions:
        return
    (key,) = dimension.key()
    known = storage.scan(table, release.versions[table]).select(key).collect()[key]
    if unknown := sorted({*ids} - {*known}):
        raise AccessError(
            f"Release {release.number} has no {key} {', '.join(unknown)}; "
            f'`carti-lake query "SELECT * FROM {dimension.short_name}"` lists those that it has.'
        )


def revoke(storage: Storage, viewer: str, *, who: str, why: str, now: datetime) -> None:
    """End a viewer's policy."""
    if viewer not in policies(storage, now.date()):
        raise AccessError(f"{viewer} has no access that could be revoked; `carti-lake access list` shows who has.")
    ended = {"viewer": viewer, "granted": False, "providers": [], "service_lines": [], "exact": False, "scopes": []}
    _change(storage, {**ended, "until": None}, who=who, why=why, now=now)


def _change(storage: Storage, values: Mapping[str, object], *, who: str, why: str, now: datetime) -> None:
    if not why.strip():
        raise AccessError("Say why: it is recorded with the change.")
    done = "granted" if values["granted"] else "revoked"

    def description(number: int) -> str:
        return f"{done}: {values['viewer']} (change {number})"

    audit.change(storage, "policy", values, description, who=who, why=why.strip(), now=now)
