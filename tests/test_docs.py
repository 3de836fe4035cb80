"""What the documentation says is what the code does: blocks are run, tables compared, links followed."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
import typer
import yaml
from broken_plugins.install import SOURCES, PluginFolder
from pages import PAGES, ROOT, Block, blocks, blocks_of
from peer_libraries import EXAMPLE
from PIL import Image
from registered import entries_of
from typer.testing import CliRunner
from warm_python import warm_python

import ganzoo
import ganzoo.testing
from ganzoo import errors
from ganzoo.benchmarking import benchmark
from ganzoo.benchmarking.contestants import entered
from ganzoo.cli import app
from ganzoo.cli.dotted_flags import written_out
from ganzoo.component import KINDS, Component
from ganzoo.config.preset import PresetConfig
from ganzoo.config.schema import COLLECTIONS, DEFAULT_STEPS, SHARED_DATA_KEYS, RunConfig
from ganzoo.planning.overview import Overview
from ganzoo.planning.remarks import REMARKS
from ganzoo.protocols import StepView, TrackedRun
from ganzoo.registry import Registry, parse_kind
from ganzoo.runs import session as runs
from ganzoo.studies.matrix import Status
from ganzoo.testing.metrics.answers import answer, prepared
from ganzoo.testing.subject import subject_of_entry
from ganzoo.testing.tags import KNOWN

GUIDE = ROOT / "docs" / "user-guide.md"
PLUGIN_GUIDE = ROOT / "docs" / "plugin-guide.md"
NEW_VERSIONS = ROOT / "docs" / "new-versions.md"
ADVERSARY = ROOT / "docs" / "adversary.md"
DATA = ROOT / "docs" / "data.md"
GENERATED = ROOT / "docs" / "components"
COMMANDS = typer.main.get_command(app).commands


def each(found: list[Block]):
    return pytest.mark.parametrize("block", found, ids=str)


def rows(page: Path, head: str) -> list[list[str]]:
    """The rows of every table whose first column has this heading."""
    found, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and cells[0] == head:
            inside = True
        elif not cells:
            inside = False
        elif inside and not set(cells[0]) <= set("-: "):
            found.append(cells)
    return found


def code(cell: str) -> list[str]:
    """The words in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def documented(page: Path, head: str) -> list[str]:
    """The words in backticks of the first column."""
    return [word for row in rows(page, head) for word in code(row[0])]


def name_of_page(cell: str) -> tuple[str, str]:
    """``("hinge", "loss-hinge")`` of a link to a component's page."""
    [found] = re.findall(r"\[([\w-]+)\]\(components/([\w-]+)\.md\)", cell)
    return found


class Site(PluginFolder):
    """A folder on the path, in which plugins of the documentation are installed."""

    def install_blocks(self, page: Path) -> None:
        parts = blocks_of(page)
        [project] = [tomllib.loads(block.text) for block in parts if block.language == "toml"]
        for block in parts:
            if block.file and block.language in ("python", "yaml"):
                target = self.path / block.file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(block.text, encoding="utf-8")
        self.announce(project["project"]["name"], project["project"]["entry-points"]["ganzoo"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The plugins of README and plugin guide, and the one in ``examples``, beside ganzoo."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.install_blocks(ROOT / "README.md")
    site.install_blocks(PLUGIN_GUIDE)
    site.announce("ganzoo-example-plugin", {"example": "ganzoo_example"})
    added = [str(site.path), str(ROOT / "examples" / "third_party_plugin")]
    sys.path[:0] = added
    importlib.invalidate_caches()
    yield site
    for path in added:
        sys.path.remove(path)
    for name in [name for name in sys.modules if re.match(r"ganzoo_(mine|l1|example)\b", name)]:
        del sys.modules[name]


@pytest.fixture
def wandb(monkeypatch, tmp_path_factory):
    """The library that the guide's tracker is for, or what stands in for it; without this fixture it may be missing."""
    if importlib.util.find_spec("wandb") is not None:
        yield importlib.import_module("wandb")
        return
    folder = tmp_path_factory.mktemp("wandb")
    shutil.copy(ROOT / "tests" / "wandb_stand_in.py", folder / "wandb.py")
    monkeypatch.syspath_prepend(folder)
    yield importlib.import_module("wandb")
    for name in ("wandb", "ganzoo_mine.weights_and_biases"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def registry(site):
    return Registry.load()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """What stands for PATH, TABLE.csv and FILE.npz: the same few pictures of two classes."""
    folder = tmp_path_factory.mktemp("pictures")
    lines = ["image,label"]
    for number in range(4):
        label = ("cat", "dog")[number % 2]
        place = folder / "path" / label / f"{number}.png"
        place.parent.mkdir(exist_ok=True, parents=True)
        Image.new("RGB", (40, 36), (60 * number, 10, 200)).save(place)
        lines.append(f"path/{label}/{number}.png,{label}")
    (folder / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    np.savez(folder / "file.npz", train_images=np.zeros((4, 28, 28), np.uint8), train_labels=np.array([0, 1, 0, 1]))
    return {"PATH": folder / "path", "TABLE.csv": folder / "table.csv", "FILE.npz": folder / "file.npz"}


def filled_in(words, pictures):
    """A command with the placeholders of the documentation replaced, and nothing sent into a file."""
    words = words[: words.index(">")] if ">" in words else words
    return [str(pictures.get(word, word)) for word in words]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Runs 1 and 7 of the documentation, as small as they can be."""
    out = tmp_path_factory.mktemp("finished") / "runs"
    config = {
        "discriminator": {"name": "acgan", "ndf": 2},
        "generator": {"name": "dcgan", "ngf": 2, "latent": 4},
        "data": {"image_size": 8},
        "train": {"steps": 2, "batch_size": 4},
    }
    ganzoo.run(config, out=out).path.rename(out / "0001-hinge-patchgan-sn-digits")
    shutil.copytree(out / "0001-hinge-patchgan-sn-digits", out / "0007-hinge-patchgan-sn-digits")
    return out


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def invoke(words: list[str]):
    return CliRunner().invoke(app, written_out(words))


@pytest.fixture
def planned(monkeypatch):
    """The plan that a command comes to; only the training itself is left out."""
    plans = []

    def start(plan, **_):
        plans.append(plan)
        raise typer.Exit

    def plan(words: list[str]):
        result = invoke([word for word in words if word != "--dry-run"])
        assert result.exit_code == 0, result.output
        return plans.pop()

    monkeypatch.setattr(runs, "start", start)
    return plan


# --- pages


def script(name: str):
    """A script in ``docs`` that writes pages, as a module."""
    return importlib.import_module(name)


def component_pages():
    return script("component_pages")


def test_the_page_of_checks_is_up_to_date():
    page = script("checks_page")
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "mend it with: make docs"


def test_pages_of_the_reference_are_up_to_date():
    reference = script("reference_pages")
    for name, wanted in reference.pages().items():
        assert (reference.FOLDER / name).read_text(encoding="utf-8") == wanted, f"{name}: mend it with: make docs"


def test_every_page_of_the_reference_says_what_its_module_has():
    pages = {path.name for path in (ROOT / "docs" / "reference").glob("*.md")}
    assert pages == {"README.md", "checks.md", *script("reference_pages").SHOWN}
    shown = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "reference").glob("*.md"))
    assert ":::" not in shown  # nothing that only the site can read
    for name in (*ganzoo.__all__, *ganzoo.testing.__all__, "Regularizer.after_step", "Options", "LockedError"):
        assert re.search(rf"^\| \[?`{re.escape(name)}[`(]", shown, re.MULTILINE), name


def test_each_component_has_a_page_and_nothing_else_has(monkeypatch):
    """Their text is compared one by one, in tests/contract/test_places.py: that of the patch critics takes seconds."""
    pages = component_pages()
    monkeypatch.setattr(pages, "page", lambda description: "")
    wanted = pages.pages()
    there = {path.name for path in pages.FOLDER.iterdir() if path.name != "images"}
    assert there == wanted.keys(), "mend it with: make docs"
    assert (pages.FOLDER / "README.md").read_text(encoding="utf-8") == wanted["README.md"], "mend it with: make docs"


def test_a_changed_a_missing_and_a_left_over_page_are_noticed_and_mended(tmp_path):
    pages, wanted = component_pages(), {"a.md": "a", "b.md": "b"}
    pages.write(tmp_path, wanted)
    assert pages.stale(tmp_path, wanted) == []
    (tmp_path / "a.md").write_text("changed")
    (tmp_path / "b.md").unlink()
    (tmp_path / "c.md").write_text("left over")
    assert pages.stale(tmp_path, wanted) == ["a.md", "b.md", "c.md"]
    pages.write(tmp_path, wanted)
    assert pages.stale(tmp_path, wanted) == []


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_images_lead_somewhere(page):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?:", target):
            continue
        place, _, anchor = target.partition("#")
        path = (page.parent / place).resolve() if place else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_fence_is_closed_and_of_a_known_language(page):
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(blocks_of(page))
    assert {block.language for block in blocks_of(page)} <= {
        "bash",
        "console",
        "diff",
        "python",
        "yaml",
        "toml",
        "text",
    }


# --- blocks


def shell_lines(block: Block) -> list[tuple[list[str], str]]:
    """Each command of a block, in words, and the output shown below it."""
    if block.language == "bash":
        pairs = [(line, "") for line in block.text.replace("\\\n", " ").splitlines()]
    else:
        parts = re.split(r"^\$ (.+)\n", block.text, flags=re.MULTILINE)[1:]
        pairs = list(zip(parts[::2], parts[1::2], strict=True))
    return [(words, output) for line, output in pairs if (words := shlex.split(line, comments=True))]


def ganzoo_lines(*commands: str) -> list:
    """The words after ``ganzoo`` of every line without output; ``""`` stands for options before any command."""
    return [
        pytest.param(words[1:], id=f"{block}: {shlex.join(words)}")
        for block in blocks("bash", "console")
        for words, output in shell_lines(block)
        if words[0] == "ganzoo" and not output and (words[1] if words[1] in COMMANDS else "") in commands
    ]


def test_no_block_goes_untried():
    """Each page's Python is run here, in the tutorials' environment, or as a file of the plugin it belongs to."""
    run_here = {ROOT / "README.md", GUIDE, NEW_VERSIONS, ADVERSARY, DATA}
    installed = {ROOT / "README.md", PLUGIN_GUIDE}
    untried = [
        str(block)
        for block in blocks("python")
        if (block.page not in run_here if block.file is None else block.page not in installed)
    ]
    assert untried == []
    asked = {words[1] for block in blocks("bash", "console") for words, _ in shell_lines(block) if words[0] == "ganzoo"}
    tried = {
        "list",
        "info",
        "data",
        "plugins",
        "doctor",
        "new-plugin",
        "new-component",
        "check",
        "run",
        "compare",
        "matrix",
        "bench",
        "plot",
        "runs",
        "sample",
        "evaluate",
        "walk",
        "report",
        "resume",
    }
    assert {word for word in asked if not word.startswith("-")} <= tried


@each(blocks("bash"))
def test_programs_of_shell_blocks_exist(block):
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for (program, *arguments), _ in shell_lines(block):
        assert program in {"ganzoo", "make", "pip", "python"}
        if program == "make":
            assert set(arguments) <= set(targets)
        if program == "python" and arguments[0] != "-m":
            assert (ROOT / arguments[0]).is_file()
        if program == "pip":
            assert arguments[0] == "install"


@pytest.mark.parametrize("words", ganzoo_lines("list", "info", "plugins", "doctor", "runs", ""))
def test_cheap_commands_run(words, site, here):
    result = invoke(filled_in(words, {}))
    assert result.exit_code == 0, result.output
    assert result.output


@pytest.mark.parametrize("words", ganzoo_lines("data"))
def test_data_commands_show_data(words, site, pictures, here):
    result = invoke(filled_in(words, pictures))
    assert result.exit_code == 0, result.output
    assert "layout" in result.output
    assert list(here.glob("*.png"))


@pytest.mark.parametrize("words", ganzoo_lines("new-plugin"))
def test_new_plugin_commands_write_a_folder(words, here):
    result = invoke(words)
    assert result.exit_code == 0, result.output
    assert (here / words[1] / "pyproject.toml").is_file()


@pytest.mark.parametrize("words", ganzoo_lines("new-component"))
def test_new_component_commands_add_a_file(words, here):
    assert invoke(["new-plugin", "ganzoo-mine"]).exit_code == 0
    result = invoke(words)
    assert result.exit_code == 0, result.output
    assert (here / "ganzoo-mine" / "ganzoo_mine" / f"{words[2].replace('-', '_')}.py").is_file()


@pytest.mark.parametrize("words", ganzoo_lines("check"))
def test_check_commands_find_nothing(words, site, here):
    """As written, though of two components where they are about many."""
    names = {"ganzoo": ["hinge"], "ganzoo-mine": ["log-cosh"]}
    if "--dist" in words:
        of_distribution = words.index("--dist")
        words = [*words[:of_distribution], *names[words[of_distribution + 1]], *words[of_distribution + 2 :]]
    result = invoke(words)
    assert result.exit_code == 0, result.output
    assert " checks ran, " in result.output


@pytest.mark.parametrize("words", ganzoo_lines("run"))
def test_run_commands_can_be_planned(words, site, wandb, pictures, finished, here, planned):
    shutil.copytree(finished, here / "runs")
    assert planned(filled_in(words, pictures))


@pytest.mark.parametrize("words", ganzoo_lines("matrix"))
def test_matrix_commands_show_pairs(words, site, pictures, here):
    """As written, though of one pair where they are about all."""
    words = filled_in(words, pictures)
    for flag, name in (("--loss", "bce"), ("--disc", "mlp")):
        words += [] if flag in words else [flag, name]
    result = invoke(words)
    assert result.exit_code == 0, result.output
    assert "ok" in result.output


@pytest.mark.parametrize("words", ganzoo_lines("bench"))
def test_bench_commands_can_be_planned(words, pictures, here, peers, monkeypatch):
    plans = []
    shutil.copy(EXAMPLE, here)

    def measured(plan, wanted, *, tell):
        plans.append((plan, entered(plan, wanted.rivals)))
        raise typer.Exit

    monkeypatch.setattr(benchmark, "bench", measured)
    result = invoke(filled_in(words, pictures))
    assert result.exit_code == 0, result.output
    assert len(plans) == 1


@pytest.mark.parametrize("words", ganzoo_lines("compare"))
def test_compare_commands_can_be_planned(words, pictures, here):
    words = filled_in(words, pictures)
    result = invoke([*words, *([] if "--dry-run" in words else ["--dry-run"])])
    assert result.exit_code == 0, result.output
    assert " runs, " in result.output
    assert "refused" not in result.output


@pytest.mark.parametrize("words", ganzoo_lines("plot"))
def test_plot_commands_draw(words, finished, here):
    shutil.copytree(finished, here / "runs")
    if "--out" in words:
        (here / words[words.index("--out") + 1]).parent.mkdir(parents=True, exist_ok=True)
    result = invoke(words)
    assert result.exit_code == 0, result.output
    assert (here / result.output.strip().splitlines()[-1]).stat().st_size > 1000


@pytest.mark.parametrize("words", ganzoo_lines("sample", "walk", "report"))
def test_sample_commands_write_what_they_say(words, finished, here):
    shutil.copytree(finished, here / "runs")
    result = invoke(words)
    assert result.exit_code == 0, result.output
    assert (here / result.output.strip().splitlines()[-1]).exists()


@pytest.mark.parametrize("words", ganzoo_lines("resume"))
def test_resume_commands_go_on(words, site, wandb, finished, here):
    """As written, though only to step 3."""
    shutil.copytree(finished, here / "runs")
    to = words.index("--steps") + 1 if "--steps" in words else None
    if to is not None:
        words = [*words[:to], "3", *words[to + 1 :]]
    result = invoke(words)
    assert result.exit_code == 0, result.output
    run = ganzoo.load_run(result.output.strip().splitlines()[-1])
    assert run.directory.read_manifest()["step"] == (2 if to is None else 3)


@pytest.mark.parametrize(
    ("words", "output"),
    [line for block in blocks("console") for line in shell_lines(block) if line[1]],
    ids=lambda value: shlex.join(value) if isinstance(value, list) else "",
)
def test_shown_output_is_what_comes_out(words, output, here, monkeypatch):
    monkeypatch.setenv("GANZOO_PLUGINS", "")
    assert invoke(words[1:]).output.splitlines() == output.splitlines()


@each([block for block in blocks("yaml") if block.page.parent != GENERATED])
def test_yaml_is_a_configuration_that_can_be_planned(block, site, here, planned):
    (here / "config.yaml").write_text(block.text, encoding="utf-8")
    assert planned(["run", "--config", "config.yaml"])


@each([block for block in blocks("yaml") if block.page.parent == GENERATED])
def test_yaml_of_a_component_page_is_valid(block, registry, here, planned):
    if block.page.name.startswith("recipe-"):
        (here / "config.yaml").write_text(block.text, encoding="utf-8")
        assert planned(["run", "--config", "config.yaml"])
        return
    if block.page.name.startswith("preset-"):
        assert PresetConfig.model_validate(yaml.safe_load(block.text))
        return
    [(section, content)] = yaml.safe_load(block.text).items()
    if section in COLLECTIONS:
        [(name, options)] = content.items()
    else:
        name, options = content.pop("name"), content
    options = {key: value for key, value in options.items() if key not in SHARED_DATA_KEYS}
    assert registry.options(parse_kind(section).name, name).model_validate(options)


@pytest.mark.parametrize("page", [ROOT / "README.md", GUIDE, NEW_VERSIONS, ADVERSARY], ids=lambda page: page.name)
def test_python_of_a_page_runs_from_top_to_bottom(page, here):
    namespace: dict[str, object] = {}
    found = [block for block in blocks("python", pages=[page]) if block.file is None]
    assert found
    for block in found:
        exec(compile(block.text, str(block), "exec"), namespace)


def test_channels_in_files_of_their_own_are_joined_as_the_page_of_data_says(here):
    [block] = blocks("python", pages=[DATA])
    Path("train").mkdir()
    for place, color in enumerate(("red", "green", "blue", "yellow")):
        Image.new("L", (4, 3), 10 * place).save(f"train/cell_{color}.png")
    exec(compile(block.text, str(block), "exec"), {})
    assert [path.name for path in Path("joined").iterdir()] == ["cell.png"]
    assert Image.open("joined/cell.png").getpixel((0, 0)) == (0, 10, 20)


# --- plugins


def test_plugin_of_the_readme_has_25_lines_and_trains(site, here):
    parts = [block for block in blocks_of(ROOT / "README.md") if block.file]
    assert [block.language for block in parts] == ["toml", "python"]
    assert sum(bool(line.strip()) for block in parts for line in block.text.splitlines()) <= 25
    assert invoke(["check", "l1"]).exit_code == 0
    run = ganzoo.run(tiny(loss={"name": "l1", "target": 0.5}))
    assert run.metrics()[-1]["step"] == 2
    assert run.directory.read_manifest()["plugins"]["ganzoo-l1"] == "1.0"


def test_plugin_of_the_guide_trains_with_all_its_parts(site, here):
    recipe = yaml.safe_load((site.path / "ganzoo_mine" / "stripes-demo.yaml").read_text())
    run = ganzoo.run({**recipe, "train": {"steps": 2, "batch_size": 4, "log_every": 1}})
    assert {"d/drift", "distance/real", "distance/fake"} <= run.metrics()[0].keys()
    assert {"metric/contrast/difference", "metric/contrast/samples"} <= run.metrics()[-1].keys()
    assert run.sample(2).shape == (2, 1, 16, 16)


def test_the_tracker_of_the_guide_is_told_of_a_run(site, wandb, here, monkeypatch):
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = ganzoo.run(tiny(), trackers={"weights-and-biases": {"mode": "offline"}})
    assert len(list((run.path / "wandb").glob("offline-run-*"))) == 1
    assert "failed" not in run.directory.log.read_text()
    if hasattr(wandb, "runs"):
        [told] = wandb.runs
        config = run.config.model_dump(mode="json")
        assert told.arguments == {"project": "ganzoo", "name": run.path.name, "group": run.path.name, "config": config}
        pictures = {step: row.pop("samples").content for step, row in told.history.items()}
        assert pictures == {step: (run.path / f"samples/step-{step:07d}.png").read_bytes() for step in (0, 1, 2)}
        assert told.history == {0: {}} | {row["step"]: row for row in run.metrics()}
        assert (told.summary, told.exit_code) == ({"status": "finished"}, 0)


def test_the_tracker_of_the_guide_says_what_it_needs(site, here):
    if importlib.util.find_spec("wandb") is not None:
        pytest.skip("wandb is installed")
    with pytest.raises(errors.PluginError, match="needs wandb, which is not installed") as caught:
        ganzoo.run(tiny(), trackers=["wandb"])
    assert caught.value.hint.startswith("python -m pip install wandb")


def test_the_adapting_loss_of_the_guide_is_part_of_checkpoints(site, here):
    run = ganzoo.run(tiny(loss="centered-hinge"))
    tensors, _ = run.directory.load_checkpoint()
    assert tensors["adaptive"]["loss/center"] != 0


def test_tests_of_the_guide_pass(site, here):
    environ = {**os.environ, "PYTHONPATH": str(site.path)}
    command = [warm_python(), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(site.path), "tests"]
    done = subprocess.run(command, env=environ, cwd=site.path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_messages_about_broken_plugins_are_those_of_the_guide(tmp_path):
    folder = PluginFolder(tmp_path)
    for source in SOURCES.glob("*.py"):
        if source.stem != "install":
            folder.install(source.stem)
    folder.announce("gone", {"main": "gone_module"})
    folder.announce("misspelt", {"main": "ganzoo_mine:foo[bar"})
    # In a process of its own, since whether torch is loaded already makes a difference to one message.
    script = """
import json
from ganzoo.registry import Registry
print(json.dumps([(problem.stage, problem.message) for problem in Registry.load().problems]))
"""
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    problems = json.loads(done.stdout)
    for stage, cell in rows(PLUGIN_GUIDE, "stage"):
        [message] = code(cell)
        pattern = ".*".join(re.escape(part) for part in message.split("…"))
        assert any(stage == where and re.fullmatch(pattern, what) for where, what in problems), message


# --- tables


def tiny(**sections):
    return {
        "discriminator": {"name": "patchgan-sn", "ndf": 2},
        "generator": {"name": "dcgan", "ngf": 2, "latent": 4},
        "data": {"name": "synthetic", "image_size": 8, "n": 16},
        "train": {"steps": 2, "batch_size": 4, "log_every": 1, "sample_every": 1},
        **sections,
    }


@pytest.fixture(scope="module")
def tiny_runs(tmp_path_factory):
    """Runs that between them write every key and file there is; the last one is of vectors."""
    out = tmp_path_factory.mktemp("runs")
    train = {"steps": 2, "batch_size": 4, "log_every": 1, "sample_every": 1}
    conditional = {"loss": "wgan-gp", "discriminator": {"name": "acgan", "ndf": 2}}
    regularizers = Registry.load(plugins=False).entries("regularizer")
    terms = {
        one.name: {"every": 1}
        for one in regularizers
        if not {"needs_class_logits", "needs_embedding"} & set(one.component.tags)
    }
    adaptive = {
        "loss": "began",
        "discriminator": {"name": "autoencoder", "ndf": 2},
        "generator": {"name": "stylegan", "ngf": 2, "latent": 4},
        "regularizers": terms | {"consistency": {"variant": "icr"}},
        "augment": "ada",
    }
    embedded = {
        "loss": "top-k",
        "discriminator": {"name": "embedding", "ndf": 2},
        "regularizers": {"contrastive": {}, "d2d-ce": {}},
        "schedules": {"train.g_lr": {"steps": [0, 2], "values": [5e-4, 1e-4], "shape": "linear"}},
    }
    instead = {"discriminator": {"name": "acgan", "ndf": 2}, "regularizers": {"multi-hinge": {}}}
    every = ({}, conditional, embedded, instead, adaptive)
    runs = [ganzoo.run(tiny(**sections), out=out, trackers=["tensorboard"]) for sections in every]
    return [*runs, ganzoo.run({"loss": "bce", "data": {"name": "ring", "n": 64}, "train": train}, out=out)]


def test_metric_keys(tiny_runs):
    written = {key for run in tiny_runs for row in run.metrics() for key in row}
    layers = {key for key in written if key.startswith("sigma/")}
    measured = {key for key in written if key.startswith(("metric/", "floor/", "schedule/"))}
    assert layers
    assert measured
    assert "schedule/train.g_lr" in measured
    named = {"sigma/<layer>", "metric/<name>/<key>", "floor/<name>/<key>", "schedule/<path>"}
    assert named | written - layers - measured == set(documented(GUIDE, "key of a row"))


@entries_of("metric")
def test_numbers_of_a_metric_are_in_the_guide(entry):
    metric, world = prepared(subject_of_entry(entry))
    written = {key for key in answer(metric, world.real, world.unseen) if not re.search(r"^recall/|_se$", key)}
    [keys] = [row[2] for row in rows(GUIDE, "metric") if name_of_page(row[0])[0] == entry.name]
    assert set(code(keys)) == written


def lacking_rows(keys: set[str]) -> str:
    """What to add to the guide's table of keys; empty if all are there."""
    lacking = sorted(keys - set(documented(GUIDE, "key of a row")))
    names = " ".join(f"`{key}`" for key in lacking)
    return f"docs/user-guide.md, table with the heading “key of a row”: add {names}" if lacking else ""


@entries_of("regularizer")
def test_terms_of_a_regularizer_are_keys_in_the_guide(entry, tiny_runs):
    written = {key for run in tiny_runs for row in run.metrics() for key in row}
    name = entry.name.replace("-", "_")
    assert not (lacking := lacking_rows({key for key in written if key.partition("/")[2].startswith(name)})), lacking


@entries_of("loss")
def test_diagnostics_of_a_loss_are_keys_in_the_guide(entry):
    loss, logits = ganzoo.build("loss", entry.name), torch.tensor([-2.0, -1.0])
    seen = loss.diagnostics(real=logits, fake=logits) if hasattr(loss, "diagnostics") else {}
    assert not (lacking := lacking_rows(set(seen))), lacking


def test_manifest_keys(tiny_runs):
    written = [list(run.directory.read_manifest()) for run in tiny_runs]
    assert [set(documented(GUIDE, "key of `manifest.json`"))] * len(written) == [set(keys) for keys in written]


def test_files_of_a_run(tiny_runs):
    [listing] = [block.text for block in blocks("text", pages=[GUIDE]) if block.text.startswith("runs/")]
    named = {line.split()[0].rstrip("/") for line in listing.splitlines()[1:]}
    assert invoke(["plot", "run", str(tiny_runs[-1].path)]).exit_code == 0
    assert invoke(["evaluate", str(tiny_runs[-1].path), "-n", "20"]).exit_code == 0
    assert named == {path.name for run in tiny_runs for path in run.path.iterdir() if not path.name.startswith(".")}


def test_files_of_a_checkpoint(tiny_runs):
    written = {path.name for run in tiny_runs for path in run.directory.checkpoint_folders()[0].iterdir()}
    assert set(documented(GUIDE, "file of a checkpoint")) == written


def test_keys_of_the_overview():
    seen = Overview(layout="", images=0, shape=(1, 8, 8)).as_json()
    assert documented(GUIDE, "key of the object") == list(seen)


def test_remarks_are_in_the_guide():
    """Every fix that does not depend on the data stands in the table, and there are as many rows as remarks."""
    text = (ROOT / "ganzoo" / "planning" / "remarks.py").read_text("utf-8")
    shown = " ".join(way for _, way in rows(GUIDE, "what is remarked on"))
    ways = set(re.findall(r"--(?:set|disc|augment|device) [\w.=-]+", text))
    assert "--augment ada" in ways
    assert {way for way in ways if way not in shown} == set()
    assert len(rows(GUIDE, "what is remarked on")) == len(REMARKS) + 1  # and the one on a measured estimate


def test_configuration_keys_and_defaults():
    default = RunConfig()
    expected: dict[str, object] = {}
    for section in ("data", "train", "eval", "runtime"):
        part = getattr(default, section)
        expected |= {f"{section}.{name}": getattr(part, name) for name in type(part).model_fields}
    expected |= {"train.steps": DEFAULT_STEPS, "data.on_error": "stop", "version": 1, "seed": default.seed}
    expected |= {name: getattr(default, name).name for name in ("loss", "discriminator", "generator", "data")}
    expected |= {"regularizers": {}, "augment": {}, "metrics": {}, "extractors": {}, "schedules": {}}
    expected |= {"train": None, "runtime": None}
    shown = {}
    for key, value, _ in rows(GUIDE, "key"):
        [text] = code(value) or ["null"]
        shown[code(key)[0]] = text
    assert shown.keys() == expected.keys()
    assert {key: _plain(value) for key, value in expected.items()} == {
        key: _plain(yaml.safe_load(text)) for key, text in shown.items()
    }


def _plain(value: object) -> object:
    return json.loads(json.dumps(value))


def test_flags_of_run():
    documented_flags = {word.split()[0] for word in documented(GUIDE, "flag")}
    shown = [parameter for parameter in COMMANDS["run"].params if not parameter.hidden]
    assert documented_flags == {flag for parameter in shown for flag in parameter.opts} - {"--help"}


def test_commands_of_the_readme():
    assert [word.split()[1] for word in documented(ROOT / "README.md", "command")] == list(COMMANDS)


def first_party(kind: str) -> list[str]:
    return [entry.name for entry in Registry.load(plugins=False).entries(kind)]


def test_numbers_and_names_of_the_readme():
    shown = {parse_kind(row[0]).name: (int(row[1]), code(row[2])) for row in rows(ROOT / "README.md", "part")}
    kinds = {entry.kind for entry in Registry.load(plugins=False).entries()}
    assert shown == {kind: (len(first_party(kind)), first_party(kind)) for kind in kinds}


@pytest.mark.parametrize(
    "kind",
    [
        "loss",
        "discriminator",
        "generator",
        "regularizer",
        "augmentation",
        "dataset",
        "metric",
        "extractor",
        "tracker",
        "preset",
    ],
)
def test_every_component_has_its_row_in_the_guide(kind):
    named = [name_of_page(row[0]) for row in rows(GUIDE, kind)]
    assert sorted(named) == sorted((name, f"{kind}-{name}") for name in first_party(kind))


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.section or kind.name in ("recipe", "tracker")], ids=lambda kind: kind.name
)
def test_component_pages_say_how_to_ask_for_it(kind, here, pictures, planned):
    """The flag on the page is one that ``ganzoo run`` takes for this kind."""
    entry = Registry.load(plugins=False).entries(kind.name)[-1]
    flag, value = component_pages().selected_by(entry).split()
    given = {"--data": ["--data", "digits"]}.get(flag, [flag, value])
    extra = ["--data", "ring"] if kind.name == "metric" else []
    plan = planned(["run", *given, *extra])
    section = kind.section or "loss"
    chosen = getattr(plan.config, section)
    if kind.name not in ("dataset", "recipe", "tracker"):
        assert entry.name in (chosen if kind.many else [chosen.name])


def test_statuses_of_the_matrix():
    assert documented(GUIDE, "status") == list(get_args(Status))


def test_fields_of_the_view():
    assert set(documented(PLUGIN_GUIDE, "of the view")) == {field.name for field in fields(StepView)}


def test_fields_of_the_tracked_run():
    assert documented(PLUGIN_GUIDE, "of the tracked run") == [field.name for field in fields(TrackedRun)]


def test_exit_codes():
    shown = {(int(row[0]), name) for row in rows(GUIDE, "code") for name in code(row[1])}
    classes, queue = set(), [errors.GanzooError]
    while queue:
        found = queue.pop()
        classes.add((found.exit_code, found.__name__))
        queue += found.__subclasses__()
    ours = {(exit_code, name) for exit_code, name in classes if hasattr(errors, name)}
    assert shown == ours | {(143, "Interrupted")}
    assert {int(row[0]) for row in rows(GUIDE, "code")} == {exit_code for exit_code, _ in shown} | {0}


def test_environment_variables():
    sources = [*(ROOT / "ganzoo").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    used = {name for path in sources for name in re.findall(r"GANZOO_[A-Z_]+", path.read_text(encoding="utf-8"))}
    shown = {name for name in documented(GUIDE, "variable") if name.startswith("GANZOO_")}
    assert shown == used - {"GANZOO_API"}


def tags_read_by_the_core() -> set[str]:
    """Strings that a module of the core compares with tags."""
    found = set()
    kit = ROOT / "ganzoo" / "testing"
    for path in (path for path in (ROOT / "ganzoo").rglob("*.py") if kit not in path.parents):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in (
                "has",
                "regularizers_with",
                "parts_with",
            ):
                found |= _strings(node.args[-1])
            elif isinstance(node, ast.BinOp | ast.Compare) and "tags" in ast.unparse(node):
                found |= _strings(node)
    return found - {"discriminator", "generator", "loss"}


def _strings(node: ast.AST) -> set[str]:
    return {inner.value for inner in ast.walk(node) if isinstance(inner, ast.Constant) and isinstance(inner.value, str)}


def test_tags(registry):
    carried = {tag for entry in registry.entries() if entry.first_party for tag in entry.component.tags}
    read = tags_read_by_the_core()
    assert {"needs_labels", "spectral_norm", "generator_needs_real", "patch"} <= read, "the search finds tags"
    assert carried | read <= set(documented(PLUGIN_GUIDE, "tag"))
    assert set(documented(PLUGIN_GUIDE, "tag")) == KNOWN.keys()


def test_fields_of_the_record():
    assert documented(PLUGIN_GUIDE, "field") == [field.name for field in fields(Component)]


def test_every_way_out_that_a_rule_names_is_in_the_guide():
    text = GUIDE.read_text(encoding="utf-8")
    section = text[text.index("\n## Warnings and refusals") : text.index("\n## What a run leaves")]
    flags = "set|reg|disc|gen|loss|augment"
    rules = "".join(
        (ROOT / "ganzoo" / "planning" / f"{name}.py").read_text("utf-8") for name in ("rules", "one_verdict")
    )
    ways = set(re.findall(rf"--(?:{flags}) [\w.=-]+", rules))
    assert {"--reg gradient-penalty", "--set train.updates=alternating"} <= ways, "the search finds ways out"
    assert {way for way in ways if way not in section} == set()


def test_every_module_of_the_core_has_its_place_in_the_design():
    shown = {word.rstrip("/") for word in documented(ROOT / "docs" / "design.md", "modules")}
    modules = {
        path.stem for path in (ROOT / "ganzoo").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert shown == modules - {"__init__", "__main__"}


def test_pages_tell_nothing_of_the_machine_they_were_written_on():
    private = re.compile(r"/(?:work|tmp|home|root)/|PLACEHOLDER|TODO")
    assert [str(page) for page in PAGES if private.search(page.read_text(encoding="utf-8"))] == []


def test_the_guide_lists_every_extra():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    part = (ROOT / "docs/user-guide.md").read_text().partition("| extra | for |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)) == sorted(extras)
