"""``audience``: declared once; outlets and grants follow it."""

import json
from pathlib import Path

from .conftest import Type


def test_it_is_declared_shown_and_followed(carti_lake: Type, here: Path) -> None:
    told = json.loads(carti_lake("audience", "show", "--json").out)
    assert told["audience"] == "inside"
    assert [one["why"] for one in told["changes"]] == ["synthetic data: nobody can be recognised"]
    for name, exact in (("dashboard.html", True), ("dashboard-public.html", False)):
        page = Path("lake/published", name).read_text("utf-8")
        assert ("INSIDE: exact numbers" in page, "Blank by rule" in page) == (exact, not exact)
    assert carti_lake("audience", "set", "public", "--why", "it goes out").code == 0
    assert "Outlets are for the audience public." in carti_lake("audience", "show").out
    assert carti_lake("dashboard", "-o", "one.html").code == 0
    assert "Blank by rule" in Path("one.html").read_text("utf-8")
    assert "nobody has declared" in carti_lake("dashboard", "-o", "two.html", "--for", "inside").err
    assert not Path("two.html").exists()


def test_a_grant_follows_the_audience_unless_told(carti_lake: Type, here: Path) -> None:
    for viewer, told in (("ann", ()), ("bo", ("--suppressed",)), ("cy", ("--exact",))):
        carti_lake("access", "grant", viewer, "--all-providers", "--why", "reads", *told)
    policies = json.loads(carti_lake("access", "list", "--json").out)
    assert {one["viewer"]: one["exact"] for one in policies} == {"ann": True, "bo": False, "cy": True}


def test_a_declaration_says_why(carti_lake: Type, here: Path) -> None:
    assert carti_lake("audience", "set", "inside").code == 2
    assert "Say why" in carti_lake("audience", "set", "inside", "--why", " ").err
