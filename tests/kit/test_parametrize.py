"""The checks as tests, under a pytest of its own."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from broken_plugins.install import PluginFolder
from kit.faulty_losses import Sound
from PIL import Image
from warm_python import warm_python

from ganzoo.component import KINDS
from ganzoo.errors import ConfigError, UnknownNameError
from ganzoo.testing import parametrize_with_checks
from ganzoo.testing.by_kind import CHECKED

pytest_plugins = ["pytester"]

_buffer = io.BytesIO()
Image.new("RGB", (16, 16), (200, 10, 40)).save(_buffer, "PNG")
PIXEL = _buffer.getvalue()

RECORDS = """
from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    clamps = "kit.faulty_losses:Clamped"
    pictures = "ganzoo_datasets.pictures:Pictures"
    known = {"generator-alive": "so it was published", "tag-saturating": "likewise"}
    return [
        Component(kind="loss", name="sound", target="kit.faulty_losses:Sound", summary="sound"),
        Component(kind="loss", name="clamped", target=clamps, summary="clamps", expected_failures=known),
        Component(kind="loss", name="away", target="nowhere:Away", summary="away", requires=("not_installed_at_all",)),
        Component(kind="dataset", name="table", target=pictures, summary="wants a path"),
    ]
"""

OF_A_DISTRIBUTION = """
from ganzoo.testing import parametrize_with_checks

@parametrize_with_checks("Ganzoo_Kit-Test")
def test_conforms(component, check):
    check(component)
"""

OF_OPTIONS = """
from ganzoo.testing import parametrize_with_checks
from kit.faulty_losses import Sound, Swapped

@parametrize_with_checks([("losses", Sound), ("loss", Sound(center=2.0)), ("loss", Swapped)])
def test_conforms(component, check):
    check(component)
"""


OF_KNOWN = """
import math
from ganzoo.testing import Reference, parametrize_with_checks
from kit.faulty_losses import Swapped

zero = Reference(real=[0.0], fake=[0.0], d=2 * math.log(2), g=math.log(2))

@parametrize_with_checks([("loss", Swapped)], expected_failures={"gradient-signs": "it teaches"}, reference=[zero])
def test_conforms(component, check):
    check(component)
"""


@pytest.fixture(autouse=True)
def _path(pytester, monkeypatch):
    """In processes of their own, since pytest forgets what a run within this one has imported."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(pytester.path), str(Path(__file__).parents[1])]))


def run_pytest(pytester, *arguments):
    """In a process that has torch; a Python of its own would import it first."""
    return pytester.run(warm_python(), "-m", "pytest", "-pno:cacheprovider", *arguments)


@pytest.fixture
def installed(pytester):
    folder = PluginFolder(pytester.path)
    (pytester.path / "kit_test_records.py").write_text(RECORDS, encoding="utf-8")
    folder.announce("ganzoo-kit-test", {"main": "kit_test_records"})


def test_distribution_as_tests(pytester, installed):
    pytester.makepyfile(OF_A_DISTRIBUTION)
    chosen = "alive or saturating or finite or state or enough or away or given"  # the rest passes for these losses
    result = run_pytest(pytester, "-v", "-rsx", "-Werror", "-k", chosen)
    assert result.parseoutcomes()["xfailed"] == 2, str(result.stdout)
    assert result.parseoutcomes()["failed"] == 1, "the one whose options must be given"
    assert set(result.parseoutcomes()) == {"passed", "failed", "skipped", "xfailed", "deselected"}
    result.stdout.fnmatch_lines(
        [
            "*test_conforms[[]loss-clamped-generator-alive[]] XFAIL*",
            "*test_conforms[[]loss-sound-finite[]] PASSED*",
            "*test_conforms[[]loss-sound-state[]] SKIPPED*",
            "*test_conforms[[]loss-sound-enough-checks[]] PASSED*",
        ]
    )
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED*it has no state*",
            "XFAIL*clamped-generator-alive[]] - so it was published (at real 40 and fake -40 G's gradient is 0)",
            "*not_installed_at_all is not installed: python -m pip install not_installed_at_all*",
            "*give its options: parametrize_with_checks(*, options={'table': {'path': *}})",
        ]
    )


def test_options_of_installed_components(pytester, installed):
    (pytester.path / "pixel.png").write_bytes(PIXEL)
    (pytester.path / "table.csv").write_text("image\n" + "pixel.png\n" * 8, encoding="utf-8")
    given = "options={'table': {'path': 'table.csv'}}"
    pytester.makepyfile(OF_A_DISTRIBUTION.replace('Kit-Test"', f'Kit-Test", {given}'))
    result = run_pytest(pytester, "-k", "table and (repeats or enough or given)")
    assert set(result.parseoutcomes()) == {"passed", "deselected"}, str(result.stdout)


def test_options_of_another_component(installed, monkeypatch, pytester):
    monkeypatch.syspath_prepend(pytester.path)
    with pytest.raises(ConfigError, match=r"tabel\.path is an option of nothing that is checked; did you mean 'table'"):
        parametrize_with_checks("ganzoo-kit-test", options={"tabel": {"path": "table.csv"}})


def test_options_as_tests(pytester):
    """A failure shows what was found and the sentence; options of one class are told apart."""
    pytester.makepyfile(OF_OPTIONS)
    result = run_pytest(pytester, "-v", "-Werror", "-k", "signs or enough or gradcheck")
    assert result.parseoutcomes() == {"passed": 8, "failed": 1, "deselected": result.parseoutcomes()["deselected"]}
    result.stdout.fnmatch_lines(
        [
            "*test_conforms[[]loss-Sound-gradient-signs[]] PASSED*",
            "*test_conforms[[]loss-Sound(center=2.0)-gradient-signs[]] PASSED*",
            "*test_conforms[[]loss-Swapped-gradient-signs[]] FAILED*",
            "E * near zero D's gradient at real logits is *, not below 0",
            "E * ganzoo.protocols:Loss says: Near zero D is pushed to raise real and to lower fake logits*",
        ]
    )


def test_tests_can_be_shared_among_processes(pytester):
    """Each process finds the same names in the same order."""
    pytester.makepyfile(OF_OPTIONS)
    result = run_pytest(pytester, "-n2", "-k", "signs or enough")
    assert result.parseoutcomes() == {"passed": 5, "failed": 1}


def test_expected_failures_are_held_to(pytester, installed):
    path = pytester.path / "kit_test_records.py"
    path.write_text(RECORDS.replace('"tag-saturating"', '"finit"').replace('"generator-alive"', '"finite"'), "utf-8")
    pytester.makepyfile(OF_A_DISTRIBUTION)
    result = run_pytest(pytester, "-k", "clamped and (finite or enough)")
    assert result.parseoutcomes()["failed"] == 2, str(result.stdout)
    result.stdout.fnmatch_lines(
        [
            "E * it was expected to fail (so it was published), and does not",
            "E * expected_failures: there is no check 'finit'; did you mean 'finite'?",
        ]
    )


def test_distribution_that_is_not_installed():
    with pytest.raises(ConfigError, match="no component of 'ganzoo-nothing' is installed") as raised:
        parametrize_with_checks("ganzoo-nothing")
    assert "pip install --editable ." in raised.value.hint


def test_what_is_known_of_options(pytester):
    """Expected failures and values, as the functions take them."""
    pytester.makepyfile(OF_KNOWN)
    result = run_pytest(pytester, "-rx", "-k", "signs or enough or reference")
    assert {key: n for key, n in result.parseoutcomes().items() if key != "deselected"} == {"passed": 2, "xfailed": 1}
    result.stdout.fnmatch_lines(["XFAIL *loss-Swapped-gradient-signs[]] - it teaches (near zero *"])


@pytest.mark.parametrize(
    ("components", "given", "told"),
    [
        ("ganzoo", {"expected_failures": {"finite": "so"}}, "does not take expected_failures with a distribution"),
        ([("loss", Sound)], {"options": {"hinge": {}}}, "does not take options with pairs of a kind and options"),
    ],
    ids=["distribution", "pairs"],
)
def test_what_would_have_no_effect(components, given, told):
    with pytest.raises(ConfigError, match=told):
        parametrize_with_checks(components, **given)


def test_there_are_checks_of_every_kind():
    assert set(CHECKED) == {kind.name for kind in KINDS}


def test_kind_that_there_is_not():
    with pytest.raises(UnknownNameError, match="did you mean 'loss'"):
        parametrize_with_checks([("los", None)])
