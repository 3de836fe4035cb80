"""``ganzoo plugins``: rows for all that is installed, and lines that pip takes."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile

import pytest
from broken_plugins.install import PluginFolder
from packaging.requirements import Requirement

from ganzoo.cli import plugins
from ganzoo.registry import Registry


@pytest.fixture
def folder(tmp_path, monkeypatch):
    modules = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    yield PluginFolder(tmp_path / "site-packages")
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def third_parties(ganzoo):
    return {row["distribution"]: row for row in ganzoo("plugins --json").json if row["distribution"] != "ganzoo"}


class TestRows:
    def test_a_plugin_that_works(self, ganzoo, folder):
        folder.install("healthy", version="2.1")
        row = third_parties(ganzoo)["healthy"]
        assert row.pop("import_ms") >= 0
        assert row == {
            "distribution": "healthy",
            "version": "2.1",
            "entry_point": "main",
            "api": 1,
            "components": [{"kind": "loss", "name": name} for name in ("healthy", "hinge", "absent", "needy")],
            "status": "ok",
            "message": "",
        }

    def test_every_entry_point_of_ganzoo_has_a_row_and_every_component_is_in_one(self, ganzoo):
        rows = ganzoo("--no-plugins plugins --json").json
        own = [row for row in rows if row["distribution"] == "ganzoo"]
        assert rows[: len(own)] == own
        assert {row["status"] for row in own} == {"ok"}
        found = sorted((one["kind"], one["name"]) for row in own for one in row["components"])
        assert found == sorted((entry.kind, entry.name) for entry in Registry.load(plugins=False).entries())

    @pytest.mark.parametrize(
        ("source", "api", "status", "message"),
        [
            (
                "import_error",
                None,
                "failed",
                "import: ModuleNotFoundError: No module named 'a_package_that_nobody_has'",
            ),
            ("exits_at_import", None, "failed", "import: SystemExit: 0"),
            ("no_api", None, "failed", "api version: it does not declare GANZOO_API"),
            ("other_api", 2, "failed", "api version: it is written for GANZOO_API = 2"),
            ("api_as_text", "'1'", "failed", "api version: it is written for GANZOO_API = '1'"),
            ("misspelt_hook", 1, "failed", "hook names: there is no hook 'ganzoo_component'"),
            ("raising_hook", 1, "failed", "records: ValueError"),
            ("unknown_kind", 1, "ok", "records: 'plural' skipped"),
        ],
    )
    def test_a_plugin_with_a_problem(self, ganzoo, folder, source, api, status, message):
        distribution = folder.install(source, version="3.0")
        row = third_parties(ganzoo)[distribution]
        assert (row["version"], row["api"], row["status"]) == ("3.0", api, status)
        assert row["message"].startswith(message)
        assert row["import_ms"] >= 0
        assert bool(row["components"]) == (status == "ok")

    def test_importing_torch_is_a_warning(self, folder):
        """In a process of its own, since torch is in this one already."""
        folder.install("torch_at_import")
        ended = program(folder, "plugins", "--json")
        [row] = [row for row in json.loads(ended.stdout) if row["distribution"] == "torch-at-import"]
        assert row["status"] == "warning"
        assert row["message"].startswith("import: importing the plugin imports torch")
        assert [one["name"] for one in row["components"]] == ["heavy"]

    def test_a_disabled_plugin_was_not_imported(self, ganzoo, folder, monkeypatch):
        folder.install("exits_at_import")
        monkeypatch.setenv("GANZOO_DISABLE_PLUGINS", "exits-at-import")
        row = third_parties(ganzoo)["exits-at-import"]
        assert (row["status"], row["message"]) == ("disabled", "disabled by GANZOO_DISABLE_PLUGINS")
        assert (row["import_ms"], row["api"], row["components"]) == (None, None, [])

    def test_without_plugins_they_are_disabled(self, ganzoo, folder):
        folder.install("healthy")
        [row] = [row for row in ganzoo("--no-plugins plugins --json").json if row["distribution"] != "ganzoo"]
        assert row["message"] == "disabled by --no-plugins"

    def test_faulty_metadata_have_rows_without_an_entry_point(self, ganzoo, folder):
        folder.install("healthy", version="1.0")
        folder.announce("healthy", {"main": "healthy"}, version="0.9")
        (folder.announce("garbled", {}) / "entry_points.txt").write_text("[ganzoo]\nno equals sign\n")
        rows = [row for row in ganzoo("plugins --json").json if row["distribution"] != "ganzoo"]
        assert [(row["distribution"], row["version"], row["status"]) for row in rows] == [
            ("garbled", "1.0", "failed"),
            ("healthy", "1.0", "ok"),
            ("healthy", "0.9", "warning"),
        ]
        assert [row["entry_point"] for row in rows] == ["", "main", ""]
        assert "entry_points.txt cannot be read" in rows[0]["message"]

    def test_a_misspelt_name_in_a_variable_has_a_row(self, ganzoo, folder, monkeypatch):
        folder.install("healthy")
        monkeypatch.setenv("GANZOO_PLUGINS", "helthy")
        rows = third_parties(ganzoo)
        assert rows["healthy"]["status"] == "disabled"
        misspelt = rows["helthy"]
        assert (misspelt["version"], misspelt["entry_point"], misspelt["status"]) == ("", "", "warning")
        assert misspelt["message"].startswith("selection: GANZOO_PLUGINS names it, but it is not an installed plugin")
        page = ganzoo("plugins").out
        assert "did you mean 'healthy'?" in page
        assert "part of ganzoo 0." in page


class TestThePage:
    def test_each_row_is_a_line_and_each_reason_one_below_it(self, ganzoo, folder):
        folder.install("healthy", version="2.1")
        folder.install("other_api")
        outcome = ganzoo("plugins")
        assert (outcome.code, outcome.err) == (0, "")
        lines = outcome.out.splitlines()
        [healthy] = [line for line in lines if line.startswith("  healthy")]
        assert healthy.split()[1:4] == ["2.1", "main", "1"]
        assert healthy.endswith("ok      4 losses")
        [place] = [number for number, line in enumerate(lines) if line.startswith("  other-api")]
        assert lines[place].endswith("failed")
        assert lines[place + 1].strip().startswith("api version: it is written for GANZOO_API = 2")
        assert lines[-1] == "ganzoo doctor shows tracebacks and what to do"

    def test_ganzoos_own_are_below(self, ganzoo):
        lines = ganzoo("--no-plugins plugins").out.splitlines()
        heading = next(number for number, line in enumerate(lines) if line.startswith("part of ganzoo 0."))
        [losses] = [line for line in lines[heading:] if line.startswith("  losses")]
        assert losses.endswith(f"{len(Registry.load(plugins=False).entries('loss'))} losses")
        assert lines[-1] != "ganzoo doctor shows tracebacks and what to do"

    def test_where_nothing_is_installed_it_says_so(self, capsys, monkeypatch):
        monkeypatch.setattr(plugins.Registry, "load", lambda **_: Registry([]))
        plugins.plugins_command()
        assert capsys.readouterr().out.startswith("third-party plugins\n  none are installed\n")

    def test_strict_stops_at_a_broken_plugin(self, ganzoo, folder):
        folder.install("other_api")
        outcome = ganzoo("--strict plugins")
        assert outcome.code == 4
        assert "GANZOO_API = 2" in outcome.err
        assert "next:    ganzoo doctor" in outcome.err


class TestRequirements:
    def lines(self, ganzoo):
        own, *others = ganzoo("plugins --requirements").out.splitlines()
        assert own.startswith(("ganzoo", "-e "))
        return others

    def test_what_came_from_an_index_is_pinned_broken_and_disabled_too(self, ganzoo, folder, monkeypatch):
        for source in ("other_api", "healthy", "prints"):
            folder.install(source, version="1.2")
        folder.announce("healthy", {"main": "healthy"}, version="0.9")
        monkeypatch.setenv("GANZOO_DISABLE_PLUGINS", "prints")
        lines = self.lines(ganzoo)
        assert [line for line in lines if line.endswith("==1.2")] == ["healthy==1.2", "other-api==1.2", "prints==1.2"]
        assert not any("0.9" in line for line in lines)

    def test_unreadable_metadata_are_a_comment(self, ganzoo, folder):
        (folder.announce("garbled", {}) / "entry_points.txt").write_text("[ganzoo]\nno equals sign\n")
        assert self.lines(ganzoo)[-1].startswith("# garbled 1.0: its entry_points.txt cannot be read")

    @pytest.mark.parametrize(
        ("record", "line"),
        [
            (
                {
                    "url": "https://host/a.git",
                    "vcs_info": {"vcs": "git", "requested_revision": "v1", "commit_id": "0abc"},
                },
                "healthy @ git+https://host/a.git@0abc",
            ),
            (
                {"url": "ssh://git@host/a", "vcs_info": {"vcs": "git", "commit_id": "0abc"}, "subdirectory": "sub"},
                "healthy @ git+ssh://git@host/a@0abc#subdirectory=sub",
            ),
            (
                {"url": "https://host/a.whl", "archive_info": {"hashes": {"md5": "0", "sha256": "1f"}}},
                "healthy @ https://host/a.whl#sha256=1f",
            ),
            (
                {"url": "https://host/a.tgz", "archive_info": {"hash": "sha256=1f"}, "subdirectory": "s"},
                "healthy @ https://host/a.tgz#sha256=1f&subdirectory=s",
            ),
            ({"url": "https://host/a.whl", "archive_info": {}}, "healthy @ https://host/a.whl"),
            ({"url": "file:///a%20b", "dir_info": {}}, "healthy @ file:///a%20b"),
            ({"url": "file:///a/b", "dir_info": {"editable": True}}, "-e /a/b"),
            ({"url": "file:///a%20b", "dir_info": {"editable": True}}, "-e '/a b'"),
        ],
    )
    def test_what_came_from_elsewhere_says_from_where(self, ganzoo, folder, record, line):
        folder.install("healthy")
        (folder.path / "healthy-1.0.dist-info" / "direct_url.json").write_text(json.dumps(record))
        assert line in self.lines(ganzoo)
        if not line.startswith("-e"):
            assert Requirement(line).url == line.partition(" @ ")[2]

    @pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}", '{"url": 3}', '{"dir_info": {}}', "\x00"])
    def test_a_record_that_makes_no_sense_is_passed_over(self, ganzoo, folder, text):
        folder.install("healthy")
        (folder.path / "healthy-1.0.dist-info" / "direct_url.json").write_text(text)
        assert any(line.startswith("healthy") for line in self.lines(ganzoo))

    def test_pip_takes_the_lines(self, ganzoo, folder, tmp_path):
        wheel = tmp_path / "my wheels" / "healthy-1.0-py3-none-any.whl"
        project = tmp_path / "my project"
        write_wheel(wheel)
        write_project(project)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        for name, record in {
            "healthy": {"url": wheel.as_uri(), "archive_info": {"hashes": {"sha256": digest}}},
            "local": {"url": project.as_uri(), "dir_info": {"editable": True}},
        }.items():
            folder.install("healthy", distribution=name)
            (folder.path / f"{name}-1.0.dist-info" / "direct_url.json").write_text(json.dumps(record))
        lines = [line for line in self.lines(ganzoo) if "healthy" in line or line.startswith("-e")]
        (tmp_path / "plugins.txt").write_text("\n".join(lines))
        flags = "--dry-run --ignore-installed --no-deps --no-index --no-build-isolation --disable-pip-version-check"
        command = [sys.executable, "-m", "pip", "install", *flags.split(), "-r", "plugins.txt"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        assert "Would install healthy-1.0 local-1.0" in ended.stdout

    def test_two_forms_at_once_are_refused(self, ganzoo):
        outcome = ganzoo("plugins --json --requirements")
        assert (outcome.code, outcome.out) == (2, "")
        assert "--json and --requirements" in outcome.err


def write_wheel(path):
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("healthy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: healthy\nVersion: 1.0\n")
        wheel.writestr(
            "healthy-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr("healthy-1.0.dist-info/RECORD", "")


def write_project(path):
    path.mkdir()
    (path / "local.py").touch()
    (path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "local"\nversion = "1.0"\n'
        '[tool.hatch.build]\ndev-mode-dirs = ["."]\n'
    )


def program(folder, *arguments, **environ):
    """The command in a process of its own, with the folder on its path."""
    return subprocess.run(
        [sys.executable, "-m", "ganzoo", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(folder.path), **environ},
        check=True,
    )
