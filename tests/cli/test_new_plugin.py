"""``ganzoo new-plugin``."""

import pytest

LINES = """\
ganzoo-lab/
  .github/workflows/ci.yml
  .gitignore
  README.md
  ganzoo_lab/__init__.py
  ganzoo_lab/lab_discriminator.py  the discriminator lab-discriminator
  ganzoo_lab/lab_loss.py           the loss lab-loss
  pyproject.toml
  tests/test_conformance.py
  tests/test_lab_discriminator.py
  tests/test_lab_loss.py

next:
  python -m pip install --editable 'ganzoo-lab[test]'
  python -m pytest ganzoo-lab
  ganzoo run --loss lab-loss --disc lab-discriminator --steps 100
"""


def test_what_was_written_and_what_comes_next(ganzoo, tmp_path):
    outcome = ganzoo("new-plugin ganzoo-lab --kind loss --kind disc")
    assert (outcome.code, outcome.out, outcome.err) == (0, LINES, "")
    assert (tmp_path / "ganzoo-lab" / "ganzoo_lab" / "lab_loss.py").is_file()


def test_a_loss_unless_something_else_is_asked_for(ganzoo, tmp_path):
    assert ganzoo("new-plugin ganzoo-lesion --component soft-margin").code == 0
    assert 'kind="loss"' in (tmp_path / "ganzoo-lesion" / "ganzoo_lesion" / "__init__.py").read_text()
    assert (tmp_path / "ganzoo-lesion" / "ganzoo_lesion" / "soft_margin.py").is_file()


def test_into_another_folder_with_a_blank_in_its_name(ganzoo, tmp_path):
    (tmp_path / "my plugins").mkdir()
    outcome = ganzoo("new-plugin ganzoo-lab --out 'my plugins'")
    assert "python -m pip install --editable 'my plugins/ganzoo-lab[test]'\n" in outcome.out
    assert "python -m pytest 'my plugins/ganzoo-lab'\n" in outcome.out
    assert (tmp_path / "my plugins" / "ganzoo-lab" / "pyproject.toml").is_file()


def test_a_name_that_is_taken_is_warned_of(ganzoo):
    outcome = ganzoo("new-plugin ganzoo-own --component hinge")
    assert outcome.code == 0
    assert "has the loss hinge, too: ask for yours as ganzoo-own/hinge" in outcome.err
    assert "ganzoo run --loss ganzoo-own/hinge" in outcome.out


@pytest.mark.parametrize(
    ("line", "message", "following"),
    [
        ("ganzoo-losses", "the Python package ganzoo_losses", "ganzoo new-plugin ganzoo-my-losses"),
        ("./mine", "not a valid plugin name", "--out DIR"),
        ("ganzoo-lab --component Hinge2", "not a valid name for a loss", "--component soft-hinge"),
        ("ganzoo-lab --kind los", "did you mean 'loss'?", "ganzoo new-plugin --help"),
        ("ganzoo-lab --out nowhere", "there is no folder nowhere", "use --out DIR with an existing folder"),
    ],
)
def test_mistakes(ganzoo, tmp_path, line, message, following):
    outcome = ganzoo(f"new-plugin {line}")
    assert (outcome.code, outcome.out) == (2, "")
    error, following_line = outcome.err.splitlines()[0], outcome.err.splitlines()[-1]
    assert message in error
    assert following_line.startswith("  next: ")
    assert following in following_line
    assert list(tmp_path.iterdir()) == []


def test_all_kinds_are_offered(ganzoo):
    said = ganzoo("new-plugin ganzoo-lab --kind los").err
    assert "metric, recipe, tracker, extractor, preset\n" in said


def test_nothing_is_overwritten(ganzoo, tmp_path):
    assert ganzoo("new-plugin ganzoo-lab").code == 0
    mine = tmp_path / "ganzoo-lab" / "ganzoo_lab" / "lab.py"
    mine.write_text("mine")
    outcome = ganzoo("new-plugin ganzoo-lab")
    assert (outcome.code, outcome.out) == (2, "")
    assert "ganzoo-lab already exists, and ganzoo does not overwrite it" in outcome.err
    assert mine.read_text() == "mine"


def test_help_names_the_kinds(ganzoo):
    from ganzoo.scaffold.package import ASKED_FOR_BY

    text = " ".join(ganzoo("new-plugin --help").out.split())
    assert f"Kinds: {', '.join(ASKED_FOR_BY)}." in text
