import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from ganzoo.cli import listing
from ganzoo.component import Component
from ganzoo.errors import UnknownNameError
from ganzoo.registry import Entry, Registry


def entry(name, kind="loss", distribution="ganzoo", version="0.1.0", **fields):
    fields = {"target": "package:One", "summary": f"what {name} is"} | fields
    component = Component(kind=kind, name=name, **fields)
    return Entry(component=component, distribution=distribution, version=version, entry_point="main")


ENTRIES = [
    entry("hinge", summary="[margins] of λ → :smile: one", aliases=("lim", "ye"), tags=frozenset({"b", "a"})),
    entry("dcgan", kind="generator"),
    entry("a-loss-with-quite-a-long-name", summary="words " * 40),
    entry("hinge", distribution="acme-gan", version="2.0rc1"),
    entry("old", deprecated_for="hinge"),
    entry("needy", requires=("no_such_package",)),
]


@pytest.fixture
def run(monkeypatch):
    app = typer.Typer()
    app.command()(listing.list_command)

    def run(*arguments, entries=ENTRIES, width=80, terminal=True):
        monkeypatch.setattr(listing, "registry", lambda: Registry(entries))
        size = {"COLUMNS": str(width), "LINES": "25"}
        environment = {**size, "TERM": "dumb", "FORCE_COLOR": "1" if terminal else ""}
        return CliRunner().invoke(app, arguments, env=environment)

    return run


def test_json_rows_are_those_of_the_contract(run):
    rows = json.loads(run("--json").stdout)
    assert rows[1] == {
        "kind": "loss",
        "name": "hinge",
        "qualified": "ganzoo/hinge",
        "aliases": ["lim", "ye"],
        "summary": "[margins] of λ → :smile: one",
        "tags": ["a", "b"],
        "distribution": "ganzoo",
        "version": "0.1.0",
        "status": "ok",
    }
    assert [(row["qualified"], row["status"]) for row in rows] == [
        ("ganzoo/a-loss-with-quite-a-long-name", "ok"),
        ("ganzoo/hinge", "ok"),
        ("acme-gan/hinge", "shadowed"),
        ("ganzoo/needy", "missing"),
        ("ganzoo/old", "deprecated"),
        ("ganzoo/dcgan", "ok"),
    ]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_table_fits_the_terminal(run, width):
    assert max(map(len, run(width=width).stdout.splitlines())) <= width


@pytest.mark.parametrize("width", [80, 120])
def test_wrapping_loses_nothing(run, width):
    entries = [one for one in ENTRIES if one.first_party]
    words = "".join(run(width=width, entries=entries).stdout.split())
    for one in entries:
        assert "".join(one.component.summary.split()) in words
    assert "alsolim,ye" in words
    assert "needsno_such_package" in words
    assert "deprecated:usehinge" in words


def test_kinds_are_headings_in_order_and_names_are_what_one_types(run):
    lines = run(width=120).stdout.splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == ["losses", "generators"]
    names = [line.split()[0] for line in lines if line.startswith("  ") and line[2:3].strip()]
    assert names == ["a-loss-with-quite-a-long-name", "hinge", "acme-gan/hinge", "needy", "old", "dcgan"]


def test_other_programs_get_a_line_a_component_without_spaces_at_its_end(run):
    lines = run(terminal=False, width=40).stdout.splitlines()
    assert lines == [line.rstrip() for line in lines]
    assert [line for line in lines if line.startswith(" ")] == [
        "  a-loss-with-quite-a-long-name  " + ("words " * 40).rstrip(),
        "  hinge                          [margins] of λ → :smile: one (also lim, ye)",
        "  acme-gan/hinge                 what hinge is (from acme-gan 2.0rc1)",
        "  needy                          what needy is [needs no_such_package]",
        "  old                            what old is [deprecated: use hinge]",
        "  dcgan                          what dcgan is",
    ]


def test_brackets_and_colons_are_text(run):
    assert "[margins] of λ → :smile: one" in run(width=120).stdout


def test_third_parties_are_named(run):
    assert "what hinge is (from acme-gan 2.0rc1)" in run(width=120).stdout
    assert "0.1.0" not in run(width=120).stdout
    assert "acme" not in run(entries=[ENTRIES[0]]).stdout


@pytest.mark.parametrize("word", ["generator", "generators", "gen"])
def test_one_kind(run, word):
    assert [row["name"] for row in json.loads(run(word, "--json").stdout)] == ["dcgan"]
    assert "hinge" not in run(word).stdout


@pytest.mark.parametrize("word", ["augmentation", "augmentations", "augment"])
def test_augmentations(run, word):
    entries = [*ENTRIES, entry("flip", kind="augmentation")]
    assert [row["name"] for row in json.loads(run(word, "--json", entries=entries).stdout)] == ["flip"]


def test_a_kind_without_components(run):
    result = run("metrics")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "no metrics are installed\n"
    assert json.loads(run("metrics", "--json").stdout) == []


def test_an_unknown_kind(run):
    result = run("lossess")
    assert isinstance(result.exception, UnknownNameError)
    assert "did you mean 'losses'?" in str(result.exception)
    assert "allowed: losses, discriminators, generators, " in str(result.exception)
    assert "trackers, extractors, presets, or the singular\n" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list"], 0),
        (["list", "losses", "--json"], 0),
        (["list", "colours"], 2),
        (["info", "no-such-name"], 2),
        (["--help"], 0),
        (["list", "--help"], 0),
        (["--version"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_the_program_answers_without_torch(arguments, code):
    program = (
        "import sys\n"
        "from ganzoo.cli import main\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    sys.stderr.write(f'\\nended {end.code or 0}, torch: {\"torch\" in sys.modules}')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.splitlines()[-1] == f"ended {code}, torch: False"


def test_an_alias_that_means_another_component_is_not_listed(run):
    """One that is another's name, one that two have, and one of ganzoo's own."""
    entries = [
        entry("hinge", aliases=("lim",)),
        entry("soft", distribution="acme", aliases=("hinge", "lim", "both", "softly")),
        entry("hard", distribution="other", aliases=("both",)),
    ]
    rows = {row["name"]: row["aliases"] for row in json.loads(run("--json", entries=entries).stdout)}
    assert rows == {"hinge": ["lim"], "soft": ["softly"], "hard": []}
    assert "(also softly)" in run(entries=entries, width=120).stdout
