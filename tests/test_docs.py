"""Pages that follow from the code are not stale."""

from collections.abc import Callable

import pytest

from docs.generate import HERE, PAGES


@pytest.mark.parametrize(("file", "page"), PAGES.items())
def test_the_page_is_what_the_code_says(file: str, page: Callable[[], str]) -> None:
    assert (HERE / file).read_text("utf-8") == page(), f"docs/{file} is stale: make docs"
