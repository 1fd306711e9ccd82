"""What a declaration may say, and what it is refused for, without repeating what may be a secret."""

from datetime import timedelta
from pathlib import Path

import pytest

from carti_lake.pull.declaration import UnknownSourceError, read_source, read_sources
from carti_lake.pull.secrets import PASSWORD_IN_ADDRESS, SourceError
from carti_lake.sources.extract import ExtractError

SQL = 'kind = "sql"\nfeed = "ehr_visits"\n'
MARKED = "hunter2-marked"


def declare(folder: Path, text: str, name: str = "ehr") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_declaration_says_what_is_read_and_how(tmp_path):
    (tmp_path / "visits.toml").write_text('Billed = "claim_amount"', "utf-8")
    (tmp_path / "password").write_text("from a file\n", "utf-8")
    path = declare(
        tmp_path,
        f'{SQL}address = "env:EHR"\npassword = "file:password"\ntable = "public.visits"\ncursor = "updated_at"\n'
        'overlap = "2h"\nmap = "visits.toml"\n',
    )

    source = read_source(path)

    assert (source.name, source.feed.short_name, source.table) == ("ehr", "ehr_visits", "public.visits")
    assert source.overlap == timedelta(hours=2)
    assert source.mapping.headers == {"Billed": "claim_amount"}
    assert source.secret("address", {"EHR": "postgresql://reader@here/ehr"}) == "postgresql://reader@here/ehr"
    assert source.secret("password", {}) == "from a file"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{SQL}address = "postgresql://reader:{MARKED}@here/ehr"\ntable = "v"', "password in clear text"),
        (
            f'{SQL}address = "postgresql://here/ehr?user=reader&password={MARKED}"\ntable = "v"',
            "password in clear text",
        ),
        *(
            (f'{SQL}address = "{address}"\ntable = "v"', "password in clear text")
            for address in (
                f"postgresql://reader:a/{MARKED}@here/ehr",
                f"postgresql://reader:a#{MARKED}?b@here/ehr",
                f"postgresql://:{MARKED}@here/ehr",
                f"https://here.blob.core.windows.net/drop?se=2027&sig={MARKED}",
                f"https://bucket.s3.amazonaws.com/drop/?X-Amz-Signature={MARKED}",
                f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={MARKED}",
            )
        ),
        (f'{SQL}address = "sqlite:a"\npassword = "{MARKED}"\ntable = "v"', "password is in clear text"),
        (f'{SQL}address = "sqlite:a"\ntoken = "{MARKED}"\ntable = "v"', 'has no "token"'),
        (f'{SQL}address = "sqlite:a"\ntable = "v"\npassword = "{MARKED}', "not valid TOML"),
        (f'{SQL}address = "sqlite:a"\noverlap = "{MARKED}"\ncursor = "c"\ntable = "v"', "must be a length of time"),
        (f'kind = "{MARKED}"', "kind must be one of folder, sql, salesforce"),
        (f'kind = "sql"\nfeed = "{MARKED}"', "feed names none"),
        (f'{SQL}address = "sqlite:a"', "either table or query"),
        (f'{SQL}address = "sqlite:a"\ntable = "v"\nquery = "select 1"', "either table or query"),
        (f'{SQL}address = "sqlite:a"\ntable = "v"\noverlap = "2h"', "there is none"),
        (f'{SQL}address = "sqlite:a"\ntable = "v"\ncursor = "Patient ID"', "identifies patients"),
        (f'{SQL}address = "sqlite:a"\ntable = "v"\ncursor = "MRN"\nmap.MRN = "patient_id"', "identifies patients"),
        (f'{SQL}address = "sqlite:a"\ntabel = "v"', 'did you mean "table"?'),
        (f'{SQL}address = 3\ntable = "v"', "address is no text"),
        ('kind = "folder"\nfeed = "ehr_visit"\naddress = "in"', "did you mean ehr_visits?"),
        ('kind = "folder"\nfeed = "ehr_visits"\naddress = "in"\nrest = 3', "rest must be a length of time"),
        ('kind = "folder"\nfeed = "ehr_visits"\naddress = "in"\nmap = 3', "map must be a table"),
        ('kind = "folder"\nfeed = "ehr_visits"\naddress = "in"\nmap = {Paid = "claim_payd"}', "claim_paid"),
    ],
)
def test_what_is_wrong_is_said_with_the_key_and_without_the_value(tmp_path, text, said):
    with pytest.raises((SourceError, ExtractError)) as refused:
        read_source(declare(tmp_path, text))
    assert said in str(refused.value)
    assert "ehr.toml" in str(refused.value)
    assert MARKED not in str(refused.value)


def test_a_secret_that_is_not_there_is_named_by_its_reference(tmp_path):
    source = read_source(declare(tmp_path, f'{SQL}address = "env:EHR"\npassword = "file:none"\ntable = "v"'))
    with pytest.raises(SourceError, match="environment variable EHR, which is not set"):
        source.secret("address", {})
    with pytest.raises(SourceError, match="file none, which cannot be read: No such file"):
        source.secret("password", {})


def test_no_secret_is_shown_with_a_source(tmp_path):
    source = read_source(declare(tmp_path, f'{SQL}address = "postgresql://u@secret-host/d"\ntable = "v"'))
    assert "secret-host" not in repr(source)


def test_sources_are_read_by_name_or_all(tmp_path):
    for name in ("b", "a"):
        declare(tmp_path, f'{SQL}address = "sqlite:a"\ntable = "v"', name)
    assert [one.name for one in read_sources(tmp_path)] == ["a", "b"]
    assert [one.name for one in read_sources(tmp_path, ["b", "b"])] == ["b"]
    with pytest.raises(UnknownSourceError, match=r"There is no source 'c'\. Sources: a, b\."):
        read_sources(tmp_path, ["c"])
    assert read_sources(tmp_path / "none") == []
    declare(tmp_path, f'{SQL}address = "sqlite:a"\ntable = "v"', "a b")
    with pytest.raises(SourceError, match="letters, digits"):
        read_sources(tmp_path)


def test_another_way_of_reading_is_told_from_the_first(tmp_path):
    def reading(more: str) -> str:
        return read_source(declare(tmp_path, f'{SQL}address = "sqlite:a"\n{more}')).reading

    ways = ['table = "v"', 'table = "w"', 'query = "v"', 'table = "v"\ncursor = "c"', 'table = "v"\nmap.P = "payer"']
    assert len({reading(way) for way in ways}) == len(ways)
    assert reading('table = "v"\npassword = "env:X"') == reading('table = "v"')


SALESFORCE = 'kind = "salesforce"\nfeed = "salesforce_campaigns"\naddress = "https://acme.my.salesforce.com"\n'
APP = f'{SALESFORCE}client_id = "3MVG9"\n'
BY_SECRET = f'{APP}client_secret = "env:S"\n'


def test_an_org_is_declared_by_an_object_or_a_query(tmp_path):
    source = read_source(
        declare(
            tmp_path,
            f"{BY_SECRET}object = 'Campaign'\nwhere = \"Name != ') OR ('\"\ncursor = 'SystemModstamp'\noverlap = '2h'",
        )
    )
    assert source.asked.object == "Campaign"
    assert source.asked.where == "Name != ') OR ('"
    source = read_source(
        declare(tmp_path, f"{BY_SECRET}query = 'select Id, Owner.Name from Campaign where (Id != null)'")
    )
    assert (source.asked.fields, source.asked.where) == (("Id", "Owner.Name"), "(Id != null)")
    by_key = f'{APP}username = "u"\nprivate_key = "file:k"\nobject = "Campaign"'
    assert read_source(declare(tmp_path, by_key)).private_key == "file:k"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{APP}client_secret = "{MARKED}"\nobject = "Campaign"', "client_secret is in clear text"),
        (f'{APP}username = "u"\nprivate_key = "{MARKED}"\nobject = "Campaign"', "private_key is in clear text"),
        (f'{APP}object = "Campaign"', "how the app signs in"),
        (f'{APP}username = "u"\nobject = "Campaign"', "how the app signs in"),
        (f'{BY_SECRET}username = "u"\nprivate_key = "env:K"\nobject = "Campaign"', "how the app signs in"),
        (f'{SALESFORCE}client_secret = "env:S"\nobject = "Campaign"', "how the app signs in"),
        (f'{BY_SECRET}table = "Campaign"', 'has no "table"'),
        (BY_SECRET, "either object or query"),
        (f'{BY_SECRET}object = "Campaign; {MARKED}"', "object must be the API name"),
        (f'{BY_SECRET}query = "SELECT COUNT(Id) FROM Campaign"', "no functions, aliases, subqueries"),
        (f'{BY_SECRET}query = "SELECT Id n FROM Campaign"', "no functions, aliases, subqueries"),
        (f'{BY_SECRET}query = "SELECT Id FROM Campaign c, c.Owner o"', "must be of the form"),
        (f'{BY_SECRET}query = "{MARKED}"', "must be of the form"),
        (f'{BY_SECRET}query = "SELECT Id FROM Campaign WHERE Id = null ORDER  BY Id"', "query has ORDER BY"),
        (f'{BY_SECRET}object = "Campaign"\nwhere = "Id = null LIMIT 1"', "where has LIMIT"),
        (f'{BY_SECRET}object = "Campaign"\nwhere = "Id = null) OR (Id != null"', "not closed"),
        (f"{BY_SECRET}object = 'Campaign'\nwhere = \"Name = '{MARKED}\"", "not closed"),
        (f'{BY_SECRET}query = "SELECT Id FROM Campaign"\nwhere = "Id = null"', "put it into the query"),
        (f'{BY_SECRET}object = "Campaign"\ncursor = "SystemModstamp"\noverlap = 3', "must be a length of time"),
        (
            f'{BY_SECRET}object = "Account"\ncursor = "SystemModstamp"'.replace("_campaigns", "_crm"),
            "salesforce_crm is a full list each time",
        ),
    ],
)
def test_what_is_wrong_with_an_org_is_said_without_the_value(tmp_path, text, said):
    with pytest.raises((SourceError, ExtractError)) as refused:
        read_source(declare(tmp_path, text))
    assert said in str(refused.value)
    assert "ehr.toml" in str(refused.value)
    assert MARKED not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://reader@here:5432/ehr?sslmode=require",
        "https://here:8443/drops@2026/",
        "https://[::1]:8443/drops@2026/",
        "sftp://lake@here:22/~/a:b@c",
        "s3://bucket/a:b@c",
    ],
)
def test_a_port_and_a_path_are_no_password(address):
    assert not PASSWORD_IN_ADDRESS.search(address)
