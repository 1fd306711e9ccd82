"""``access``, ``key`` and ``audit``: who may see what, by which key, and an audit log that tells of every change."""

import json
import shutil
from getpass import getuser
from pathlib import Path

import polars as pl
import pytest
from deltalake import CommitProperties, Transaction, write_deltalake

from .conftest import Type


@pytest.fixture
def lake(tmp_path: Path) -> tuple[str, str]:
    return "--lake", str(tmp_path / "lake")


def test_access_is_granted_listed_and_revoked(carti_lake: Type, lake: tuple[str, str]) -> None:
    assert "Nobody has access" in carti_lake("access", "list", *lake).out
    said = carti_lake("access", "grant", "ann", "--provider", "P2", "--provider", "P1", "--why", "asked for", *lake)
    assert said.code == 0
    assert "key create ann" in said.out
    (policy,) = json.loads(carti_lake("access", "list", "--json", *lake).out)
    assert (policy["viewer"], policy["providers"], policy["exact"]) == ("ann", ["P1", "P2"], False)
    assert policy["scopes"] == ["read"]
    assert carti_lake("access", "revoke", "ann", "--why", "left", *lake).code == 0
    assert json.loads(carti_lake("access", "list", "--json", *lake).out) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--why", "x"), "--all-providers"),
        (("--why", "x", "--provider", "P1", "--all-providers"), "--all-providers"),
        (("--provider", "P1"), "--why"),
        (("--provider", "P1", "--why", " "), "Say why"),
        (("--provider", "P1", "--why", "x", "--scope", "fly"), "no scope fly"),
    ],
)
def test_what_is_not_said_is_asked_for(
    carti_lake: Type, lake: tuple[str, str], arguments: tuple[str, ...], said: str
) -> None:
    ended = carti_lake("access", "grant", "ann", *arguments, *lake)
    assert ended.code != 0
    assert said in ended.err
    assert json.loads(carti_lake("access", "list", "--json", *lake).out) == []


@pytest.mark.parametrize(
    ("known", "unknown", "said"),
    [
        (("--provider", "{provider}"), ("--provider", "1234567890"), "no provider_id 1234567890"),
        (("--all-providers", "--service-line", "{line}"), ("--service-line", "lungs"), "no service_line lungs"),
    ],
)
def test_who_is_in_no_release_cannot_be_granted(
    carti_lake: Type, here: Path, known: tuple[str, ...], unknown: tuple[str, ...], said: str
) -> None:
    listed = carti_lake("query", "SELECT provider_id FROM dim_provider LIMIT 1", "--json").out
    lines = carti_lake("query", "SELECT service_line FROM dim_service_line LIMIT 1", "--json").out
    names = {"provider": json.loads(listed)[0]["provider_id"], "line": json.loads(lines)[0]["service_line"]}
    held = [one.format(**names) for one in known]
    ended = carti_lake("access", "grant", "ann", *held, *unknown, "--why", "x")
    assert ended.code == 1
    told = " ".join(ended.err.split())
    assert said in told
    assert f'carti-lake query "SELECT * FROM dim_{unknown[0][2:].replace("-", "_")}"' in told
    assert json.loads(carti_lake("access", "list", "--json").out) == []
    assert carti_lake("access", "grant", "ann", *held, "--why", "x").code == 0


def test_a_key_is_shown_once_and_the_trail_tells_of_it(carti_lake: Type, lake: tuple[str, str]) -> None:
    assert "There is no key" in carti_lake("key", "list", *lake).out
    assert "ann has no access yet" in carti_lake("key", "create", "ann", *lake).err
    carti_lake("access", "grant", "ann", "--all-providers", "--why", "asked for", *lake)
    made = json.loads(carti_lake("key", "create", "ann", "--days", "3", "--why", "for Power BI", "--json", *lake).out)
    assert made["key"].startswith(f"cl_{made['key_id']}_")
    listed = carti_lake("key", "list", "--json", *lake).out
    assert made["key"].split("_", 2)[2] not in listed
    assert [(one["key_id"], one["revoked"], one["why"]) for one in json.loads(listed)] == [
        (made["key_id"], False, "for Power BI")
    ]
    assert carti_lake("key", "revoke", made["key_id"], "--why", "lost", *lake).code == 0
    assert json.loads(carti_lake("key", "list", "--json", *lake).out)[0]["why"] == "lost"
    told = json.loads(carti_lake("audit", "list", "--json", *lake).out)
    assert [(one["who"], one["action"]) for one in told] == [
        (getuser(), "key"),
        (getuser(), "key"),
        (getuser(), "policy"),
    ]


def test_tampering_is_told_and_fails(carti_lake: Type, lake: tuple[str, str]) -> None:
    carti_lake("access", "grant", "ann", "--provider", "P1", "--why", "asked for", *lake)
    whole = carti_lake("audit", "verify", *lake)
    assert whole.code == 0
    assert "1 entries, each as it was written" in whole.out
    table = f"{lake[1]}/access"
    write_deltalake(table, pl.read_delta(table).with_columns(exact=pl.lit(True)).to_arrow(), mode="overwrite")
    ended = carti_lake("audit", "verify", *lake)
    assert ended.code != 0
    assert "change 1 of access is not as the audit log tells of it" in " ".join(ended.out.split())


def test_a_change_that_the_trail_does_not_tell_of_is_told_afterwards(carti_lake: Type, lake: tuple[str, str]) -> None:
    for viewer in ("ann", "bob"):
        carti_lake("access", "grant", viewer, "--provider", "P1", "--why", "asked for", *lake)
    # The audit log as a crash after the second change would have left it.
    entries, number = f"{lake[1]}/audit", CommitProperties(app_transactions=[Transaction("audit", 1)])
    first = pl.read_delta(entries).filter(pl.col("seq") == 1).to_arrow()
    shutil.rmtree(entries)
    write_deltalake(entries, first, commit_properties=number)
    ended = carti_lake("audit", "verify", *lake)
    assert ended.code == 1
    told = " ".join(ended.out.split())
    assert f"No entry tells of change 2 of access, of bob, by {getuser()} at" in told
    assert "audit seal access 2 --why REASON" in told
    assert "Tampered" not in told
    (one,) = json.loads(carti_lake("audit", "verify", "--json", *lake).out)["unsealed"]
    assert (one["table"], one["change"], one["viewer"]) == ("access", 2, "bob")
    assert carti_lake("audit", "seal", "access", "2", "--why", " ", *lake).code == 1
    assert carti_lake("audit", "seal", "access", "2", "--why", "the power failed", *lake).code == 0
    assert carti_lake("audit", "verify", *lake).code == 0
    assert "sealed afterwards" in carti_lake("audit", "list", "--json", *lake).out
