"""Policies and keys: recorded, in force, ended; and nothing without them."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.access import AccessError, Policy, grant, keys, policies, revoke
from carti_lake.access import audit_log as audit
from carti_lake.access.policies import alike, signed_in_by_provider, viewer_of
from carti_lake.store.storage import Storage

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TODAY = NOW.date()
BY = {"who": "root", "now": NOW}


@pytest.fixture
def storage(tmp_path):
    return Storage(str(tmp_path))


def give(storage, viewer, **more):
    usual = {
        "providers": ["P1", "P2"],
        "service_lines": None,
        "exact": False,
        "scopes": ["read", "download"],
        "until": None,
        "why": "asked for",
    }
    grant(storage, viewer, **{**usual, **BY, **more})


def test_the_newest_policy_of_a_viewer_is_in_force(storage):
    assert policies(storage, TODAY) == {}
    give(storage, "ann")
    give(storage, "ann", providers=None, exact=True)
    assert policies(storage, TODAY) == {"ann": Policy("ann", None, None, True, frozenset({"read", "download"}), None)}
    revoke(storage, "ann", why="left", **BY)
    assert policies(storage, TODAY) == {}
    with pytest.raises(AccessError, match="ann has no access that could be revoked"):
        revoke(storage, "ann", why="left", **BY)


def test_a_policy_ends_after_its_last_day(storage):
    give(storage, "ann", until=TODAY)
    assert "ann" in policies(storage, TODAY)
    assert "ann" not in policies(storage, TODAY + timedelta(days=1))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scopes": ["read", "fly"]}, "There is no scope fly"),
        ({"why": "  "}, "Say why"),
    ],
)
def test_what_cannot_be_granted_is_refused_and_not_recorded(storage, wrong, said):
    with pytest.raises(AccessError, match=said):
        give(storage, "ann", **wrong)
    assert policies(storage, TODAY) == {}
    assert audit.entries(storage).is_empty()


@pytest.mark.parametrize("other", ["Ann@example.org", "ANN@EXAMPLE.ORG", "\uff41nn@example.org"])
def test_a_name_that_differs_in_case_alone_is_refused(storage, other):
    give(storage, "ann@example.org")
    with pytest.raises(AccessError, match=r"ann@example.org has access, and .* differs from it in case alone"):
        give(storage, other)
    give(storage, "ann@example.org", exact=True)
    assert policies(storage, TODAY).keys() == {"ann@example.org"}
    revoke(storage, "ann@example.org", why="misspelt", **BY)
    give(storage, other)
    assert policies(storage, TODAY).keys() == {other}


def test_power_bi_lists_none_of_those_whom_it_cannot_tell_apart():
    def policy(name, **more):
        usual = {"providers": frozenset({"P1"}), "service_lines": None, "exact": True, "scopes": frozenset({"read"})}
        return Policy(name, **{**usual, **more}, until=None)

    # The second of them would see exact numbers by the first one's row, whatever its own policy says.
    ann, also = policy("Ann@example.org", providers=None), policy("ann@example.org", exact=False)
    bob = policy("bob@example.org")
    found = {one.viewer: one for one in (ann, also, bob)}
    assert signed_in_by_provider(found) == {"bob@example.org": {"P1"}}
    assert alike(found) == ["Ann@example.org", "ann@example.org"]
    del found["ann@example.org"]
    assert signed_in_by_provider(found) == {"Ann@example.org": None, "bob@example.org": {"P1"}}


def test_a_group_counts_for_those_without_a_policy_of_their_own(storage):
    give(storage, "group:lung", providers=["P3"])
    give(storage, "group:breast", providers=["P4"])
    give(storage, "ann")
    found = policies(storage, TODAY)
    assert viewer_of(found, "ann", ["lung"]).providers == {"P1", "P2"}
    assert viewer_of(found, "bob", ["lung", "staff"]).providers == {"P3"}
    assert viewer_of(found, "bob", ["lung", "breast"]) is None
    assert viewer_of(found, "bob", []) is None
    assert viewer_of(found, "group:lung", []) is not None  # a name is a name; tokens with such a one are the provider's


def test_a_key_is_worth_its_viewers_access_until_it_ends(storage):
    give(storage, "ann")
    key_id, key = keys.create(storage, "ann", days=2, scopes=None, **BY)
    viewer = keys.viewer_of(storage, key, NOW)
    assert (viewer.name, viewer.scopes) == ("ann", {"read", "download"})
    assert keys.viewer_of(storage, key, NOW + timedelta(days=2)) is None
    keys.revoke(storage, key_id, **BY)
    assert keys.viewer_of(storage, key, NOW) is None
    with pytest.raises(AccessError, match="could be revoked"):
        keys.revoke(storage, key_id, **BY)


def test_a_key_can_do_no_more_than_its_viewer(storage):
    give(storage, "ann", scopes=["read"])
    _, key = keys.create(storage, "ann", days=2, scopes=["read", "admin"], **BY)
    assert keys.viewer_of(storage, key, NOW).scopes == {"read"}
    revoke(storage, "ann", why="left", **BY)
    assert keys.viewer_of(storage, key, NOW) is None


def test_nobody_without_access_gets_a_key(storage):
    with pytest.raises(AccessError, match="ann has no access yet"):
        keys.create(storage, "ann", days=2, scopes=None, **BY)


def test_the_secret_is_kept_nowhere(storage, tmp_path):
    give(storage, "ann")
    _, key = keys.create(storage, "ann", days=2, scopes=None, **BY)
    secret = key.split("_", 2)[2].encode()[:20]
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and secret in file.read_bytes()]
    assert "digest" not in keys.keys(storage).columns


@given(st.text(max_size=60))
def test_no_other_text_is_a_key(one_key, guess):
    storage, key = one_key
    if guess != key:
        assert keys.viewer_of(storage, guess, NOW) is None
    for near in (key[:-1], f"{key}x", key.upper(), key.replace("cl_", "cl__", 1)):
        assert keys.viewer_of(storage, near, NOW) is None


@pytest.fixture(scope="module")
def one_key(tmp_path_factory):
    storage = Storage(str(tmp_path_factory.mktemp("keys")))
    give(storage, "ann")
    return storage, keys.create(storage, "ann", days=2, scopes=None, **BY)[1]


def test_every_change_is_in_the_audit_trail(storage):
    give(storage, "ann")
    key_id, _ = keys.create(storage, "ann", days=2, scopes=None, **BY)
    keys.revoke(storage, key_id, **BY)
    revoke(storage, "ann", why="left", **BY)
    told = audit.entries(storage).sort("seq").select("who", "action", "resource").rows()
    assert told == [
        ("root", "policy", "granted: ann (change 1)"),
        ("root", "key", f"created: {key_id} of ann"),
        ("root", "key", f"revoked: {key_id} of ann"),
        ("root", "policy", "revoked: ann (change 2)"),
    ]
    assert audit.verify(storage).faults == ()


def test_policies_are_dated(storage):
    give(storage, "ann", until=date(2026, 12, 1))
    rows = storage.scan("access").collect()
    assert rows.select("who", "why", "at", "until").rows() == [("root", "asked for", NOW, date(2026, 12, 1))]
    assert rows["scopes"].to_list() == [["download", "read"]]
    assert isinstance(rows, pl.DataFrame)
