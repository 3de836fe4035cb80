import json
import os
import subprocess
import sys
from typing import Literal

import pytest
import typer
import yaml
from pydantic import ConfigDict, Field
from typer.testing import CliRunner

from ganzoo.cli import info
from ganzoo.component import Component, Options
from ganzoo.errors import PluginError, UnknownNameError
from ganzoo.registry import Entry, Registry


class Focal(Options):
    """Something sharp.

    Formula:
        D: E (1−σ(r))^γ ⋅ sp(−r) + E σ(f)^γ ⋅ sp(f)
        G: −E f  [not :smile:]

    A ``code`` of
    (0, 1).
    """

    gamma: float = Field(default=2.0, ge=0, description="γ, how much easy samples count less")
    width: int | None = Field(default=None, ge=1, description="number of units")
    form: Literal["paper", "code"] = Field(default="paper", description="which of two")

    def resolve(self, spec):
        return self.model_copy(update={"width": self.width or spec.shape[-1] // 2})


class Odd(Options):
    """Options that cannot become a JSON Schema."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    callback: type(print) = print


class WholeImage(Options):
    """Claims to judge patches, and cannot be built."""

    def build(self, spec):
        raise ZeroDivisionError("no such network")


def entry(name, kind="loss", target="Focal", distribution="ganzoo", **fields):
    component = Component(kind=kind, name=name, target=f"{__name__}:{target}", summary=f"what {name} is", **fields)
    return Entry(component=component, distribution=distribution, version="0.1.0", entry_point="main")


ENTRIES = [
    entry(
        "focal",
        aliases=("sharp",),
        tags=frozenset({"z", "a"}),
        paper="Lin et al. 2017, arXiv:1708.02002",
        suggests={"train.n_critic": 5, "train.g_betas": (0.0, 0.9)},
    ),
    entry("focal", kind="generator"),
    entry("focal", distribution="acme", deprecated_for="focal"),
    entry("odd", target="Odd"),
    entry("patchy", kind="discriminator", target="WholeImage", tags=frozenset({"patch"})),
]


@pytest.fixture
def run(monkeypatch):
    app = typer.Typer()
    app.command()(info.info_command)

    def run(*arguments, registry=None, width=100):
        monkeypatch.setattr(info, "registry", lambda: registry or Registry(ENTRIES))
        return CliRunner().invoke(app, arguments, env={"COLUMNS": str(width), "TERM": "dumb"})

    return run


def test_the_text_says_everything(run):
    shown = run("focal", "--kind", "loss").stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    for line in (
        "focal loss",
        "what focal is",
        "provider ganzoo 0.1.0",
        "aliases sharp",
        "tags a, z",
        "paper Lin et al. 2017, arXiv:1708.02002",
        "D: E (1−σ(r))^γ ⋅ sp(−r) + E σ(f)^γ ⋅ sp(f)",
        "G: −E f [not :smile:]",
        "gamma float ≥ 0 2.0 γ, how much easy samples count less",
        "width int ≥ 1 from the data number of units",
        "form paper | code paper which of two",
        "train.n_critic 5",
        "train.g_betas [0.0, 0.9]",
    ):
        assert line in lines


def test_what_it_does_is_told_without_the_formula(run):
    shown = run("sharp").stdout
    told = shown.partition("\nwhat it does\n")[2].partition("\noptions\n")[0]
    assert " ".join(told.split()) == "Something sharp. A `code` of (0, 1)."


def test_the_yaml_in_the_text_can_be_pasted(run):
    for width in (30, 120):
        shown = run("focal", "--kind", "loss", width=width).stdout
        pasted = shown.partition("\nyaml\n")[2]
        assert yaml.safe_load(pasted) == {"loss": {"name": "focal", "gamma": 2.0, "width": None, "form": "paper"}}


def test_tables_fit_the_terminal_and_formulas_stay_whole(run):
    shown = run("focal", "--kind", "loss", width=60).stdout
    assert "  D: E (1−σ(r))^γ ⋅ sp(−r) + E σ(f)^γ ⋅ sp(f)\n" in shown
    assert max(map(len, shown.splitlines())) <= 60


def test_json_is_a_list_with_the_keys_of_the_contract(run):
    rows = json.loads(run("focal", "--json").stdout)
    assert [row["kind"] for row in rows] == ["loss", "generator"]
    assert " ".join(rows[0]) == (
        "kind name qualified aliases summary tags distribution version status options formula paper suggests layouts "
        "required yaml"
    )
    assert rows[0]["options"]["properties"]["gamma"]["minimum"] == 0
    assert rows[0]["formula"].splitlines()[0].startswith("D: E (1−σ(r))^γ")
    assert rows[0]["suggests"] == {"train.n_critic": 5, "train.g_betas": [0.0, 0.9]}
    assert yaml.safe_load(rows[1]["yaml"])["generator"]["name"] == "focal"


def test_a_name_in_several_kinds_is_shown_for_each(run):
    shown = run("focal").stdout
    assert "focal  loss" in shown
    assert "focal  generator" in shown
    assert "generator" not in run("focal", "--kind", "losses").stdout


def test_a_qualified_name_and_an_alias(run):
    assert json.loads(run("sharp", "--json").stdout)[0]["qualified"] == "ganzoo/focal"
    shown = run("acme/focal").stdout
    assert "shadowed: write acme/focal" in shown
    assert yaml.safe_load(shown.partition("\nyaml\n")[2])["loss"]["name"] == "acme/focal"


def test_an_unknown_name(run):
    result = run("foccal")
    assert isinstance(result.exception, UnknownNameError)
    assert "did you mean 'focal'?" in str(result.exception)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("odd", "loss 'odd' of ganzoo 0.1.0 has options that cannot be described"),
        ("patchy", "discriminator 'patchy' of ganzoo 0.1.0 cannot be built: ZeroDivisionError: no such network"),
    ],
)
def test_a_component_that_fails_is_named(run, name, message):
    result = run(name)
    assert isinstance(result.exception, PluginError)
    assert message in str(result.exception)


def test_patches_of_a_patch_discriminator(run):
    """Receptive field and map side: Isola et al. 2017; n_layers is 3 where it fits."""
    shown = run("patchgan-sn", registry=Registry.load(plugins=False)).stdout
    rows = [line.split() for line in shown.partition("patches by size")[2].splitlines()[2:6]]
    assert rows == [
        ["32", "70", "2×2", "ndf", "32,", "n_layers", "3"],
        ["64", "70", "6×6", "ndf", "64,", "n_layers", "3"],
        ["128", "70", "14×14", "ndf", "64,", "n_layers", "3"],
        ["256", "70", "30×30", "ndf", "64,", "n_layers", "3"],
    ]


def test_only_patch_discriminators_show_patches(run):
    assert "patches by size" not in run("dcgan", registry=Registry.load(plugins=False)).stdout


def test_an_output_that_lacks_greek_shows_question_marks():
    done = subprocess.run(
        [sys.executable, "-m", "ganzoo", "info", "margin-hinge"],
        capture_output=True,
        timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert b"G: ?E f" in done.stdout
