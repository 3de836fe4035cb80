"""``ganzoo new-component``: one more component in a package that is there."""

import subprocess
import sys

import pytest

PYPROJECT = '[project]\nname = "Ganzoo_Lab"\n\n[project.entry-points.ganzoo]\nmain = "ganzoo_lab"\n'
HEAD = "from ganzoo.component import Component\nfrom ganzoo.hookspecs import hookimpl\n\nGANZOO_API = 1\n\n\n"
HOOK = "@hookimpl\ndef ganzoo_components():\n"
ONE = 'Component(kind="loss", name="one", target="ganzoo_lab.one:One", summary="größer")'


@pytest.fixture
def lab(ganzoo, tmp_path):
    assert ganzoo("new-plugin ganzoo-lab").code == 0
    return tmp_path / "ganzoo-lab"


def written_by_hand(tmp_path, records, *, module="ganzoo_lab/__init__.py", pyproject=PYPROJECT):
    (tmp_path / "pyproject.toml").write_text(pyproject)
    (tmp_path / module).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / module).write_text(HEAD + records, encoding="utf-8")


def announced(tmp_path):
    """The components that the module announces, in a process of its own, for its name is everybody's."""
    code = "import ganzoo_lab; print(*[(one.kind, one.name, one.target) for one in ganzoo_lab.ganzoo_components()])"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout


def test_its_file_its_test_and_its_record(ganzoo, lab):
    outcome = ganzoo("new-component disc wide-patches --in ganzoo-lab")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[:4] == [
        "added ganzoo-lab/ganzoo_lab/wide_patches.py",
        "added ganzoo-lab/tests/test_wide_patches.py",
        "added the record in ganzoo-lab/ganzoo_lab/__init__.py",
        "added its row in ganzoo-lab/README.md",
    ]
    assert outcome.out.splitlines()[-3:] == [
        "  python -m pip install --editable ganzoo-lab/.",
        "  python -m pytest ganzoo-lab/tests/test_wide_patches.py",
        "  ganzoo run --disc wide-patches --steps 100",
    ]
    assert "class WidePatches(" in (lab / "ganzoo_lab" / "wide_patches.py").read_text()
    assert (
        "| loss | `lab` | [lab.py](ganzoo_lab/lab.py) |\n"
        "| discriminator | `wide-patches` | [wide_patches.py](ganzoo_lab/wide_patches.py) |\n\n## Install"
    ) in (lab / "README.md").read_text()
    assert announced(lab) == (
        "('loss', 'lab', 'ganzoo_lab.lab:Lab') "
        "('discriminator', 'wide-patches', 'ganzoo_lab.wide_patches:WidePatches')\n"
    )


def test_the_same_as_if_it_had_been_there_from_the_start(ganzoo, tmp_path, monkeypatch):
    """Every kind, one after the other, in the folder itself: the package that new-plugin writes with all of them."""
    from ganzoo.scaffold.package import ASKED_FOR_BY

    (tmp_path / "whole").mkdir()
    kinds = [f"{kind}:one-{kind}" for kind in ASKED_FOR_BY]
    assert ganzoo(f"new-plugin ganzoo-lab --out whole {' '.join(f'--kind {kind}' for kind in kinds)}").code == 0
    assert ganzoo(f"new-plugin ganzoo-lab --kind {kinds[0]}").code == 0
    monkeypatch.chdir(tmp_path / "ganzoo-lab")
    for kind in ASKED_FOR_BY:
        outcome = ganzoo(f"new-component {kind} one_{kind}")
        assert outcome.code == (2 if kind == "loss" else 0), outcome.err
    left = {path.relative_to(tmp_path / "ganzoo-lab") for path in (tmp_path / "ganzoo-lab").rglob("*.*")}
    assert left == {
        path.relative_to(tmp_path / "whole" / "ganzoo-lab") for path in (tmp_path / "whole" / "ganzoo-lab").rglob("*.*")
    }
    for path in left:
        whole = tmp_path / "whole" / "ganzoo-lab" / path
        if whole.is_file() and path.name not in ("README.md", "pyproject.toml"):
            assert (tmp_path / "ganzoo-lab" / path).read_text() == whole.read_text(), path


@pytest.mark.parametrize(
    "records",
    [
        f"{HOOK}    return [{ONE}]\n",
        f"{HOOK}    return [{ONE}  # the first\n    ]\n",
        f"{HOOK}    return [\n        {ONE},  # ] größer\n        # more to come\n    ]\n",
        f"ALL: list[Component] = [\n    {ONE}\n]\n\n\n{HOOK}    return ALL\n",
    ],
)
@pytest.mark.parametrize("source", ["", "src/"])
def test_lists_as_people_write_them(ganzoo, tmp_path, records, source):
    written_by_hand(tmp_path, records, module=f"{source}ganzoo_lab/__init__.py")
    assert ganzoo("new-component loss two").code == 0
    assert (
        announced(tmp_path / source) == "('loss', 'one', 'ganzoo_lab.one:One') ('loss', 'two', 'ganzoo_lab.two:Two')\n"
    )
    text = (tmp_path / source / "ganzoo_lab" / "__init__.py").read_text()
    assert all(comment in text for comment in ("# the first", "# ] größer", "# more to come") if comment in records)
    assert (tmp_path / "tests" / "test_two.py").is_file()


def test_an_empty_list(ganzoo, tmp_path):
    written_by_hand(tmp_path, HOOK + "    return []\n")
    assert ganzoo("new-component loss two").code == 0
    assert announced(tmp_path) == "('loss', 'two', 'ganzoo_lab.two:Two')\n"


def test_records_in_a_module_of_the_package(ganzoo, tmp_path):
    written_by_hand(
        tmp_path,
        HOOK + "    return []\n",
        module="lab/plugin.py",
        pyproject=PYPROJECT.replace('"ganzoo_lab"', '"lab.plugin"'),
    )
    assert ganzoo("new-component loss two").code == 0
    assert 'target="lab.two:Two"' in (tmp_path / "lab" / "plugin.py").read_text()
    assert (tmp_path / "lab" / "two.py").is_file()


@pytest.mark.parametrize(
    ("line", "message", "following"),
    [
        (
            "loss lab",
            "lab.py already exists, and ganzoo does not overwrite it",
            "ganzoo new-component --in ganzoo-lab loss my-lab",
        ),
        ("loss Hinge2", "not a valid name for a loss", "ganzoo new-component --in ganzoo-lab loss soft-hinge"),
        ("los soft", "did you mean 'loss'?", "ganzoo new-component --help"),
        (
            "loss options",
            "its file already imports a different Options",
            "ganzoo new-component --in ganzoo-lab loss my-options",
        ),
        ("loss soft --in nowhere", "there is no nowhere/pyproject.toml", "ganzoo new-plugin NAME"),
    ],
)
def test_nothing_is_written_where_it_cannot_be(ganzoo, lab, tmp_path, line, message, following):
    before = {path: path.read_bytes() for path in lab.rglob("*") if path.is_file()}
    outcome = ganzoo(f"new-component {line}" + ("" if "--in" in line else " --in ganzoo-lab"))
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert following in outcome.err.splitlines()[-1]
    assert {path: path.read_bytes() for path in lab.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (HOOK + "    yield from ()\n", "has no list of Component records"),
        ("def ganzoo_components(:\n", "line 7"),
        (
            HOOK + '    return [Component(kind="loss", name="two", target="", summary="")]\n',
            "already announces the loss two",
        ),
    ],
)
def test_records_with_no_place_for_one_more(ganzoo, tmp_path, records, message):
    written_by_hand(tmp_path, records)
    outcome = ganzoo("new-component loss two")
    assert outcome.code == 2
    assert message in outcome.err
    assert [path.name for path in (tmp_path / "ganzoo_lab").iterdir()] == ["__init__.py"]


def test_a_package_that_is_no_plugin(ganzoo, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "other"\n')
    assert "does not announce a plugin of ganzoo" in ganzoo("new-component loss two").err
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    assert "there is no package of that name" in ganzoo("new-component loss two").err


@pytest.mark.parametrize("name", ["lab", "Not+good"])
def test_hints_keep_the_folder(ganzoo, lab, name):
    assert "ganzoo new-component --in ganzoo-lab loss " in ganzoo(f"new-component loss {name} --in ganzoo-lab").err


@pytest.mark.parametrize("readme", [None, "# Mine\n\n| kind | name |\n|---|---|\n"])
def test_a_readme_of_another_form_is_left_alone(ganzoo, lab, readme):
    (lab / "README.md").unlink()
    if readme:
        (lab / "README.md").write_text(readme)
    outcome = ganzoo("new-component loss two --in ganzoo-lab")
    assert outcome.code == 0
    assert "README" not in outcome.out
    assert (lab / "README.md").exists() == bool(readme)
