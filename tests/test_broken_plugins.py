"""Plugins that are broken in every way we could think of: each is isolated, and named."""

import json
import os
import subprocess
import sys

import pytest
from broken_plugins.install import SOURCES, PluginFolder

from ganzoo.errors import ConfigError, PluginError, UnknownNameError
from ganzoo.registry import Registry

BROKEN = [
    ("import_error", "import", "ModuleNotFoundError: No module named 'a_package_that_nobody_has'"),
    ("exits_at_import", "import", "SystemExit: 0"),
    ("raises_no_exception_at_import", "import", "GeneratorExit: on its way out"),
    ("unprintable_error", "import", "UnprintableError"),
    ("no_api", "api version", "it does not declare GANZOO_API; this ganzoo supports GANZOO_API = 1"),
    ("other_api", "api version", "GANZOO_API = 2; this ganzoo supports GANZOO_API = 1"),
    ("api_as_text", "api version", "GANZOO_API = '1'; this ganzoo supports GANZOO_API = 1"),
    ("misspelt_hook", "hook names", "no hook 'ganzoo_component'; did you mean 'ganzoo_components'?"),
    ("misspelt_second_hook", "hook names", "no hook 'ganzoo_componets'; did you mean 'ganzoo_components'?"),
    ("unmarked_hook", "hook names", "ganzoo_components() is not marked with @ganzoo.hookspecs.hookimpl"),
    ("unmarked_misspelt_hook", "hook names", "hookimpl; did you mean 'ganzoo_components'?"),
    ("no_hook", "hook names", "it does not implement a hook"),
    ("class_as_hook", "hook names", "is not a function"),
    ("hook_with_argument", "hook names", "Argument(s) {'config'}"),
    ("wrapper", "hook names", "is a wrapper"),
    ("raising_hook", "records", "ValueError: no components today, nor tomorrow"),
    ("exiting_hook", "records", "SystemExit: goodbye"),
    ("generator_that_fails", "records", "KeyError: 'the second'"),
    ("returns_none", "records", "returned None"),
    ("returns_one_component", "records", "returned Component"),
    ("returns_a_mapping", "records", "returned dict"),
    ("returns_strings", "records", "'nowhere:Nothing' is not a Component"),
    ("invalid_records", "records", "component 'Hinge_2': name 'Hinge_2' must match"),
    ("duplicate_name", "records", "loss 'twice' is declared twice"),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    modules = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    monkeypatch.delenv("GANZOO_PLUGINS", raising=False)
    monkeypatch.delenv("GANZOO_DISABLE_PLUGINS", raising=False)
    yield PluginFolder(tmp_path / "site-packages")
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def load(**arguments):
    """The registry with third-party plugins of the test only, and what is said of them."""
    registry = Registry.load(**arguments)
    return registry, [problem for problem in registry.problems if problem.distribution != "ganzoo"]


def third_party(registry):
    return [entry.qualified for entry in registry.entries() if not entry.first_party]


def first_party(registry):
    return [entry for entry in registry.entries() if entry.first_party]


def run(folder, *arguments, **environ):
    """The program in a process of its own, with the folder on its path."""
    path = os.pathsep.join([str(folder.path), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200", **environ},
        cwd=folder.path.parent,
    )


def test_every_broken_plugin_is_in_this_file():
    tested = {source for source, _, _ in BROKEN}
    others = {
        "healthy",
        "disturbs",
        "fails_late",
        "wrong_parts",
        "unknown_kind",
        "torch_at_import",
        "torch_in_hook",
        "prints",
        "install",
    }
    assert {path.stem for path in SOURCES.glob("*.py")} == tested | others


@pytest.mark.parametrize(("source", "stage", "message"), BROKEN, ids=[source for source, _, _ in BROKEN])
def test_a_broken_plugin_is_left_out_and_named(folder, source, stage, message):
    distribution = folder.install(source, version="3.2")
    registry, [problem] = load()
    assert (problem.distribution, problem.version, problem.entry_point) == (distribution, "3.2", "main")
    assert (problem.stage, problem.severity) == (stage, "failure")
    assert message in problem.message
    assert third_party(registry) == []
    line = str(problem)
    assert "\n" not in line
    assert f"{distribution} 3.2" in line
    assert repr(stage) in line


@pytest.mark.parametrize(("source", "stage", "message"), BROKEN, ids=[source for source, _, _ in BROKEN])
def test_strict_raises_for_it(folder, source, stage, message):
    distribution = folder.install(source)
    with pytest.raises(PluginError) as caught:
        Registry.load(strict=True, environ={"GANZOO_PLUGINS": distribution})
    assert caught.value.exit_code == 4
    assert message in caught.value.message
    assert distribution in caught.value.message
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("source", [source for source, _, _ in BROKEN])
def test_asking_a_broken_plugin_for_a_component_is_a_plugin_error(folder, source):
    distribution = folder.install(source)
    registry, _ = load()
    with pytest.raises(PluginError, match=distribution):
        registry.get("loss", f"{distribution}/anything")
    with pytest.raises(UnknownNameError, match=f"not searched: entry point 'main' of {distribution} 1.0"):
        registry.get("loss", "no-such-loss")


def test_all_of_them_together_do_not_harm_the_others(folder):
    alone = first_party(Registry.load(plugins=False))
    for source, _, _ in BROKEN:
        folder.install(source)
    folder.install("healthy", distribution="a-healthy")
    folder.install("healthy", distribution="z-healthy")
    registry, problems = load()
    assert first_party(registry) == alone
    assert sorted(problem.distribution for problem in problems) == sorted(s.replace("_", "-") for s, _, _ in BROKEN)
    names = ("absent", "healthy", "hinge", "needy")
    assert sorted(third_party(registry)) == [f"{which}-healthy/{name}" for which in "az" for name in names]


def test_every_finding_in_a_plugins_records_is_named_at_once(folder):
    folder.install("invalid_records")
    _, [problem] = load()
    for culprit in ("'Hinge_2'", "'text-aliases'", "'no-class'", "'no-file'", "'two-lines'", "'no-kind'"):
        assert f"component {culprit}" in problem.message


def test_a_syntax_error_is_isolated(folder):
    (folder.path / "no_python.py").write_text("def (:\n")
    folder.announce("no-python", {"main": "no_python"})
    _, [problem] = load()
    assert problem.stage == "import"
    assert problem.message.startswith("SyntaxError")


def test_an_interrupt_ends_the_program(folder):
    (folder.path / "interrupted.py").write_text("raise KeyboardInterrupt\n")
    folder.announce("interrupted", {"main": "interrupted"})
    with pytest.raises(KeyboardInterrupt):
        Registry.load()


def test_an_unknown_kind_is_skipped_with_a_note(folder):
    folder.install("unknown_kind")
    registry, [problem] = load(strict=False)
    assert (problem.severity, problem.stage) == ("note", "records")
    assert "'plural' skipped: kind 'losses'" in problem.message
    assert "did you mean 'loss'" in problem.message
    assert third_party(registry) == ["unknown-kind/from-the-future"]


def test_the_hook_may_belong_to_a_later_ganzoo_if_it_says_so(folder):
    source = (SOURCES / "misspelt_second_hook.py").read_text()
    (folder.path / "later.py").write_text(source.replace('specname="', 'optionalhook=True, specname="'))
    folder.announce("later", {"main": "later"})
    assert load()[1] == []


@pytest.mark.parametrize("source", ["torch_at_import", "torch_in_hook"])
def test_importing_torch_is_a_warning_and_the_plugin_works(folder, source):
    distribution = folder.install(source)
    code = (
        "from ganzoo.registry import Registry\n"
        "registry = Registry.load()\n"
        "print(registry.get('loss', 'heavy').qualified)\n"
        "print(*(problem for problem in registry.problems if problem.distribution != 'ganzoo'), sep='\\n')\n"
    )
    done = run(folder, "-c", code)
    entry, problem = done.stdout.splitlines()
    assert entry == f"{distribution}/heavy"
    assert problem.startswith(f"plugin {distribution} 1.0: warning at stage 'import'")
    assert "imports torch" in problem


def test_metadata_whose_module_is_gone(folder):
    folder.announce("gone", {"main": "gone_for_good"})
    _, [problem] = load()
    assert problem.stage == "import"
    assert "No module named 'gone_for_good'; its metadata is stale" in problem.message


def test_a_missing_attribute_of_a_module_that_is_there(folder):
    folder.install("healthy")
    folder.announce("attribute", {"main": "healthy:nothing"})
    registry, [problem] = load()
    assert (problem.distribution, problem.stage) == ("attribute", "import")
    assert "healthy/healthy" in third_party(registry)


@pytest.mark.parametrize("value", ["healthy:foo[bar", "healthy:", "not a module"])
def test_an_entry_point_that_names_no_module(folder, value):
    folder.install("healthy")
    folder.announce("odd", {"main": value})
    _, [problem] = load()
    assert (problem.distribution, problem.stage) == ("odd", "import")
    assert problem.message == f"{value!r} is not module:attribute"


def test_what_breaks_a_rule_needs_no_traceback(folder):
    folder.install("no_api")
    folder.install("raising_hook")
    refused, raised = load()[1]
    assert refused.traceback == ""
    assert raised.traceback.startswith("Traceback")


def test_two_versions_in_one_folder_are_named_and_the_newer_counts(folder):
    folder.announce("healthy", {"main": "healthy", "old": "healthy_old"}, version="0.9")
    folder.install("healthy", version="0.10")
    registry, [problem] = load()
    assert (problem.stage, problem.severity, problem.version) == ("metadata", "warning", "0.9")
    assert "stale metadata next to version 0.10" in problem.message
    assert "healthy-0.9.dist-info" in problem.message
    assert registry.get("loss", "healthy").version == "0.10"


def test_the_same_distribution_further_down_the_path_does_not_count(folder, tmp_path, monkeypatch):
    folder.install("healthy", version="2.0")
    behind = PluginFolder(tmp_path / "behind")
    behind.install("healthy", version="3.0")
    monkeypatch.setattr(sys, "path", [*sys.path, str(behind.path), str(folder.path)])
    registry, problems = load()
    assert problems == []
    assert registry.get("loss", "healthy").version == "2.0"


def test_what_an_interrupted_pip_left_behind_is_named(folder):
    folder.install("healthy", version="2.0")
    folder.announce("healthy", {"main": "healthy"}, version="9.0", folder="~ealthy-9.0.dist-info")
    registry, [problem] = load()
    assert (problem.severity, problem.version) == ("warning", "9.0")
    assert "left behind by an interrupted pip: delete" in problem.message
    assert registry.get("loss", "healthy").version == "2.0"


@pytest.mark.parametrize("metadata", ["", "Metadata-Version: 2.1\n"], ids=["no file", "no fields"])
def test_metadata_without_name_and_version(folder, metadata):
    (folder.path / "nameless.py").write_text((SOURCES / "healthy.py").read_text())
    folder.announce(
        "Name_Less", {"main": "nameless"}, version="1.5", metadata=metadata, folder="Name_Less-1.5.dist-info"
    )
    registry, problems = load()
    assert problems == []
    assert registry.get("loss", "name-less/healthy").provider == "name-less 1.5"


def test_metadata_without_a_version_anywhere(folder):
    (folder.path / "versionless.py").write_text((SOURCES / "no_hook.py").read_text())
    folder.announce(
        "versionless", {"main": "versionless"}, metadata="Name: versionless\n", folder="versionless.dist-info"
    )
    _, [problem] = load()
    assert (problem.distribution, problem.version) == ("versionless", "unknown")


def test_entry_points_that_cannot_be_parsed(folder):
    dist_info = folder.announce("garbled", {})
    (dist_info / "entry_points.txt").write_text("[ganzoo]\nno equals sign\n")
    folder.install("healthy")
    registry, [problem] = load()
    assert (problem.distribution, problem.stage, problem.severity) == ("garbled", "metadata", "failure")
    assert "entry_points.txt" in problem.message
    assert third_party(registry)
    with pytest.raises(PluginError, match="garbled"):
        registry.get("loss", "garbled/any")


def test_unreadable_metadata_does_not_stop_the_program(folder):
    """pydantic reads the entry points of all distributions when the first model is made; this must not be the end."""
    dist_info = folder.announce("garbled", {})
    (dist_info / "entry_points.txt").write_text("[console_scripts]\nno equals sign\n")
    done = run(folder, "-m", "ganzoo", "list", "losses")
    assert (done.returncode, done.stderr) == (0, "")
    assert "hinge" in done.stdout


def test_undecodable_metadata_of_others_is_none_of_our_business(folder):
    dist_info = folder.announce("binary", {})
    (dist_info / "entry_points.txt").write_bytes(b"\xff\xfe[console_scripts]\n")
    assert load()[1] == []


def test_the_same_module_announced_twice_is_loaded_once(folder):
    folder.install("healthy")
    folder.announce("impostor", {"main": "healthy"})
    registry, [problem] = load()
    assert problem.distribution == "impostor"
    assert "'healthy' is already loaded as healthy:main" in problem.message
    assert {entry.distribution for entry in registry.entries() if not entry.first_party} == {"healthy"}


def test_a_third_party_cannot_come_before_ganzoo(folder):
    alone = first_party(Registry.load(plugins=False))
    folder.announce("aaa", {"a": "ganzoo_losses"})
    registry, [problem] = load()
    assert first_party(registry) == alone
    assert "'ganzoo_losses' is already loaded as ganzoo:losses" in problem.message


def test_the_order_of_loading_is_fixed(folder):
    for distribution in ("zeta", "alpha"):
        folder.announce(distribution, {"two": "gone_for_good", "one": "gone_for_good"})
    order = [(problem.distribution, problem.entry_point) for problem in load()[1]]
    assert order == [("alpha", "one"), ("alpha", "two"), ("zeta", "one"), ("zeta", "two")]


def test_two_entry_points_of_one_name(folder):
    folder.install("healthy")
    folder.install("no_hook", distribution="other")
    (folder.path / "healthy-1.0.dist-info" / "entry_points.txt").write_text("[ganzoo]\nmain=healthy\nmain=other\n")
    registry, problems = load()
    assert "two entry points called 'main'" in next(p for p in problems if p.distribution == "healthy").message
    assert registry.get("loss", "healthy").entry_point == "main"


def test_one_name_in_two_entry_points_of_a_distribution(folder):
    folder.install("healthy")
    (folder.path / "second.py").write_text((SOURCES / "healthy.py").read_text())
    (folder.path / "healthy-1.0.dist-info" / "entry_points.txt").write_text("[ganzoo]\nb=second\na=healthy\n")
    registry, [problem] = load()
    assert (problem.entry_point, problem.stage) == ("b", "records")
    assert "loss 'healthy' is also declared in its entry point 'a'" in problem.message
    assert registry.get("loss", "healthy").component.target == "healthy:Healthy"


def test_a_plugin_may_be_an_object_in_a_module(folder):
    (folder.path / "with_object.py").write_text(
        "from ganzoo.component import Component\n"
        "from ganzoo.hookspecs import hookimpl\n"
        "class Plugin:\n"
        "    GANZOO_API = 1\n"
        "    @hookimpl\n"
        "    def ganzoo_components(self):\n"
        "        return [Component(kind='loss', name='object', target='nowhere:Nothing', summary='from a method')]\n"
        "plugin = Plugin()\n"
    )
    folder.announce("with-object", {"main": "with_object:plugin"})
    registry, problems = load()
    assert problems == []
    assert third_party(registry) == ["with-object/object"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("absent", "AttributeError: .* has no attribute 'Absent'"), ("needy", "needs no_such, which is not installed")],
)
def test_a_component_that_cannot_be_imported_is_a_plugin_error_when_asked_for(folder, name, message):
    folder.install("healthy", version="4.5")
    registry, problems = load()
    assert problems == []
    with pytest.raises(PluginError, match=message) as caught:
        registry.options("loss", name)
    assert f"loss '{name}' of healthy 4.5" in caught.value.message
    assert caught.value.exit_code == 4
    assert "pip install" in caught.value.hint


def test_a_target_that_is_no_options_class(folder):
    text = (SOURCES / "healthy.py").read_text().replace("class Healthy(Options)", "class Healthy")
    (folder.path / "plain.py").write_text(text)
    folder.announce("plain", {"main": "plain"})
    with pytest.raises(PluginError, match=r"'plain:Healthy' is not a subclass of ganzoo\.component\.Options"):
        load()[0].options("loss", "healthy")


class TestSelection:
    def test_an_empty_allow_list_means_first_party_only(self, folder):
        folder.install("healthy")
        registry, problems = load(environ={"GANZOO_PLUGINS": ""})
        assert (third_party(registry), problems) == ([], [])
        assert first_party(registry)

    def test_without_plugins_nothing_of_them_is_imported_or_reported(self, folder):
        folder.install("exits_at_import")
        folder.announce("healthy", {"main": "healthy"}, version="0.9")
        folder.install("healthy")
        registry, problems = load(plugins=False)
        assert (third_party(registry), problems) == ([], [])
        with pytest.raises(ConfigError, match="plugin healthy is disabled by --no-plugins"):
            registry.get("loss", "healthy/healthy")

    def test_the_allow_list_names_distributions_in_any_spelling(self, folder):
        folder.install("healthy", distribution="one-healthy")
        folder.install("healthy", distribution="two-healthy")
        registry, problems = load(environ={"GANZOO_PLUGINS": " One_Healthy , ganzoo"})
        assert {entry.distribution for entry in registry.entries()} == {"ganzoo", "one-healthy"}
        assert problems == []
        with pytest.raises(ConfigError, match="two-healthy is disabled by GANZOO_PLUGINS"):
            registry.get("loss", "two-healthy/healthy")

    def test_a_disabled_plugin_is_not_imported(self, folder):
        folder.install("exits_at_import")
        folder.install("healthy")
        environ = {"GANZOO_DISABLE_PLUGINS": "exits-at-import", "GANZOO_PLUGINS": "exits-at-import,healthy"}
        registry, problems = load(environ=environ)
        assert problems == []
        assert {entry.distribution for entry in registry.entries()} == {"ganzoo", "healthy"}

    def test_names_without_effect_are_named(self, folder):
        folder.install("healthy")
        registry = Registry.load(environ={"GANZOO_PLUGINS": "helthy", "GANZOO_DISABLE_PLUGINS": "1,ganzoo"})
        lines = [str(problem) for problem in registry.problems if problem.stage == "selection"]
        assert len(lines) == 3
        assert "plugin helthy: warning" in lines[0]
        assert "did you mean 'healthy'?" in lines[0]
        assert "not an installed plugin (installed: healthy)" in lines[1]
        assert "first-party components cannot be disabled" in lines[2]


class TestTheProgram:
    def test_it_lists_what_works_and_names_what_does_not(self, folder):
        for source in ("exits_at_import", "misspelt_hook", "prints", "healthy"):
            folder.install(source)
        done = run(folder, "-m", "ganzoo", "list", "losses", "--json")
        assert done.returncode == 0, done.stderr
        rows = {row["qualified"]: row["status"] for row in json.loads(done.stdout)}
        assert rows["prints/talkative"] == "ok"
        assert rows["healthy/hinge"] == "shadowed"
        assert rows["healthy/needy"] == "missing"
        lines = [line for line in done.stderr.splitlines() if line.startswith("ganzoo: plugin")]
        assert [line.split()[2] for line in lines] == ["exits-at-import", "misspelt-hook"]

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (["info", "healthy"], 0),
            (["info", "exits-at-import/any"], 4),
            (["info", "healthy/absent"], 4),
            (["info", "no-such-name"], 2),
            (["--no-plugins", "info", "healthy"], 2),
            (["--strict", "list"], 4),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
    )
    def test_exit_codes(self, folder, arguments, code):
        folder.install("exits_at_import")
        folder.install("healthy")
        done = run(folder, "-m", "ganzoo", *arguments)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
