"""Whatever the README tells readers to type works as written."""

import re
import shlex
from pathlib import Path

import pytest

from .conftest import Type

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCKS = re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_every_command_and_line_of_python_works(
    here: Path, carti_lake: Type, monkeypatch: pytest.MonkeyPatch, s3: dict[str, str]
) -> None:
    for option, value in s3.items():
        monkeypatch.setenv(option.upper(), value)
    typed = 0
    for language, file, text in BLOCKS:
        if file:
            Path(file).write_text(text, "utf-8")
        elif language == "python":
            exec(compile(text, "README.md", "exec"), {})
        elif language == "sh":
            for line in text.splitlines():
                program, *arguments = shlex.split(line)
                assert program == "carti-lake"
                ended = carti_lake(*arguments)
                assert ended.code == 0, f"{line}\n{ended.err}"
                typed += 1
    assert typed > 20
    assert all(Path(made).exists() for made in ("board.xlsx", "charts/roi_by_provider.png", "monthly.parquet"))


def test_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text("utf-8")):
        assert (README.parent / target).exists(), target
