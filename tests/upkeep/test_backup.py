"""A backup holds all that the lake holds, copies only what is new, and comes back as it was."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.store.errors import DamagedFileError, LakeError
from carti_lake.upkeep.backup import backup, restore
from tests.equality import assert_same, state
from tests.worlds.rows import visit

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def lake_at(folder: Path | str, options: dict[str, str] | None = None) -> Lake:
    return Lake(folder, storage_options=options or {}, clock=lambda: NOW, environment={})


def load(lake: Lake, day: int) -> None:
    lake.load("ehr_visits", [visit("V1", claim_paid=str(day)), visit(f"V1{day}")], extract_date=date(2026, 4, day))


def quiet(step: str) -> None:
    pass


def test_a_lake_comes_back_with_its_releases_and_locks(tmp_path):
    lake = lake_at(tmp_path / "lake")
    load(lake, 1)
    lake.run()
    lake.lock("board")
    first = backup(lake.storage, str(tmp_path / "copy"), quiet)
    assert sum(one.files for one in first) > 50
    assert sum(one.files for one in backup(lake.storage, str(tmp_path / "copy"), quiet)) == 0
    load(lake, 2)
    lake.run(accept=["drift"])
    again = {one.name: one.files for one in backup(lake.storage, str(tmp_path / "copy"), quiet)}
    assert again["bronze.ehr_visits"] == 2
    assert again["bronze.ehr_visits"] < next(one.files for one in first if one.name == "bronze.ehr_visits")

    restored = lake_at(tmp_path / "restored")
    restore(restored.storage, str(tmp_path / "copy"), quiet)
    assert_same(state(lake), state(restored))
    assert [(one.number, one.locks) for one in restored.releases()] == [(1, ("board",)), (2, ())]
    assert restored.at(release="board").scan("silver.visits").collect().height == 2
    assert [one.problem for one in restored.verify() if one.problem] == []
    assert restored.run().release is None

    with pytest.raises(LakeError, match=r"holds tables\. Restore into a folder of its own"):
        restore(lake.storage, str(tmp_path / "copy"), quiet)
    with pytest.raises(LakeError, match="it is no backup"):
        restore(lake_at(tmp_path / "other").storage, str(tmp_path / "nothing"), quiet)

    file = Path(sorted(lake.storage.open("silver.visits").file_uris())[0])
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedFileError, match="does not hold the bytes that were written"):
        backup(lake.storage, str(tmp_path / "copy"), quiet)


def test_a_backup_in_an_object_store_holds_what_is_new_and_comes_back(tmp_path, s3, s3_uri):
    lake, bucket = lake_at(tmp_path / "lake", s3), f"{s3_uri}/copy"
    load(lake, 1)
    lake.run()
    lake.lock("board")
    first = backup(lake.storage, bucket, quiet)
    assert sum(one.files for one in backup(lake.storage, bucket, quiet)) == 0
    load(lake, 2)
    lake.run(accept=["drift"])
    again = {one.name: one.files for one in backup(lake.storage, bucket, quiet)}
    assert again["bronze.ehr_visits"] == 2
    assert sum(again.values()) < sum(one.files for one in first)
    # A backup is a lake.
    assert_same(state(lake), state(lake_at(bucket, s3)))

    restored = lake_at(tmp_path / "restored", s3)
    restore(restored.storage, bucket, quiet)
    assert_same(state(lake), state(restored))
    assert [(one.number, one.locks) for one in restored.releases()] == [(1, ("board",)), (2, ())]
    assert [one.problem for one in restored.verify() if one.problem] == []
    assert restored.run().release is None


def test_what_went_bad_in_the_object_store_is_not_restored_in_silence(tmp_path, s3, s3_uri):
    import boto3

    lake = lake_at(tmp_path / "lake", s3)
    load(lake, 1)
    lake.run()
    backup(lake.storage, f"{s3_uri}/copy", quiet)
    client = boto3.client(
        "s3",
        endpoint_url=s3["aws_endpoint_url"],
        region_name=s3["aws_region"],
        aws_access_key_id=s3["aws_access_key_id"],
        aws_secret_access_key=s3["aws_secret_access_key"],
    )
    bucket, _, prefix = s3_uri.removeprefix("s3://").partition("/")
    keys = [one["Key"] for one in client.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/copy/bronze")["Contents"]]
    file = next(key for key in keys if key.endswith(".parquet"))
    content = bytearray(client.get_object(Bucket=bucket, Key=file)["Body"].read())
    content[len(content) // 2] ^= 1
    client.put_object(Bucket=bucket, Key=file, Body=bytes(content))
    client.close()
    with pytest.raises(DamagedFileError, match=r"bronze.ehr_visits.* does not hold the bytes that were written"):
        restore(lake_at(tmp_path / "restored", s3).storage, f"{s3_uri}/copy", quiet)


def test_a_lake_in_an_object_store_is_left_to_the_store(s3, s3_uri, tmp_path):
    with pytest.raises(LakeError, match="let the store keep versions or copies of the bucket"):
        backup(lake_at(s3_uri, s3).storage, str(tmp_path / "copy"), quiet)
