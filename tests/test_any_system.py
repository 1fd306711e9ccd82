"""What must not be there for the code to run alike on Linux, macOS and Windows; and a wheel that lacks nothing."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import carti_lake

PACKAGE = Path(carti_lake.__file__).parent
ROOT = PACKAGE.parents[1]
#: Modules that Windows lacks.
OF_POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
#: Calls that Windows lacks, or that do something else there: it renames onto no existing file.
CALLS = {
    "os": {"chown", "fork", "forkpty", "getgid", "getuid", "geteuid", "killpg", "mkfifo", "rename", "setsid", "uname"},
    "signal": {"SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "alarm", "pause"},
}
#: Ways to open a text, and which argument says how its bytes are read.
TEXTS = {"read_text": 0, "write_text": 1, "open": 2}
WRITES = frozenset("wax")


def told(call: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == name), None)


def mode_of(call: ast.Call, place: int) -> str:
    given = call.args[place] if len(call.args) > place else told(call, "mode")
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else "r"


def faults_of_text(call: ast.Call, method: bool) -> str | None:
    """What a call that opens a text leaves to the system; None where it leaves nothing or opens no text."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
    if function == "open":
        # `Path.open` has the mode first; a store's own `open` is given a table there, or nothing.
        if method and not (call.args and isinstance(call.args[0], ast.Constant)):
            return None
        mode = mode_of(call, 0 if method else 1)
        if "b" in mode or not set(mode) <= set("rwaxt+"):
            return None
        coded = told(call, "encoding")
    else:
        mode = "w" if function == "write_text" else "r"
        coded = told(call, "encoding") or (call.args[TEXTS[function]] if len(call.args) > TEXTS[function] else None)
    if coded is None:
        return "no encoding"
    if WRITES & set(mode) and told(call, "newline") is None:
        return "no newline"
    return None


def of_one_system(tree: ast.AST) -> set[int]:
    """Nodes that are for the system alone that `sys.platform` is compared with."""
    guarded = [one for one in ast.walk(tree) if isinstance(one, ast.If) and "sys.platform == " in ast.unparse(one.test)]
    return {id(node) for one in guarded for line in one.body for node in ast.walk(line)}


def faults(source: str) -> list[str]:
    """What in a module's source has a reason to differ between systems."""
    found = []
    tree = ast.parse(source)
    guarded = of_one_system(tree)
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            found += [f"line {node.lineno}: {name}" for name in names if name.split(".")[0] in OF_POSIX]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in CALLS.get(node.value.id, ()):
                found.append(f"line {node.lineno}: {node.value.id}.{node.attr}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value == "/tmp" or "/tmp/" in node.value:
                found.append(f"line {node.lineno}: {node.value!r}")
        elif isinstance(node, ast.Call):
            method = isinstance(node.func, ast.Attribute)
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in TEXTS and (fault := faults_of_text(node, method)):
                found.append(f"line {node.lineno}: {name}, {fault}")
    return found


@pytest.mark.parametrize(
    "line",
    [
        "import fcntl",
        "from resource import getrlimit",
        "os.fork()",
        "os.rename(a, b)",
        "os.kill(pid, signal.SIGKILL)",
        'Path("/tmp/x")',
        "path.read_text()",
        'path.write_text(text, "utf-8")',
        'open(path, "w", encoding="utf-8")',
        'path.open("w")',
        "open(path)",
    ],
)
def test_what_differs_between_systems_is_found(line):
    assert faults(line)


@pytest.mark.parametrize(
    "line",
    [
        "os.replace(a, b)",
        'path.read_text("utf-8")',
        'path.write_text(text, "utf-8", newline="\\n")',
        'path.open("rb")',
        'open(path, "wb")',
        "storage.open(table)",
        'if sys.platform == "darwin":\n    import fcntl',
    ],
)
def test_what_is_alike_on_every_system_is_not(line):
    assert faults(line) == []


def test_nothing_in_the_package_has_a_reason_to_differ_between_systems():
    found = {
        str(path.relative_to(PACKAGE)): wrong
        for path in sorted(PACKAGE.rglob("*.py"))
        if (wrong := faults(path.read_text("utf-8")))
    }
    assert found == {}


def test_the_package_holds_no_two_files_that_differ_in_case_alone():
    names = [str(path.relative_to(PACKAGE)).lower() for path in PACKAGE.rglob("*") if "__pycache__" not in path.parts]
    assert len(names) == len(set(names))


def test_a_wheel_holds_every_file_of_the_package_and_the_program(tmp_path):
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        programs = archive.read(next(name for name in held if name.endswith("entry_points.txt"))).decode()
    wanted = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted - held == set()
    assert {path.split("/")[0] for path in held} == {"carti_lake", wheel.name.split("-py3")[0] + ".dist-info"}
    assert "carti-lake = carti_lake.cli:main" in programs


def test_the_module_is_the_program():
    ran = subprocess.run(
        [sys.executable, "-m", "carti_lake", "--version"], check=True, capture_output=True, text=True, encoding="utf-8"
    )
    assert ran.stdout.strip() == carti_lake.__version__
