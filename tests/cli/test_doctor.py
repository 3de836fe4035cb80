"""``ganzoo doctor``: what is wrong is found, has a fix, and never ends the report."""

import json
import os
import re
import subprocess
import sys
from contextlib import nullcontext
from importlib.metadata import requires
from importlib.metadata import version as installed_version
from types import SimpleNamespace

import pytest
import torch
from broken_plugins.install import SOURCES, PluginFolder

from ganzoo.doctor import child, device_probe, versions
from ganzoo.doctor.devices import device_checks
from ganzoo.doctor.diagnosis import Diagnosis, exit_code
from ganzoo.doctor.folders import folder_checks, write_and_remove
from ganzoo.doctor.plugin_probe import loading_checks
from ganzoo.doctor.plugins import plugin_checks
from ganzoo.doctor.versions import optional_checks, version_checks
from ganzoo.registry import own_upgrade
from ganzoo.training.runtime import pick_device

HARMLESS = {
    "disturbs",
    "fails_late",
    "wrong_parts",
    "healthy",
    "unknown_kind",
    "torch_at_import",
    "torch_in_hook",
    "prints",
    "install",
}
RAISING = {
    "import_error",
    "exits_at_import",
    "raises_no_exception_at_import",
    "unprintable_error",
    "hook_with_argument",
    "raising_hook",
    "exiting_hook",
    "generator_that_fails",
}
"""What ends by an exception of its own: the message of the others says it all."""
BROKEN = sorted({path.stem for path in SOURCES.glob("*.py")} - HARMLESS)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    modules = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    yield PluginFolder(tmp_path / "site-packages")
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def fake_torch(tmp_path, monkeypatch):
    """Puts a package ``torch`` in front of the real one, for processes that are started."""

    def install(source):
        (tmp_path / "in_front").mkdir()
        (tmp_path / "in_front" / "torch.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "in_front"))

    return install


def named(checks, name):
    [check] = [check for check in checks if check.name == name]
    return check


def faults(checks):
    return [check for check in checks if check.status == "fault"]


class TestTheReport:
    def test_where_nothing_is_wrong(self, ganzoo, tmp_path):
        outcome = ganzoo("--no-plugins doctor --json")
        assert (outcome.code, outcome.json["exit_code"]) == (0, 0)
        checks = {(check["section"], check["name"]): check for check in outcome.json["checks"]}
        assert {check["status"] for check in checks.values()} <= {"ok", "note"}
        assert checks["versions", "torch"]["text"] == installed_version("torch")
        assert checks["devices", "torch"]["text"] == torch.__version__
        assert checks["devices", "auto"]["text"] == f"runtime.device: auto selects {pick_device('auto')}"
        assert "off the exact result" in checks["devices", "computation"]["text"]
        assert f"{torch.get_num_threads()} torch thread" in checks["devices", "CPU"]["text"]
        assert " cores are free; threads " in checks["devices", "load"]["text"]
        assert re.fullmatch(r"[\d.]+ GiB, ([\d.]+ [GM]iB free|free: unknown)", checks["devices", "memory"]["text"])
        assert os.environ["GANZOO_CACHE"] in checks["folders", "cache"]["text"]
        assert str(tmp_path / "runs") in checks["folders", "runs"]["text"]
        assert list(tmp_path.iterdir()) == []

    def test_the_page_survives_a_terminal_without_unicode(self, folder):
        folder.install("other_api")
        folder.install("import_error")
        folder.install("healthy")
        ended = subprocess.run(
            [sys.executable, "-m", "ganzoo", "doctor"],
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(folder.path), "PYTHONIOENCODING": "ascii"},
            cwd=folder.path,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (4, b"")
        lines = ended.stdout.decode("ascii").splitlines()
        assert (
            "  X other-api       1.0: left out at stage 'api version' (entry point 'main'): it is written for"
            in "\n".join(lines)
        )
        assert f"      next: {own_upgrade()}" in lines
        assert "      or:   disable it: GANZOO_DISABLE_PLUGINS=other-api" in lines
        assert any(line.startswith("      | Traceback") for line in lines)
        assert "  + healthy         1.0: 4 losses" in lines
        assert "  ! loss needy  needs no_such, which is not installed" in lines
        assert lines[-1] == "at fault: import-error, other-api, healthy/absent"

    def test_marks_where_the_terminal_has_them(self, ganzoo, fake_torch):
        fake_torch("raise SystemExit(0)")
        lines = ganzoo("--no-plugins doctor").out.splitlines()
        assert any(line.startswith("  ✓ Python") for line in lines)

    def test_whatever_breaks_the_rest_is_there(self, ganzoo, monkeypatch, fake_torch):
        class Finder:
            def find_spec(self, *_):
                return None

            def find_distributions(self, *_):
                raise ZeroDivisionError("no distributions today")

        monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
        fake_torch("raise ImportError('no torch today')")
        outcome = ganzoo("--no-plugins doctor --json")
        assert outcome.code == 6
        checks = outcome.json["checks"]
        assert [(check["section"], check["name"]) for check in checks if check["status"] == "fault"] == [
            ("devices", "torch"),
            ("plugins", "doctor"),
        ]
        broken = checks[-1]
        assert broken["text"] == "could not continue: ZeroDivisionError: no distributions today"
        assert "in find_distributions" in broken["traceback"]


class TestExitCodes:
    def check(self, section, status):
        return Diagnosis(section=section, name="x", status=status, text="")

    @pytest.mark.parametrize(
        ("found", "code"),
        [
            ([], 0),
            ([("plugins", "note"), ("optional packages", "note"), ("versions", "note"), ("folders", "note")], 0),
            ([("plugins", "fault")], 4),
            ([("devices", "fault")], 6),
            ([("folders", "fault")], 6),
            ([("versions", "fault")], 6),
            ([("plugins", "fault"), ("folders", "fault")], 6),
        ],
    )
    def test_the_machine_outweighs_a_plugin(self, found, code):
        assert exit_code(self.check(*one) for one in found) == code


class TestDevices:
    def test_a_torch_that_cannot_be_imported(self, fake_torch):
        fake_torch("raise ImportError('libtorch.so: cannot open shared object file')")
        [check] = device_checks()
        assert check.status == "fault"
        assert check.text == "cannot be imported: ImportError: libtorch.so: cannot open shared object file"
        assert "torch.py" in check.traceback
        assert check.fixes == ("python -m pip install --force-reinstall torch",)

    @pytest.mark.parametrize("code", [0, 3])
    def test_a_torch_that_ends_its_process(self, fake_torch, code):
        fake_torch(f"import os; os._exit({code})")
        [check] = device_checks()
        assert check.text.startswith(f"cannot be imported: ended with exit code {code}")

    def test_a_torch_that_takes_its_process_with_it(self, fake_torch):
        fake_torch("import os, signal; os.kill(os.getpid(), signal.SIGILL)")
        [check] = device_checks()
        assert check.text == "cannot be imported: ended by signal 4 (Illegal instruction)"

    def test_a_torch_that_breaks_after_its_import(self, fake_torch):
        fake_torch("print('hello')\n__version__ = '0.0'\n")
        found = list(device_checks())
        assert (found[0].name, found[0].text, found[0].status) == ("torch", "0.0", "ok")
        assert found[-1].text.startswith("cannot be used: ")
        assert found[-1].fixes[0] == "ganzoo run --device cpu"

    def test_a_torch_that_never_answers(self, fake_torch, monkeypatch):
        monkeypatch.setattr(child, "PATIENCE", 1)
        fake_torch("import time; time.sleep(60)")
        [check] = device_checks()
        assert check.text == "cannot be imported: no answer within 1 seconds"

    def test_a_file_in_the_current_folder_does_not_stand_in_for_torch(self, tmp_path, monkeypatch):
        (tmp_path / "torch.py").write_text("raise ImportError('me?')")
        monkeypatch.chdir(tmp_path)
        assert faults(device_checks()) == []

    def test_a_device_that_computes_wrong_numbers(self, monkeypatch):
        right = torch.nn.functional.conv2d
        assert device_probe._difference(torch.device("cpu")) < 1e-5

        def wrong(images, kernel):
            return right(images, kernel) * (1.1 if images.dtype == torch.float32 else 1)

        monkeypatch.setattr(torch.nn.functional, "conv2d", wrong)
        with pytest.raises(ArithmeticError, match="cpu computes wrong numbers"):
            device_probe._difference(torch.device("cpu"))

    @pytest.mark.parametrize(("major", "bf16"), [(9, "bf16"), (7, "no bf16")])
    def test_how_a_gpu_is_shown(self, monkeypatch, major, bf16):
        """Only the words: torch is told that there is one."""
        gpu = SimpleNamespace(name="Some GPU", total_memory=80 * 2**30, major=major)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "device", nullcontext)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: gpu)
        [probe] = device_probe._gpus()
        assert (probe.name, probe.text) == ("cuda:0", f"Some GPU, 80.0 GiB, {bf16}")


class TestFolders:
    def test_nothing_is_left_behind(self, tmp_path):
        write_and_remove(tmp_path / "a" / "b")
        assert list(tmp_path.iterdir()) == []

    def test_what_was_there_stays(self, tmp_path):
        (tmp_path / "kept" / "empty").mkdir(parents=True)
        (tmp_path / "kept" / "file").touch()
        write_and_remove(tmp_path / "kept")
        write_and_remove(tmp_path / "kept" / "empty" / "new")
        assert sorted(path.name for path in tmp_path.rglob("*")) == ["empty", "file", "kept"]

    def test_a_cache_that_cannot_be_written(self, ganzoo, tmp_path, monkeypatch, fake_torch):
        (tmp_path / "file").touch()
        monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "file" / "cache"))
        outcome = ganzoo("--no-plugins doctor --json")
        assert outcome.code == 6
        [fault] = [check for check in outcome.json["checks"] if check["status"] == "fault"]
        assert (fault["section"], fault["name"]) == ("folders", "cache")
        assert "Not a directory" in fault["text"]
        assert fault["fixes"] == ["set GANZOO_CACHE to a writable folder"]
        assert "write_and_remove" in fault["traceback"]

    def test_a_cache_in_the_home_of_nobody(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("GANZOO_CACHE", "~nosuchuser/x")
        cache, runs = folder_checks()
        assert (cache.status, runs.status) == ("fault", "ok")
        assert cache.text == "GANZOO_CACHE begins with a home folder that does not exist: ~nosuchuser/x"
        assert cache.fixes == ("set GANZOO_CACHE to a writable folder",)

    def test_the_cache_is_tried_whatever_torch_does(self, ganzoo, fake_torch):
        fake_torch("raise ImportError('no torch today')")
        checks = ganzoo("--no-plugins doctor --json").json["checks"]
        [cache] = [check for check in checks if check["name"] == "cache"]
        assert (cache["section"], cache["status"]) == ("folders", "ok")

    def test_a_current_folder_that_was_deleted(self, tmp_path, monkeypatch):
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        cache, runs = folder_checks()
        assert (cache.status, runs.status) == ("ok", "fault")
        assert runs.text == "the current folder is not writable: No such file or directory"
        assert runs.fixes == ("work in another folder, or use: ganzoo run --runs DIR",)

    def test_a_folder_of_runs_that_cannot_be_written(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "runs").touch()
        monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
        cache, runs = folder_checks()
        assert (cache.status, runs.status) == ("ok", "fault")
        assert str(tmp_path / "runs") in runs.text
        assert "GiB free" in cache.text


class TestVersions:
    def test_every_declared_dependency_is_shown(self):
        checks = {check.name: check for check in version_checks()}
        always = [line for line in requires("ganzoo") if "extra ==" not in line]
        assert always
        for line in always:
            name = line.split(">=")[0]
            assert (checks[name].status, checks[name].text) == ("ok", installed_version(name))

    def test_what_plots_need_is_no_fault(self, monkeypatch):
        monkeypatch.setattr(versions, "find_spec", lambda name: None)
        [check] = optional_checks()
        assert (check.status, check.text) == ("note", "is not installed; ganzoo plot needs it")
        assert check.fixes == ("python -m pip install 'ganzoo[plot]'",)
        monkeypatch.setattr(versions, "find_spec", lambda name: "it is there")
        assert list(optional_checks()) == []

    def announce(self, folder, *requirements):
        lines = [
            "Metadata-Version: 2.1",
            "Name: ganzoo",
            "Version: 9.9",
            *(f"Requires-Dist: {r}" for r in requirements),
        ]
        folder.announce("ganzoo", {}, version="9.9", metadata="\n".join([*lines, ""]))
        return list(version_checks())

    def test_a_missing_dependency_is_a_fault_and_conditional_ones_are_passed_over(self, folder):
        conditional = ("not-for-here; python_version < '3'", "no-such-two[x]>=1; extra == 'show'")
        checks = self.announce(folder, "numpy>=1", "no-such-one<2,>=1", *conditional)
        assert named(checks, "ganzoo").text == "9.9"
        [missing] = faults(checks)
        assert (missing.name, missing.text) == ("no-such-one", "is not installed")
        assert missing.fixes == ("python -m pip install no-such-one",)
        assert {check.name for check in checks} == {"Python", "platform", "ganzoo", "numpy", "no-such-one"}

    @pytest.mark.parametrize(
        ("found", "bound", "enough"),
        [
            ("1.0", ">=2.10", False),
            ("2.9.1", ">=2.10", False),
            ("2.9.1+cpu", "<3,>=2.10", False),
            ("2.10", ">=2.10.0", True),
            ("2.10.0+cpu", ">=2.10", True),
            ("2.13.0", ">=2.10", True),
            ("10", ">= 9.5", True),
            ("0.1", "", True),
            ("0.1", "<1", True),
        ],
    )
    def test_a_version_below_the_declared_one_is_a_fault(self, folder, found, bound, enough):
        folder.announce("dependency", {}, version=found)
        check = named(self.announce(folder, f"dependency{bound}"), "dependency")
        assert (check.status == "ok", check.text == found) == (enough, enough)
        if not enough:
            assert check.text == f"{found}, but ganzoo needs 2.10 or later"
            assert check.fixes == ("python -m pip install 'dependency>=2.10'",)


class TestPlugins:
    def test_every_broken_plugin_is_a_fault_with_fixes(self, folder):
        names = sorted(folder.install(source) for source in BROKEN)
        found = faults(loading_checks())
        assert sorted(check.name for check in found) == names
        for check in found:
            assert check.text.startswith("1.0: left out at stage ")
            assert "\n" not in check.text
            assert len(check.fixes) >= 2
            assert check.fixes[-1] == f"disable it: GANZOO_DISABLE_PLUGINS={check.name}"
        assert {check.name for check in found if check.traceback} == {name.replace("_", "-") for name in RAISING}
        assert exit_code(found) == 4

    def test_leaving_them_out_one_by_one_as_told_mends_all(self, folder, monkeypatch):
        for source in ("import_error", "other_api", "raising_hook"):
            folder.install(source)
        for left in (3, 2, 1):
            found = faults(loading_checks())
            assert len(found) == left
            variable, _, value = found[0].fixes[-1].removeprefix("disable it: ").partition("=")
            monkeypatch.setenv(variable, value)
        checks = list(loading_checks())
        assert exit_code(checks) == 0
        assert named(checks, "raising-hook").text == "1.0: disabled by GANZOO_DISABLE_PLUGINS"

    @pytest.mark.parametrize(
        ("source", "fix"),
        [
            ("import_error", "python -m pip install a_package_that_nobody_has  # an import name"),
            ("other_api", own_upgrade()),
            ("no_api", "python -m pip install --upgrade no-api"),
            ("misspelt_hook", "python -m pip install --upgrade misspelt-hook"),
            ("returns_none", "python -m pip install --upgrade returns-none"),
        ],
    )
    def test_the_first_fix(self, folder, source, fix):
        name = folder.install(source)
        assert named(loading_checks(), name).fixes[0].startswith(fix)

    def test_a_module_of_a_newer_ganzoo(self, folder):
        (folder.path / "early.py").write_text("import ganzoo.something_new\n")
        folder.announce("early", {"main": "early"})
        assert named(loading_checks(), "early").fixes[0] == own_upgrade()

    def test_a_plugin_is_mended_from_where_it_came(self, folder):
        folder.install("no_api")
        record = {"url": "file:///my/plugin", "dir_info": {"editable": True}}
        (folder.path / "no_api-1.0.dist-info" / "direct_url.json").write_text(json.dumps(record))
        assert named(loading_checks(), "no-api").fixes[0] == "python -m pip install --upgrade -e /my/plugin"

    def test_stale_metadata(self, folder):
        folder.announce("gone", {"main": "gone_for_good"})
        fixes = named(loading_checks(), "gone").fixes
        assert fixes[:2] == (
            "python -m pip install --force-reinstall --no-deps gone==1.0",
            "python -m pip uninstall gone",
        )

    def test_leftovers_are_notes_and_gone_once_deleted_as_told(self, folder):
        folder.install("healthy", version="2.0")
        stale = folder.announce("healthy", {"main": "healthy"}, version="1.0")
        [check] = [check for check in loading_checks() if check.name == "healthy" and check.status == "note"]
        assert check.fixes == (f"delete the folder {stale}",)
        for path in (*stale.iterdir(),):
            path.unlink()
        stale.rmdir()
        assert named(loading_checks(), "healthy").status == "ok"

    def test_two_announcements_of_one_module(self, folder):
        folder.install("healthy")
        folder.announce("impostor", {"main": "healthy"})
        assert named(loading_checks(), "impostor").fixes[0] == "python -m pip uninstall impostor"

    def test_a_name_without_effect(self, folder, monkeypatch):
        monkeypatch.setenv("GANZOO_DISABLE_PLUGINS", "nobody")
        check = named(loading_checks(), "nobody")
        assert (check.status, check.fixes) == ("note", ("remove nobody from GANZOO_DISABLE_PLUGINS",))

    def test_what_components_lack_is_no_fault(self, folder):
        folder.install("healthy")
        checks = list(loading_checks())
        needy = named(checks, "loss needy")
        assert (needy.section, needy.status) == ("optional packages", "note")
        assert needy.fixes == ("python -m pip install no_such  # import names; the package name may differ",)
        assert [check.name for check in faults(checks)] == ["healthy/absent"]
        assert named(checks, "healthy").text == "1.0: 4 losses"

    def test_components_that_cannot_be_loaded(self, folder):
        (folder.path / "parts.py").write_text(PARTS)
        folder.announce("parts", {"main": "parts"})
        record = {"url": "file:///my/parts", "dir_info": {"editable": True}}
        (folder.path / "parts-1.0.dist-info" / "direct_url.json").write_text(json.dumps(record))
        checks = list(loading_checks())
        found = faults(checks)
        assert [check.name for check in found] == ["parts/gone", "parts/plain", "parts/no-file"]
        assert found[0].text.startswith("loss 'gone' of parts 1.0 cannot be loaded from 'parts:Gone': AttributeError")
        assert "is not a subclass of ganzoo.component.Options" in found[1].text
        assert found[2].text.startswith(
            "recipe 'no-file' of parts 1.0 cannot be loaded from 'parts:none.yaml': TypeError"
        )
        assert [bool(check.traceback) for check in found] == [True, False, True]
        reinstall = "python -m pip install --force-reinstall --no-deps -e /my/parts"
        assert {check.fixes for check in found} == {(reinstall, "report it to its authors")}
        assert exit_code(checks) == 4


PARTS = """
from ganzoo.component import Component, Options
from ganzoo.hookspecs import hookimpl
GANZOO_API = 1

class Sound(Options): pass
class Plain: pass

@hookimpl
def ganzoo_components():
    targets = {"sound": "Sound", "gone": "Gone", "plain": "Plain"}
    yield from (Component(kind="loss", name=n, target=f"parts:{t}", summary="x") for n, t in targets.items())
    yield Component(kind="recipe", name="no-file", target="parts:none.yaml", summary="x")
"""


class TestPluginsThatEndTheProcess:
    ENDINGS = (
        ("import os; os._exit(3)", "ended with exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended by signal 11 (Segmentation fault)"),
        ("raise KeyboardInterrupt", "ended by signal 2 (Interrupt)"),
    )

    @pytest.mark.parametrize(("source", "ending"), ENDINGS)
    def test_it_is_named_and_the_others_are_looked_at(self, folder, source, ending):
        folder.install("other_api")
        (folder.path / "fatal.py").write_text(source)
        folder.announce("fatal", {"main": "fatal"}, version="2.0")
        checks = list(plugin_checks())
        assert [check.name for check in faults(checks)] == ["other-api", "fatal"]
        fatal = named(checks, "fatal")
        assert fatal.text == f"2.0: crashes ganzoo when it or one of its components is loaded: {ending}"
        assert fatal.fixes[-1] == "disable it: GANZOO_DISABLE_PLUGINS=fatal"

    def test_a_component_that_ends_it(self, folder):
        (folder.path / "fatal_target.py").write_text("import os; os._exit(3)")
        folder.announce("fatal-parts", {"main": "fatal_parts"})
        (folder.path / "fatal_parts.py").write_text(PARTS.replace("parts:", "fatal_target:"))
        [fault] = faults(plugin_checks())
        assert (fault.name, fault.section) == ("fatal-parts", "plugins")

    def test_two_that_only_end_it_together(self, folder):
        for name, source in {"one": "", "two": "import sys, os\nif 'one' in sys.modules: os._exit(3)\n"}.items():
            text = (
                "from ganzoo.hookspecs import hookimpl\nGANZOO_API = 1\n@hookimpl\ndef ganzoo_components(): return []\n"
            )
            (folder.path / f"{name}.py").write_text(source + text)
            folder.announce(name, {"main": name})
        [fault] = faults(plugin_checks())
        assert (fault.name, fault.text) == (
            "all together",
            "cannot be loaded together in one process: ended with exit code 3",
        )

    def test_the_page_has_all_of_it(self, folder):
        (folder.path / "fatal.py").write_text("import os; os._exit(3)")
        folder.announce("fatal", {"main": "fatal"})
        ended = subprocess.run(
            [sys.executable, "-m", "ganzoo", "doctor"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(folder.path)},
            cwd=folder.path,
            check=False,
        )
        assert ended.returncode == 4
        assert {"versions", "devices", "folders", "plugins", "at fault: fatal"} <= set(ended.stdout.splitlines())
