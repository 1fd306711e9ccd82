import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.sources import text
from carti_lake.sources.text import as_utf8, encoding_of, is_binary

words = st.text(st.characters(exclude_characters="\0\ufeff", exclude_categories=["Cs"]), max_size=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("text")


def decoded(folder, content, encoding, chunk):
    (folder / "x").write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "CHUNK", chunk)
        return as_utf8(folder / "x", folder, "x", encoding).read_bytes().decode("utf-8")


@given(words, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]), st.integers(1, 7))
def test_text_is_the_same_in_any_encoding_however_it_is_cut(folder, content, encoding, chunk):
    as_read = "utf-8" if encoding == "utf-8-sig" else encoding
    assert decoded(folder, content.encode(encoding), as_read, chunk) == content


@given(
    st.lists(st.tuples(st.sampled_from(["Müller", "François", "Łukasz", "\r"]), st.booleans()), max_size=9),
    st.integers(1, 7),
)
def test_lines_in_windows_1252_among_lines_in_utf8(folder, names, chunk):
    lines = [name.encode("utf-8" if utf8 or name == "Łukasz" else "cp1252") + b"\n" for name, utf8 in names]
    assert decoded(folder, b"".join(lines), "utf-8", chunk) == "".join(f"{name}\n" for name, _ in names)


def test_every_byte_is_read_as_something(folder):
    assert len(decoded(folder, bytes(range(256)), "utf-8", 5)) == 256


@pytest.mark.parametrize(
    ("start", "encoding"),
    [
        (b"", None),
        (b"a,b\n", None),
        (b"\xef\xbb\xbfa,b\n", None),
        (b'\xef\xbb\xbf{"a": 1}', "utf-8"),
        ("a,b\n1,2\n".encode("utf-16"), "utf-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "utf-16-le"),
        ("a,b\nü,2\n".encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_the_first_bytes_show_an_encoding_that_must_be_decoded(start, encoding):
    assert encoding_of(start) == encoding


def test_control_characters_make_a_binary_file():
    assert is_binary(bytes(range(256)))
    assert not is_binary(b"a,b\tc\r\n")
    assert not is_binary(b"")
