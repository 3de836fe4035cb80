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
    ("no_api", "api version", "it declares no GANZOO_API; this ganzoo speaks GANZOO_API = 1"),
    ("other_api", "api version", "GANZOO_API = 2; this ganzoo speaks GANZOO_API = 1"),
    ("api_as_text", "api version", "GANZOO_API = '1'; this ganzoo speaks GANZOO_API = 1"),
    ("misspelt_hook", "hook names", "no hook 'ganzoo_component'; did you mean 'ganzoo_components'?"),
    ("misspelt_second_hook", "hook names", "no hook 'ganzoo_componets'; did you mean 'ganzoo_components'?"),
    ("unmarked_hook", "hook names", "ganzoo_components() is not marked with @ganzoo.hookspecs.hookimpl"),
    ("unmarked_misspelt_hook", "hook names", "hookimpl; did you mean 'ganzoo_components'?"),
    ("no_hook", "hook names", "it implements no hook"),
    ("class_as_hook", "hook names", "is no function"),
    ("hook_with_argument", "hook names", "Argument(s) {'config'}"),
    ("wrapper", "hook names", "is a wrapper"),
    ("raising_hook", "records", "ValueError: no components today, nor tomorrow"),
    ("exiting_hook", "records", "SystemExit: goodbye"),
    ("generator_that_fails", "records", "KeyError: 'the second'"),
    ("returns_none", "records", "returned None"),
    ("returns_one_component", "records", "returned Component"),
    ("returns_a_mapping", "records", "returned dict"),
    ("returns_strings", "records", "'nowhere:Nothing' is no Component"),
    ("invalid_records", "records", "component 'Hinge_2': name 'Hinge_2' must match"),
    ("duplicate_name", "records", "loss 'twice' is there twice"),
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
    others = {"healthy", "unknown_kind", "torch_at_import", "torch_in_hook", "prints", "install"}
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
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("source", [source for source, _, _ in BROKEN])
def test_asking_a_broken_plugin_for_a_component_is_a_plugin_error(folder, source):
    distribution = folder.install(source)
    registry, _ = load()
    with pytest.raises(PluginError, match=distribution):
        registry.get("loss", f"{distribution}/anything")
    with pytest.raises(UnknownNameError, match=f"not searched: {distribution} 1.0"):
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


def test_two_versions_in_one_folder_are_named_and_the_newer_counts(folder):
    folder.install("healthy", version="0.9")
    stale = folder.announce("healthy", {"main": "healthy", "old": "healthy_old"}, version="0.10", folder="healthy-x.dist-info")
    stale.rename(stale.with_name("healthy-0.10.dist-info"))
    registry, [problem] = load()
    assert (problem.stage, problem.severity, problem.version) == ("metadata", "warning", "0.9")
    assert "stale metadata beside version 0.10" in problem.message
    assert "healthy-0.9.dist-info" in problem.message
    assert registry.get("loss", "healthy").version == "0.10"
