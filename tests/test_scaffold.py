"""New plugins as text: their names, their files, and that these are as tidy as our own."""

import ast
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ganzoo.component import FILES, KINDS
from ganzoo.errors import ConfigError, ResourceError, UnknownNameError
from ganzoo.registry import Registry
from ganzoo.scaffold import planned, written
from ganzoo.scaffold.names import LONGEST, class_name, component_name, distribution_name, module_name
from ganzoo.scaffold.package import ASKED_FOR_BY

ROOT = Path(__file__).parents[1]
REGISTRY = Registry.load(plugins=False)
LONG = "ganzoo-" + "x" * (LONGEST - len("ganzoo-"))


def plan(name="ganzoo-mine", *kinds, **more):
    return planned(REGISTRY, name, kinds=kinds or ("loss",), **more)


class TestNames:
    @pytest.mark.parametrize(
        ("given", "name"),
        [
            ("ganzoo-soft-hinge", "ganzoo-soft-hinge"),
            ("Ganzoo_Soft.Hinge", "ganzoo-soft-hinge"),
            ("x", "x"),
            ("gan2", "gan2"),
            (LONG, LONG),
        ],
    )
    def test_distributions(self, given, name):
        assert distribution_name(given) == name

    @pytest.mark.parametrize(
        "given", ["", " ", "-mine", "mine-", "2gan", "a/b", "../mine", "mine@1", "größe", f"{LONG}x", "a b"]
    )
    def test_what_no_distribution_is_called(self, given):
        with pytest.raises(ConfigError, match="not a valid plugin name"):
            distribution_name(given)

    @pytest.mark.parametrize(
        ("given", "owner"),
        [
            ("ganzoo", "already installed"),
            ("Ganzoo", "already installed"),
            ("ganzoo-losses", "already installed"),
            ("torch", "already installed"),
            ("json", "part of Python itself"),
            ("class", "part of Python itself"),
            ("tests", "the folder of its tests"),
        ],
    )
    def test_a_package_that_would_hide_another(self, given, owner):
        with pytest.raises(ConfigError, match=f"would contain the Python package .*, which is {owner}"):
            distribution_name(given)

    def test_a_folder_beside_is_no_package(self, tmp_path, monkeypatch):
        (tmp_path / "novelty").mkdir()
        monkeypatch.syspath_prepend(tmp_path)
        assert distribution_name("novelty") == "novelty"

    def test_a_plugin_that_is_installed_may_be_written_anew(self, tmp_path, monkeypatch):
        (tmp_path / "ganzoo_there.py").touch()
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(ConfigError, match="already installed"):
            distribution_name("ganzoo-there")
        metadata = tmp_path / "ganzoo_there-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: ganzoo-there\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[ganzoo]\nmain = ganzoo_there\n")
        assert distribution_name("ganzoo-there") == "ganzoo-there"

    @pytest.mark.parametrize("given", ["soft-hinge", "soft_hinge"])
    def test_components(self, given):
        assert component_name(given, kind="loss") == "soft-hinge"
        assert (module_name("soft-hinge"), class_name("soft-hinge")) == ("soft_hinge", "SoftHinge")

    @pytest.mark.parametrize("given", ["SoftHinge", "3d", "soft--hinge", "-x", "", "x" * (LONGEST + 1), "a/b"])
    def test_what_no_component_is_called(self, given):
        with pytest.raises(ConfigError, match="not a valid name for a loss"):
            component_name(given, kind="loss")

    @pytest.mark.parametrize(("given", "word"), [("class", "class"), ("none", "None"), ("exception", "Exception")])
    def test_words_of_python(self, given, word):
        with pytest.raises(ConfigError, match=f"{word} is a keyword or builtin of Python") as error:
            component_name(given, kind="loss")
        assert error.value.hint == f"--component my-{given}"


class TestPlanning:
    def test_a_loss_named_for_the_plugin(self):
        [part] = plan("ganzoo-soft-hinge").parts
        assert (part.kind, part.name, part.wanted_as, part.file) == (
            "loss",
            "soft-hinge",
            "soft-hinge",
            "soft_hinge.py",
        )

    def test_several_kinds_in_any_form(self):
        parts = plan("ganzoo-lab", "losses", "disc", "gen", "recipe").parts
        assert [(part.kind, part.name) for part in parts] == [
            ("loss", "lab-loss"),
            ("discriminator", "lab-discriminator"),
            ("generator", "lab-generator"),
            ("recipe", "lab-recipe"),
        ]
        assert parts[-1].file == "lab-recipe.yaml"
        assert [part.name for part in plan("lab", "loss", "disc", component="a_b").parts] == [
            "a-b-loss",
            "a-b-discriminator",
        ]

    def test_the_command_that_uses_all_of_them(self):
        assert plan("ganzoo-lab", "loss", "metric").run == (
            "ganzoo run --loss lab-loss --set metrics=lab-metric --steps 100"
        )

    @pytest.mark.parametrize(
        ("kinds", "error", "message"),
        [
            (("loss", "losses"), ConfigError, "--kind loss is given more than once without a name"),
            (("loss:a", "loss:a"), ConfigError, "the loss a is asked for twice"),
            (("loss:",), ConfigError, "a name is missing behind the colon"),
            (("los",), UnknownNameError, "did you mean 'loss'"),
        ],
    )
    def test_kinds_that_are_not_written(self, kinds, error, message):
        with pytest.raises(error, match=message):
            plan("ganzoo-mine", *kinds)

    def test_several_of_a_kind_by_their_names(self):
        plugin = plan("ganzoo-lab", "loss:adaptive-hinge", "losses:soft_hinge", "disc", "recipe:demo")
        assert [(part.kind, part.name) for part in plugin.parts] == [
            ("loss", "adaptive-hinge"),
            ("loss", "soft-hinge"),
            ("discriminator", "lab"),
            ("recipe", "demo"),
        ]
        assert plugin.run == "ganzoo run --loss adaptive-hinge --disc lab --config demo --steps 100"
        files = plugin.files()
        assert {"ganzoo_lab/adaptive_hinge.py", "ganzoo_lab/soft_hinge.py", "tests/test_soft_hinge.py"} <= files.keys()
        assert files["ganzoo_lab/__init__.py"].count("Component(") == 4

    def test_two_components_with_one_file(self):
        with pytest.raises(ConfigError, match=r"ganzoo_lab/soft\.py is a file of another component") as error:
            plan("ganzoo-lab", "loss:soft", "disc:soft").files()
        assert error.value.hint == "--kind discriminator:my-soft"

    def test_a_name_that_is_taken_is_asked_for_in_full(self):
        assert plan("ganzoo-hinge").run == "ganzoo run --loss ganzoo-hinge/hinge --steps 100"
        assert plan("ganzoo-mse").parts[0].wanted_as == "mse", "an alias never hides a name"
        assert plan("ganzoo-dcgan", "loss").parts[0].wanted_as == "dcgan", "only of its own kind"

    @pytest.mark.parametrize(
        ("kind", "name", "reason"),
        [
            ("loss", "options", "its file already imports a different Options"),
            ("discriminator", "discriminator", "its file already imports a different Discriminator"),
            ("dataset", "tensor", "its file already imports a different Tensor"),
            ("loss", "conformance", "tests/test_conformance.py is a file of every plugin"),
        ],
    )
    def test_a_name_that_its_own_files_need(self, kind, name, reason):
        with pytest.raises(ConfigError, match=f"cannot be called {name}: {reason}"):
            plan("ganzoo-mine", kind, component=name).files()

    def test_the_same_name_where_its_file_does_not_need_it(self):
        assert (
            "class Discriminator(Options)"
            in plan("ganzoo-mine", component="discriminator").files()["ganzoo_mine/discriminator.py"]
        )


class TestTheFiles:
    def test_there_is_a_template_of_every_kind(self):
        assert set(ASKED_FOR_BY) == {kind.name for kind in KINDS}

    def test_every_template_becomes_part_of_a_plugin(self):
        """What no plugin holds a line of is left over."""
        text = "".join("".join(plan("ganzoo-mine", kind).files().values()) for kind in ASKED_FOR_BY)
        templates = sorted((ROOT / "ganzoo" / "scaffold" / "templates").rglob("*.template"))
        assert len(templates) == 7 + 3 * len(ASKED_FOR_BY)
        for path in templates:
            plain = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and "$" not in line]
            assert all(line in text for line in plain), path

    @pytest.mark.parametrize("kind", ASKED_FOR_BY)
    def test_names_agree_everywhere(self, kind):
        files = plan("ganzoo-lab", kind, component="wide-thing").files()
        assert "tests/test_wide_thing.py" in files
        record = files["ganzoo_lab/__init__.py"]
        if kind in FILES:
            assert 'target="ganzoo_lab:wide-thing.yaml"' in record
            assert yaml.safe_load(files["ganzoo_lab/wide-thing.yaml"])["version"] == 1
            return
        assert 'target="ganzoo_lab.wide_thing:WideThing"' in record
        classes = [node for node in ast.parse(files["ganzoo_lab/wide_thing.py"]).body if isinstance(node, ast.ClassDef)]
        assert classes[0].name == "WideThing"
        assert ast.get_docstring(classes[0])

    def test_the_workflow_checks_what_is_published(self):
        workflow = yaml.safe_load(plan("ganzoo-lab").files()[".github/workflows/ci.yml"])
        steps = [step["run"] for step in workflow["jobs"]["test"]["steps"] if "run" in step]
        assert "download.pytorch.org/whl/cpu" in steps[0]
        assert steps[-2:] == ["python -m pytest", "ganzoo check --dist ganzoo-lab"]

    def test_no_license_is_chosen(self):
        files = plan("ganzoo-lab").files()
        assert "LICENSE" not in files
        assert "license =" not in files["pyproject.toml"]
        assert "No license was chosen for you" in files["README.md"]


@pytest.fixture(scope="module", params=["short", "long"])
def folder(request, tmp_path_factory):
    """A plugin of each kind, and one of two, with names as short or as long as they may be."""
    out = tmp_path_factory.mktemp(request.param)
    for kind in ASKED_FOR_BY:
        name, component = f"q-{kind}", "q"
        if request.param == "long":
            name, component = f"{name}-{'n' * LONGEST}"[:LONGEST], "-".join("component")[:9] + "c" * (LONGEST - 9)
        written(plan(name, kind, component=component), out)
    written(plan("ganzoo-both", "loss", "discriminator"), out)
    return out


class TestTidiness:
    @pytest.mark.parametrize("rules", ["ours", "its own"])
    @pytest.mark.parametrize("arguments", [("format", "--check"), ("check",)], ids=lambda arguments: arguments[0])
    def test_ruff(self, folder, arguments, rules):
        for plugin in sorted(folder.iterdir()):
            config = ("--config", ROOT / "pyproject.toml") if rules == "ours" else ()
            ended = call("ruff", *arguments, "--no-cache", *config, ".", cwd=plugin)
            assert ended.returncode == 0, ended.stdout + ended.stderr

    @pytest.mark.parametrize("folder", ["short"], indirect=True)
    def test_mypy(self, folder):
        packages = [path.parent for path in sorted(folder.glob("*/*/__init__.py"))]
        assert len(packages) == len(ASKED_FOR_BY) + 1
        ended = call("mypy", *packages, cwd=ROOT)  # strict, and with what `make lint` knows of torch
        assert ended.stdout.startswith("Success: no issues found"), ended.stdout + ended.stderr


def call(tool, *arguments, cwd):
    command = [sys.executable, "-m", tool, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


class TestWriting:
    def test_every_file_and_nothing_else(self, tmp_path):
        plugin = plan("ganzoo-mine", "loss", "recipe")
        target = written(plugin, tmp_path)
        found = {
            path.relative_to(target).as_posix(): path.read_text("utf-8")
            for path in target.rglob("*.*")
            if path.is_file()
        }
        assert found == plugin.files()
        assert [path.name for path in tmp_path.iterdir()] == ["ganzoo-mine"]

    def test_others_may_read_it_where_others_may_read_what_is_beside(self, tmp_path):
        (tmp_path / "beside").mkdir()
        target = written(plan(), tmp_path)
        assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE((tmp_path / "beside").stat().st_mode)

    def test_what_is_there_stays_as_it_is(self, tmp_path):
        for make in (Path.mkdir, Path.touch, lambda path: path.symlink_to(tmp_path / "nowhere")):
            target = tmp_path / "ganzoo-mine"
            make(target)
            with pytest.raises(ConfigError, match="ganzoo-mine already exists, and ganzoo does not") as error:
                written(plan(), tmp_path)
            assert error.value.hint == "ganzoo new-plugin ganzoo-mine --out DIR, or choose another NAME"
            assert [path.name for path in tmp_path.iterdir()] == ["ganzoo-mine"]
            target.rmdir() if target.is_dir() else target.unlink()

    def test_there_must_be_a_folder_for_it(self, tmp_path):
        with pytest.raises(ConfigError, match="there is no folder"):
            written(plan(), tmp_path / "nowhere")
        assert list(tmp_path.iterdir()) == []

    def test_nothing_is_left_of_what_cannot_be_written(self, tmp_path):
        resource = pytest.importorskip("resource", reason="limits of file sizes are Unix's")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        texts = plan().files()
        assert len(texts["pyproject.toml"]) < 800 < len(texts["README.md"]), "so that it fails in the middle"
        resource.setrlimit(resource.RLIMIT_FSIZE, (800, before[1]))
        try:
            with pytest.raises(ResourceError, match=r"cannot write .*ganzoo-mine: File too large"):
                written(plan(), tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert list(tmp_path.iterdir()) == []
