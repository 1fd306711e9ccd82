"""Publish a release: the star schema as Parquet, checked, then put in place as one set."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from carti_lake.access.policies import alike, policies, signed_in_by_provider
from carti_lake.disclosure import Publication
from carti_lake.outlets.disclosure import opened
from carti_lake.outlets.published.checks import file_problems, problems
from carti_lake.outlets.published.columns import PUBLISHED
from carti_lake.outlets.published.frames import Allowed, star
from carti_lake.outlets.published.sets import one_publisher, put, set_name, workshop
from carti_lake.store.errors import LakeError
from carti_lake.store.hashes import hashes
from carti_lake.tables.catalogue import type_name

if TYPE_CHECKING:
    from carti_lake.access.viewer import Audience
    from carti_lake.releases.release import Release, When
    from carti_lake.releases.view import View


#: What readers are told who see nothing by Power BI's role for that reason.
ALIKE = "The role lists nobody whose sign-in name differs from another viewer's in case alone."


class PublishError(LakeError):
    """A set that must not be published."""


def publish_of(
    view: "View",
    target: str,
    *,
    audience: "Audience | None" = None,
    after: "When | None" = None,
    full_counts: str | None = None,
) -> dict[str, Any]:
    """Publish the release's star schema into a folder; returns the manifest.

    For ``audience``, ``after`` and ``full_counts`` see :func:`opened`. For the public the facts that cross two axes are
    not among the tables, and Power BI's model has nothing to read.

    Raises
    ------
    PublishError
        Where a check fails; readers keep the set that they have.
    """
    publication = opened(view, "publish", audience=audience, after=after, full_counts=full_counts)
    found = policies(view.storage, view.clock().date())
    if alike(found):
        publication = replace(publication, notes=(*publication.notes, ALIKE))
    return write_set(
        publication,
        view.release,
        target,
        view.storage.options,
        full_counts=publication.exact,
        allowed=signed_in_by_provider(found),
    )


def write_set(
    publication: Publication,
    release: "Release",
    target: str,
    options: Mapping[str, str],
    *,
    full_counts: bool,
    allowed: Allowed | None = None,
) -> dict[str, Any]:
    """Write, check and put in place the tables of a publication; the same release gives the same bytes."""
    with one_publisher(target), workshop(target) as folder:
        tables = star(publication, release, full_counts=full_counts, allowed=allowed)
        paths = {name: folder / f"{name}.parquet" for name in sorted(tables)}
        for name, path in paths.items():
            # One table at a time in memory.
            tables[name].collect(engine="streaming").write_parquet(path, compression="snappy", statistics=True)
        _check(paths)
        digests = hashes(folder, map(str, paths.values()))
        manifest = {
            "set": set_name(release.number, digests),
            "release": release.number,
            "caption": release.caption,
            "data_as_of": str(release.data_as_of),
            "full_counts": full_counts,
            "notes": list(publication.notes),
            "tables": {name: _described(name, path, digests[path.name]) for name, path in paths.items()},
        }
        put(folder, manifest, target, options)
    return manifest


def _check(paths: Mapping[str, Path]) -> None:
    wrong = [one for path in paths.values() for one in file_problems(path)]
    wrong += problems({name: pl.scan_parquet(path, glob=False) for name, path in paths.items()})
    if wrong:
        raise PublishError(
            f"The tables cannot be published, and readers keep those that they have: {'; '.join(wrong[:5])}"
            f"{f'; and {len(wrong) - 5} more' if wrong[5:] else ''}."
        )


def _described(name: str, path: Path, digest: str) -> dict[str, Any]:
    table = PUBLISHED[name]
    return {
        "file": path.name,
        "rows": pl.scan_parquet(path, glob=False).select(pl.len()).collect().item(),
        "bytes": path.stat().st_size,
        "sha256": digest,
        "description": table.description,
        "columns": {one.name: {"type": type_name(one.dtype), "description": one.description} for one in table.columns},
    }
