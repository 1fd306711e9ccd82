"""A model's file: the same model gives the same bytes, and no other file than the stored one is ever opened."""

import hashlib
import io
import re
import zipfile

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from carti_lake.models import store
from carti_lake.models.store import ModelFileError
from carti_lake.store.storage import Storage
from tests.processes import together

TREES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)


def artifact():
    """Two fitted estimators, arrays, and plain values."""
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(300, 3))
    target = rows[:, 0] > draw.normal(size=300)
    return {
        "boosted": HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(rows, target),
        "logistic": LogisticRegression().fit(rows, target),
        "weights": [np.arange(3.0), np.arange(2)],
        "levels": {"payer": ["aetna", "cigna"], "age": []},
        "raw": b"bytes",
        "rate": 0.25,
    }


def dumped():
    return store.dumps(artifact())


@pytest.fixture(scope="module")
def content():
    return dumped()


@pytest.fixture
def storage(tmp_path):
    return Storage(str(tmp_path / "lake"))


@pytest.fixture
def saved(storage, content):
    """Name and hash of a stored file."""
    _, name, sha256 = store.save(storage, "toy", content)
    return name, sha256


def test_a_fitted_model_gives_the_same_bytes_in_every_process(content):
    # Another process has other addresses and another seed of its hashes; a kept object moves those of the next.
    keep = [artifact() for _ in range(2)]
    assert dumped() == content
    assert together((dumped,)) == [content]
    assert len(keep) == 2


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=5)
    | st.sampled_from(['"__id__": 17', '"file": "17.npy"', "17.npy"])
    | st.lists(st.floats(allow_nan=False), max_size=4).map(np.array),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def copy_of(value):
    """An equal value made of other objects."""
    match value:
        case dict():
            return {key: copy_of(one) for key, one in value.items()}
        case list():
            return [copy_of(one) for one in value]
        case np.ndarray():
            return value.copy()
        case _:
            return value


def equal(one, other):
    match one:
        case dict():
            return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
        case list():
            return len(one) == len(other) and all(map(equal, one, other))
        case np.ndarray():
            return np.array_equal(one, other)
        case _:
            return type(one) is type(other) and one == other


@settings(max_examples=40)
@given(value=st.dictionaries(st.text(), plain, max_size=4))
def test_what_is_dumped_is_loaded_whatever_it_says_and_equal_values_give_equal_bytes(value):
    content = store.dumps(value)
    assert equal(skops.io.loads(content), value)
    assert store.dumps(copy_of(value)) == content


def test_a_version_is_the_beginning_of_the_hash_of_the_file(storage, content):
    version, name, sha256 = store.save(storage, "toy", content)
    path = storage.local / name
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert sha256.startswith(version) and len(version) == 12
    assert name == f"model_files/toy/{version}.skops"
    # Stored again, it is the same file; nothing half-written is left beside it.
    assert store.save(storage, "toy", content) == (version, name, sha256)
    assert list(path.parent.iterdir()) == [path]


def test_a_stored_model_predicts_as_the_fitted_one(storage, saved):
    loaded = store.load(storage, "toy", *saved, TREES)
    rows = np.random.default_rng(1).normal(size=(50, 3))
    fitted = artifact()
    for name in ("boosted", "logistic"):
        assert np.array_equal(loaded[name].predict_proba(rows), fitted[name].predict_proba(rows))
    assert (loaded["levels"], loaded["raw"], loaded["rate"]) == (fitted["levels"], b"bytes", 0.25)


@pytest.fixture
def never_opened(monkeypatch):
    """Fails where a file is parsed."""

    def opened(*given, **how):
        raise AssertionError("the file was opened")

    monkeypatch.setattr(skops.io, "loads", opened)
    monkeypatch.setattr(zipfile, "ZipFile", opened)


def refused(storage, saved, trusted=TREES):
    with pytest.raises(ModelFileError) as error:
        store.load(storage, "toy", *saved, trusted)
    return str(error.value)


@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.6, 0.999])
def test_a_file_with_a_flipped_bit_is_refused_unopened(storage, content, saved, never_opened, part):
    at = int(len(content) * part)
    changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    (storage.local / saved[0]).write_bytes(changed)
    told = refused(storage, saved)
    assert saved[0] in told
    assert hashlib.sha256(changed).hexdigest()[:12] in told and saved[1][:12] in told
    assert "It was not opened" in told and "`carti-lake model train toy`" in told


def repacked(content):
    """The file with other values in the leaves of its first tree, packed again as if nothing had happened."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(data), allow_pickle=False)
                if "is_leaf" in (array.dtype.names or ()):
                    array["value"] = -array["value"]
                    buffer = io.BytesIO()
                    np.save(buffer, array, allow_pickle=False)
                    data = buffer.getvalue()
            new.writestr(name, data)
    return out.getvalue()


def test_a_repacked_file_that_skops_would_load_is_refused(storage, content, saved):
    changed = repacked(content)
    rows = np.random.default_rng(1).normal(size=(50, 3))
    lying = skops.io.loads(changed, trusted=list(TREES))["boosted"].predict_proba(rows)
    assert not np.allclose(lying, artifact()["boosted"].predict_proba(rows))
    (storage.local / saved[0]).write_bytes(changed)
    assert "is not the file that was stored" in refused(storage, saved)


def test_a_file_of_another_hash_than_its_row_is_refused_unopened(storage, saved, never_opened):
    assert "is not the file that was stored" in refused(storage, (saved[0], "0" * 64))


def test_a_missing_file_is_named_with_what_to_do(storage, saved):
    (storage.local / saved[0]).unlink()
    told = refused(storage, saved)
    assert re.search(r"^model_files/toy/\w{12}\.skops is gone from .*lake\.", told)
    assert "`carti-lake model train toy`" in told


def test_a_type_that_the_model_does_not_declare_is_refused(storage, saved):
    # Its hash is right: what the file says that it holds is still not believed.
    told = refused(storage, saved, trusted=())
    assert "TreePredictor" in told and "does not declare" in told
    assert "\n" not in told


@pytest.mark.server
def test_a_file_in_a_bucket_is_written_read_and_missed(s3, s3_uri, content):
    storage = Storage(f"{s3_uri}/lake", s3)
    _, name, sha256 = store.save(storage, "toy", content)
    assert store.load(storage, "toy", name, sha256, TREES)["rate"] == 0.25
    assert "is not the file that was stored" in refused(storage, (name, "0" * 64))
    assert "is gone from s3://" in refused(storage, ("model_files/toy/none.skops", sha256))
