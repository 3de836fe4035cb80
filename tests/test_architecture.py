"""Who may know whom. The rules are read off the source; planted violations show that each rule bites."""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from registered import KINDS, entries_of

from ganzoo.component import FILES

pytestmark = pytest.mark.xdist_group("architecture")  # one process reads the source

ROOT = Path(__file__).parents[1]

PRIVATE_GROUND = {
    "did_you_mean",
    "cache",
    "files",
    "regular",
    "numbers",
    "allocator",
    "cores",
    "memory",
    "program",
    "foreign",
    "lines",
    "options",
    "screen",
    "launch",
    "orders",
    "torch_import",
}
GROUND = {"errors", "protocols", "component", "hookspecs", "seeds", "data", *PRIVATE_GROUND}
"""Modules that lie in ``ganzoo`` itself: all that a plugin or a loop of one's own needs, and what every floor uses."""

FLOORS = (
    {"ground"},
    {"registry", "config", "training"},
    {"planning", "catalog", "scaffold"},
    {"evaluation", "plotting", "health", "doctor"},
    {"runs"},
    {"studies", "testing", "benchmarking"},
    {"report"},
    {"cli"},
    {"__main__"},
)
"""From the bottom up. A wing imports itself and the floors below; wings of one floor do not know each other."""

FACES = {"ganzoo.registry", "ganzoo.scaffold"}
"""Wings that hand names on: from outside they are entered by their ``__init__`` alone."""

PUBLIC = {f"ganzoo.{name}" for name in ("component", "data", "errors", "hookspecs", "protocols", "seeds")}
PUBLIC_FOR = {
    "ganzoo_augmentations": {"ganzoo_blocks"},
    "ganzoo_discriminators": {"ganzoo_blocks"},
    "ganzoo_extractors": {"ganzoo_blocks"},
    "ganzoo_generators": {"ganzoo_blocks"},
    "ganzoo_metrics": {"ganzoo_blocks"},
}
"""``ganzoo_blocks`` holds what several first-party packages of components are built of, and no component."""

FRAMEWORKS_AND_FILES = {
    "pluggy",
    "pydantic",
    "yaml",
    "json",
    "io",
    "pathlib",
    "shutil",
    "tempfile",
    "safetensors",
}
HEAVY = {"torch", "numpy", "PIL", "safetensors"}
CLICK = {"click", "typer._click"}
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@dataclass(frozen=True)
class Import:
    """One imported module. ``typing_only``: under ``if TYPE_CHECKING``."""

    module: str
    typing_only: bool = False

    def within(self, *packages: str) -> bool:
        return any(self.module == package or self.module.startswith(f"{package}.") for package in packages)


def imports(source: str, module: str = "", *, known: frozenset[str] = frozenset()) -> list[Import]:
    """Everything a module imports, at its top or within functions; ``from a import b`` means a *known* ``a.b``."""
    return list(_imports(ast.parse(source), module, known, typing_only=False))


def _imports(node: ast.AST, module: str, known: frozenset[str], *, typing_only: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, typing_only) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        home = ".".join(module.split(".")[: -node.level]) if node.level else ""
        base = ".".join(filter(None, [home, node.module]))
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            yield Import(inner if inner in known else base, typing_only)
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for child in node.body:
            yield from _imports(child, module, known, typing_only=True)
        for child in node.orelse:
            yield from _imports(child, module, known, typing_only=typing_only)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _imports(child, module, known, typing_only=typing_only)


def modules_of(*folders: str) -> dict[str, Path]:
    """Module name → file, for packages below folders of the checkout."""
    found = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = (
                path.relative_to((ROOT / folder).parent if folder == "ganzoo" else ROOT / folder).with_suffix("").parts
            )
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


CORE = modules_of("ganzoo")
PLUGINS = modules_of("plugins")
EXAMPLE = modules_of("examples/third_party_plugin")
ALL = CORE | PLUGINS | EXAMPLE
KNOWN = frozenset(CORE) | frozenset(PLUGINS)


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(ALL[module].read_text(encoding="utf-8"))


@cache
def imports_of(module: str) -> list[Import]:
    package = module if ALL[module].name == "__init__.py" else module.rpartition(".")[0]
    return list(_imports(tree_of(module), f"{package}._", KNOWN, typing_only=False))


def culprits(modules: Iterable[str], fault: Callable[[str], object]) -> dict[str, object]:
    """Module → what it does against a rule; all that break it are told at once."""
    return {module: found for module in modules if (found := fault(module))}


def wing(module: str) -> str:
    """The part of ``ganzoo`` that a module belongs to."""
    part = module.split(".")[1]
    return "ground" if part in GROUND else part


def floor(module: str) -> int:
    for number, wings in enumerate(FLOORS):
        if wing(module) in wings:
            return number
    raise LookupError(f"{module} has no place in FLOORS of {Path(__file__).name}: give it one")


def misplaced(module: str, found: list[Import]) -> list[str]:
    """Imports of a wing that is above, or beside, that of the module."""
    inner = [one.module for one in found if one.within("ganzoo") and one.module != "ganzoo"]
    return [other for other in inner if wing(other) != wing(module) and floor(other) >= floor(module)]


def reached(module: str) -> set[str]:
    """Modules of the core that a module makes Python load sooner or later."""
    seen: set[str] = set()
    ahead = [module]
    while ahead:
        current = ahead.pop()
        if current not in seen:
            seen.add(current)
            ahead += [one.module for one in imports_of(current) if not one.typing_only and one.module in CORE]
    return seen


def loaded(found: list[Import], *packages: str) -> list[str]:
    return [one.module for one in found if not one.typing_only and one.within(*packages)]


def opened_files(tree: ast.Module) -> list[str]:
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {"open", "write_text", "write_bytes", "read_text", "read_bytes", "unlink", "mkdir"}
    return [ast.unparse(call) for call in calls if ast.unparse(call).rpartition(".")[2] in names]


def unpickling(tree: ast.Module) -> list[str]:
    """Calls that read or write pickles without importing the module of that name."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            allowed = [word.value for word in node.keywords if word.arg == "allow_pickle"]
            refused = all(isinstance(value, ast.Constant) and value.value is False for value in allowed)
            # This way torch reads tensors alone and refuses code.
            weights_only = ast.unparse(node.func) == "torch.load" and any(
                word.arg == "weights_only" and ast.unparse(word.value) == "True" for word in node.keywords
            )
            pickled = ast.unparse(node.func) in ("torch.load", "torch.save") and not weights_only
            if pickled or not refused:
                found.append(ast.unparse(node.func))
    return found


class TestTheCore:
    MODULES = tuple(name for name in CORE if name != "ganzoo")

    def test_imports_go_to_lower_floors(self):
        assert culprits(self.MODULES, lambda module: misplaced(module, imports_of(module))) == {}

    def test_it_never_imports_a_plugin(self):
        assert culprits(self.MODULES, plugins_imported) == {}


def plugins_imported(module: str) -> list[str]:
    return [one.module for one in imports_of(module) if one.module.split(".")[0].startswith("ganzoo_")]


def test_the_package_itself_imports_nothing_of_its_own():
    assert loaded(imports_of("ganzoo"), "ganzoo") == []


def test_no_module_imports_itself_in_a_circle():
    graph = {name: {one.module for one in imports_of(name) if not one.typing_only} & set(CORE) for name in CORE}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports in a circle: {' → '.join(error.args[1])}")


def of_wing(*wings: str) -> list[str]:
    return [module for module in CORE if module != "ganzoo" and wing(module) in wings]


def test_training_knows_neither_frameworks_nor_files():
    strangers = (*FRAMEWORKS_AND_FILES, "ganzoo.component", "ganzoo.hookspecs", "ganzoo.files", "ganzoo.cache")
    assert culprits(of_wing("training"), lambda module: loaded(imports_of(module), *strangers)) == {}
    assert culprits(of_wing("training"), lambda module: opened_files(tree_of(module))) == {}


def test_what_answers_light_questions_never_touches_a_network():
    light = (
        "ganzoo.component",
        "ganzoo.hookspecs",
        *of_wing("registry", "config"),
        "ganzoo.planning.choice",
        "ganzoo.planning.rules",
        "ganzoo.planning.facts",
    )
    everything = sorted(set().union(*map(reached, light)))
    assert culprits(everything, lambda module: loaded(imports_of(module), *HEAVY)) == {}


def outside_the_face(module: str, found: list[Import]) -> list[str]:
    """Imports from within a wing that is entered by its ``__init__`` alone."""
    faces = [face for face in FACES if not (module == face or module.startswith(f"{face}."))]
    return [one.module for one in found if one.module not in faces and one.within(*faces)]


def test_a_wing_with_a_face_is_entered_by_it():
    assert culprits(ALL, lambda module: outside_the_face(module, imports_of(module))) == {}


def more_than_a_docstring(package: str) -> list[str]:
    docstring, *more = tree_of(package).body
    assert isinstance(docstring, ast.Expr), package
    return [ast.unparse(node) for node in more]


def test_a_wing_without_a_face_holds_a_docstring_alone():
    wings = {module for module, path in CORE.items() if path.name == "__init__.py"}
    assert culprits(sorted(wings - FACES - {"ganzoo", "ganzoo.testing", "ganzoo.cli"}), more_than_a_docstring) == {}


def not_for_plugins(module: str) -> list[str]:
    """What a plugin imports of ganzoo beside public names and its own."""
    package = module.split(".")[0]
    public = PUBLIC | PUBLIC_FOR.get(package, set()) | {package}
    ours = [one for one in imports_of(module) if one.module.split(".")[0].startswith("ganzoo")]
    return [one.module for one in ours if not one.within(*public)]


def test_a_plugin_imports_only_public_names_and_its_own():
    plugins = [module for module in PLUGINS | EXAMPLE if module.split(".")[0] not in ("tests", "build")]
    assert culprits(plugins, not_for_plugins) == {}


def clicks_and_pickles(module: str) -> list[str]:
    # The kit asks whether components can be pickled; it writes nothing down.
    pickles = set() if module.startswith("ganzoo.testing.") else PICKLES
    return [*loaded(imports_of(module), *CLICK, *pickles), *unpickling(tree_of(module))]


def test_neither_click_nor_pickle():
    assert culprits(ALL, clicks_and_pickles) == {}


def test_every_file_is_named_for_its_one_idea():
    vague = {"utils", "util", "helpers", "misc", "base", "common"}
    files = [path for folder in ("ganzoo", "plugins", "tests", "examples") for path in (ROOT / folder).rglob("*.py")]
    assert files
    assert [str(path.relative_to(ROOT)) for path in files if path.stem in vague] == []


def defined_twice(trees: dict[str, ast.Module]) -> dict[str, list[str]]:
    """Class name → the modules that define it, where there are several."""
    homes: dict[str, list[str]] = {}
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(module)
    return {name: modules for name, modules in homes.items() if len(modules) > 1}


def test_a_class_name_means_one_thing():
    """Components of two kinds may share a name, and so their classes: a dcgan is a generator and a discriminator."""
    twice = defined_twice({name: tree_of(name) for name in CORE | PLUGINS})
    own = {name: homes for name, homes in twice.items() if len({home.rpartition(".")[2] for home in homes}) > 1}
    assert own == {}


@entries_of(*KINDS)
def test_a_component_its_file_and_its_class_have_one_name(entry):
    module = entry.component.target.partition(":")[0]
    file, model = entry.name.replace("-", "_"), "".join(part.capitalize() for part in entry.name.split("-"))
    wanted = f"{module}:{entry.name}.yaml" if entry.kind in FILES else f"{module.partition('.')[0]}.{file}:{model}"
    assert entry.component.target == wanted, f"the target of {entry.kind} {entry.name} is to be {wanted}"


class TestTheRulesBite:
    def test_every_form_of_import_is_seen(self):
        source = (
            "import a.b as c, d\n"
            "from e import f\n"
            "from ganzoo import config as configuration\n"
            "from . import sibling\n"
            "from ..up import x\n"
            "def inside():\n    import g\n"
            "if TYPE_CHECKING:\n    import h\nelse:\n    import i\n"
            "try:\n    import j\nexcept ImportError:\n    pass\n"
        )
        found = imports(source, "ganzoo.cli._", known=frozenset({"ganzoo.config", "ganzoo.cli.sibling"}))
        names = "a.b d e ganzoo.config ganzoo.cli.sibling ganzoo.up g h i j"
        assert [one.module for one in found] == names.split()
        assert [one.module for one in found if one.typing_only] == ["h"]

    def test_an_import_of_a_higher_floor(self):
        assert misplaced("ganzoo.config.layers", imports("from ganzoo.runs import x")) == ["ganzoo.runs"]
        assert misplaced("ganzoo.config.layers", imports("from ganzoo.errors import ConfigError")) == []
        assert misplaced("ganzoo.errors", imports("import ganzoo.registry")) == ["ganzoo.registry"]
        with pytest.raises(LookupError, match="give it one"):
            misplaced("ganzoo.config.layers", imports("import ganzoo.novelty"))

    def test_an_import_of_a_wing_on_the_same_floor(self):
        assert misplaced("ganzoo.training.x", imports("import ganzoo.registry")) == ["ganzoo.registry"]
        assert misplaced("ganzoo.training.x", imports("import ganzoo.training.y")) == []

    def test_a_name_for_two_things(self):
        layer, other = (ast.parse(f"class {name}: ...") for name in ("Layer", "Other"))
        assert defined_twice({"a.x": layer, "a.y": layer}) == {"Layer": ["a.x", "a.y"]}
        assert defined_twice({"a.x": layer, "a.y": other}) == {}

    def test_every_culprit_is_told(self):
        assert culprits(["a", "b", "c"], lambda module: module.strip("b")) == {"a": "a", "c": "c"}

    def test_a_step_round_a_face(self):
        assert outside_the_face("ganzoo.cli.x", imports("from ganzoo.registry.entry import Entry")) == [
            "ganzoo.registry.entry"
        ]
        assert outside_the_face("ganzoo.cli.x", imports("from ganzoo.registry import Entry")) == []
        assert outside_the_face("ganzoo.registry.x", imports("from ganzoo.registry.entry import Entry")) == []

    def test_lazy_imports_are_followed_and_typing_is_not(self):
        assert "ganzoo.protocols" not in reached("ganzoo.component")
        assert {"ganzoo.component", "ganzoo.hookspecs", "ganzoo.registry.loading"} <= reached("ganzoo.registry")
        assert loaded(imports("def f():\n    import torch.nn"), *HEAVY) == ["torch.nn"]
        assert loaded(imports("import torchvision"), *HEAVY) == []

    @pytest.mark.parametrize(
        "call", ["torch.load(p)", "np.load(p, allow_pickle=True)", "np.load(p, allow_pickle=flag)"]
    )
    def test_a_pickle_in_disguise(self, call):
        assert unpickling(ast.parse(call))
        assert not unpickling(ast.parse("np.load(p, allow_pickle=False)"))
        assert not unpickling(ast.parse("torch.load(p, weights_only=True)"))
        assert unpickling(ast.parse("torch.load(p, weights_only=False)"))

    @pytest.mark.parametrize("call", ["open(p)", "path.open()", "path.write_text('x')"])
    def test_a_file_in_the_mathematics(self, call):
        assert opened_files(ast.parse(call))

    def test_click_by_either_name(self):
        for source in ("import click", "from click import echo", "from typer._click import echo"):
            assert loaded(imports(source), *CLICK)
        assert not loaded(imports("import typer"), *CLICK)
