"""Architecture: imports point in one direction, and names mean one thing."""

import ast
import graphlib
import pathlib

import pytest

import audw2s

ROOT = pathlib.Path(__file__).parents[1]

FOLDERS = {"audw2s": "audw2s", "audw2s.demo": "demo", "audw2s.distill": "distill"}
"""Packages and their folders."""

LAYERS = [
    {
        "audw2s.version",
        "audw2s.errors",
        "audw2s.files",
        "audw2s.interrupt",
        "audw2s.progress",
        "audw2s.tables",
        "audw2s.interpreter",
    },
    {"audw2s.audio", "audw2s.model"},
    {"audw2s.inference"},
    {"audw2s.interface"},
    {"audw2s.plots", "audw2s.tiers"},
    {"audw2s.evaluation"},
    {"audw2s.corpus", "audw2s.export"},
    {"audw2s.commands"},
    {"audw2s.__main__"},
    {"audw2s.demo", "audw2s.distill"},
]
"""Lowest first; modules import from their own package, or from a lower layer."""

WITHIN_MODEL = ["audw2s.model.registry", "audw2s.model.hub", "audw2s.model.load"]
"""In this package as well, imports point down only."""

MAX_LINES = 400


def modules() -> dict[str, pathlib.Path]:
    """Path of each module of the three packages."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join([package, *parts]).removesuffix(".__init__")
            found[name] = path
    return found


MODULES = modules()


def imported(name: str, path: pathlib.Path) -> set[str]:
    """Modules of ours that a module imports, wherever in it the import stands."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [base])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                found.add(full if full in MODULES else base)
    return {module for module in found if module in MODULES} - {name, "audw2s"}


GRAPH = {name: imported(name, path) for name, path in MODULES.items()}


def layer(name: str) -> int:
    """Number of the layer of a module."""
    for number, packages in enumerate(LAYERS):
        if any(name == p or name.startswith(f"{p}.") for p in packages):
            return number
    raise AssertionError(f"{name} is in no layer.")


def package_of(name: str) -> str:
    """Package of a module."""
    return ".".join(name.split(".")[:2])


def test_the_graph_of_imports_is_read():
    """A test that reads nothing would pass."""
    assert len(GRAPH) > 100
    assert "audw2s.model.load" in GRAPH["audw2s.inference.network"]


@pytest.mark.parametrize("form", ["from .a import b", "if TYPE_CHECKING:\n import x"])
def test_nested_and_type_checking_imports_are_checked(form, tmp_path, monkeypatch):
    for name in ("audw2s.z.a", "x"):
        monkeypatch.setitem(MODULES, name, tmp_path)
    file = tmp_path / "module.py"
    file.write_text(f"def function():\n pass\n{form}\n")
    assert imported("audw2s.z.module", file)


def test_no_circles():
    try:
        order = list(graphlib.TopologicalSorter(GRAPH).static_order())
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
    assert len(order) == len(GRAPH)


@pytest.mark.parametrize("name", [n for n in MODULES if n != "audw2s"])
def test_imports_point_down(name):
    own = layer(name)
    wrong = [
        other
        for other in GRAPH[name]
        if layer(other) > own
        or (layer(other) == own and package_of(other) != package_of(name))
    ]
    allowed = [n for n in wrong if {package_of(n), package_of(name)} <= LAYERS[0]]
    assert sorted(wrong) == sorted(allowed)


def test_imports_inside_model_point_down():
    for low, name in enumerate(WITHIN_MODEL):
        for high in WITHIN_MODEL[low + 1 :]:
            for module, others in GRAPH.items():
                if module == name or module.startswith(f"{name}."):
                    assert not [o for o in others if f"{o}.".startswith(f"{high}.")]


def test_the_registry_imports_nothing_of_the_package():
    assert not GRAPH["audw2s.model.registry"]


def test_no_subpackage_is_named_like_a_public_name():
    parts = {name.split(".")[1] for name in MODULES if name != "audw2s"}
    assert not parts & set(audw2s.__all__) - {"__version__"}


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_short(name):
    lines = MODULES[name].read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES


def test_files_of_tests_are_short_and_have_names_of_their_own():
    """Else pytest refuses them when all are run."""
    paths = [*ROOT.glob("tests/**/*.py")]
    names = [path.name for path in paths if path.name.startswith("test_")]
    assert [name for name in sorted(set(names)) if names.count(name) > 1] == []
    lines = {path.name: path.read_text("utf-8").count("\n") for path in paths}
    assert [name for name, count in lines.items() if count > MAX_LINES] == []
