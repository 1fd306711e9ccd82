"""The code that a table depends on: all that its modules import, directly or not."""

import ast
from pathlib import Path

import carti_lake
from carti_lake.pipeline.fingerprint import IMPORT, LOGIC, code
from carti_lake.pipeline.marts import MARTS

PACKAGE = Path(carti_lake.__file__).parent


def imports(module) -> set[str]:
    """Modules of the logic that a module's syntax tree imports."""
    names = set()
    for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
        elif isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
    rooms = [name.split(".")[1:] for name in names if name and name.startswith("carti_lake.")]
    files = {PACKAGE.joinpath(*parts) for parts in rooms if parts[0] in LOGIC}
    return {
        ".".join(file.relative_to(PACKAGE.parent).parts)
        for file in files
        if file.is_dir() or file.with_suffix(".py").exists()
    }


def test_every_import_of_the_logic_is_followed():
    made = {mart.make.__module__ for mart in MARTS}
    found = code(*made)
    named = {module.__name__ for module in found}
    # The one module that only says what depends on what.
    assert {one for module in found for one in imports(module)} - named <= {"carti_lake.pipeline.fingerprint"}
    assert made < named and len(named) > 20


def test_imports_over_several_lines_and_within_functions_are_seen():
    text = (
        "import polars\n"
        "from carti_lake.pipeline import keys, order as o\n"
        "from carti_lake.models import (\n    denial,\n    no_show,\n)\n"
        "def f():\n    from carti_lake.metrics.sums import Sum\n"
    )
    found = [(package, names.split()) for package, names in IMPORT.findall(text)]
    assert [package for package, _ in found] == ["carti_lake.pipeline", "carti_lake.models", "carti_lake.metrics.sums"]
    assert [names[-1].strip("(),") or names[-2].strip(",") for _, names in found] == ["o", "no_show", "Sum"]
