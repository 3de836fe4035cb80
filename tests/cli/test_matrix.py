"""``ganzoo matrix``."""

import json
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from ganzoo.cli import matrix as command
from ganzoo.cli.matrix import headings, show, who
from ganzoo.cli.matrix_page import page
from ganzoo.registry import Registry
from ganzoo.studies.matrix import PairResult

QUICK = (
    "--data synthetic --image-size 16 --set data.n=16 --set train.batch_size=4 --loss hinge --loss ebgan "
    "--disc mlp --disc autoencoder"
)
LOSSES = [entry.name for entry in Registry.load(plugins=False).entries("loss")]
DISCRIMINATORS = [entry.name for entry in Registry.load(plugins=False).entries("discriminator")]
TWELVE = [
    PairResult(
        loss=loss,
        discriminator=name,
        status="warn" if loss == "wgan" else "ok",
        reasons=(f"loss wgan and discriminator {name} [do] not :smile: fit " + "together " * 12,) * (loss == "wgan"),
    )
    for loss in LOSSES
    for name in DISCRIMINATORS
]


def result(loss, discriminator, status="ok", *reasons):
    return PairResult(loss=loss, discriminator=discriminator, status=status, reasons=reasons)


def shown(results, width=80):
    console = Console(width=width, markup=False, emoji=False, highlight=False, color_system=None)
    with console.capture() as capture:
        show(console, results)
    return capture.get()


def test_rows_for_programs(ganzoo):
    outcome = ganzoo(f"matrix {QUICK} --json")
    assert outcome.code == 0
    assert [set(row) for row in outcome.json] == [{"loss", "discriminator", "status", "reason"}] * 4
    assert {(row["loss"], row["discriminator"]): row["status"] for row in outcome.json} == {
        ("hinge", "mlp"): "ok",
        ("hinge", "autoencoder"): "warn",
        ("ebgan", "mlp"): "warn",
        ("ebgan", "autoencoder"): "ok",
    }
    assert all(bool(row["reason"]) == (row["status"] == "warn") for row in outcome.json)
    assert "--disc autoencoder" in next(row["reason"] for row in outcome.json if row["loss"] == "ebgan")


def test_all_pairs_are_trained_with_run(ganzoo, monkeypatch):
    seen = []
    monkeypatch.setattr("ganzoo.studies.matrix._train", lambda plan: seen.append(plan.config.train.steps))
    assert ganzoo(f"matrix {QUICK} --run 3 --json").code == 0
    assert seen == [3] * 4
    assert ganzoo(f"matrix {QUICK} --json").code == 0
    assert len(seen) == 4


def test_what_is_put_before_the_discriminator(ganzoo, monkeypatch):
    seen = []
    monkeypatch.setattr("ganzoo.studies.matrix._train", lambda plan: seen.append(list(plan.config.augment)))
    quick = QUICK.replace("--loss ebgan ", "").replace("--disc autoencoder", "")
    assert ganzoo(f"matrix {quick} --augment diffaugment --run 1 --json").code == 0
    assert ganzoo(f"matrix {quick} --augment none --run 1 --json").code == 0
    assert seen == [["diffaugment"], []]
    assert ganzoo(f"matrix {quick} --augment no-such").code == 2


def test_a_failed_pair_ends_with_1_and_a_refused_one_with_0(ganzoo, monkeypatch):
    assert ganzoo(f"matrix {QUICK} --reg auxiliary-classifier").code == 0
    monkeypatch.setattr("ganzoo.studies.matrix._train", lambda plan: "it broke")
    outcome = ganzoo(f"matrix {QUICK} --run 1 --json")
    assert outcome.code == 1
    assert {row["status"] for row in outcome.json} == {"failed"}
    assert all(row["reason"].startswith("it broke") for row in outcome.json)


def test_a_value_that_no_component_takes_is_an_error_once(ganzoo):
    outcome = ganzoo(f"matrix {QUICK} --set disc.ndf=abc")
    assert (outcome.code, outcome.out) == (2, "")
    assert "discriminator.ndf = 'abc' (from --set): must be a whole number" in outcome.err


def test_a_value_that_some_components_take_is_for_their_rows(ganzoo):
    outcome = ganzoo("matrix --data synthetic --loss hinge --disc mlp --set disc.norm=spectral --json")
    assert outcome.code == 0


def test_the_table(ganzoo):
    lines = [line.rstrip() for line in ganzoo(f"matrix {QUICK}").out.splitlines()]
    assert lines[:2] == [" " * 15 + "hinge", " " * 15 + "│   ebgan"]
    assert [line.split() for line in lines[2:4]] == [["mlp", "ok", "w"], ["autoencoder", "w", "ok"]]
    assert "w      2  warn: it runs, but is ill-posed" in lines
    assert "w   ebgan with mlp" in lines


@pytest.mark.parametrize("width", [60, 80, 200])
def test_all_that_is_registered_fits_the_terminal(width):
    text = shown(TWELVE, width)
    assert max(map(len, text.splitlines())) <= width
    assert all(re.search(rf"^ +(│ +)*{loss}$", text, re.MULTILINE) for loss in LOSSES)
    assert "wgan with every discriminator" in text
    assert "the discriminator [do] not :smile: fit" in " ".join(text.split())


def test_each_heading_stands_above_its_column():
    lines = list(headings(["bce", "hinge", "wgan"], 5))
    assert lines == ["     bce", "     │   hinge", "     │   │   wgan"]


def test_marks_stand_below_their_heading():
    lines = shown([result("a", "x"), result("b", "x", "refused", "no"), result("c", "x", "failed", "oh")]).splitlines()
    row = lines[3]
    assert [row[line.index(name)] for line, name in zip(lines, "abc", strict=False)] == ["o", "R", "F"]


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        (["ax"], "a with x"),
        (["ax", "ay", "az"], "a with every discriminator"),
        (["ax", "bx", "cx"], "every loss with x"),
        (["ax", "ay", "bx", "by"], "a, b with x, y"),
        (["ax", "ay", "by"], "a with x, y; b with y"),
        ([loss + name for loss in "abc" for name in "xyz"], "every loss with every discriminator"),
    ],
)
def test_who_is_meant(pairs, text):
    assert who([result(*pair) for pair in pairs], "abc", "xyz") == text


def test_all_but_one_are_named_by_that_one():
    losses = ["first-of-them", "second-of-them", "third-of-them"]
    assert who([result(loss, "x") for loss in losses[1:]], losses, ["x"]) == "every loss but first-of-them with x"


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.anchors, self.text, self.open = [], [], [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        values = dict(attributes)
        self.links += [value for name, value in attributes if name in ("href", "src")]
        self.anchors += [values["id"]] if "id" in values else []
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_needs_no_other_file_and_its_links_lead_somewhere():
    results = [result("a", "<b>", "refused", "x <i> y & 'z'"), result("q", "<b>"), result("p/a", "<b>", "failed", "oh")]
    read = Page(page(results, steps=2))
    assert read.open == []
    assert [link.removeprefix("#") for link in read.links] == read.anchors
    assert len(read.anchors) == 2
    assert {"b", "i"}.isdisjoint(read.tags)
    assert "x <i> y & 'z'" in read.text
    assert "trained for 2 steps" in read.text
    assert {"script", "link", "img"}.isdisjoint(read.tags)


def test_the_page_goes_to_stdout(ganzoo):
    outcome = ganzoo(f"matrix {QUICK} --html")
    assert outcome.code == 0
    assert outcome.out.startswith("<!doctype html>")
    assert outcome.out.count("<td class='ok'>") == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--json --html", "--json and --html exclude each other"),
        ("--loss hing", "there is no loss called 'hing'; did you mean 'hinge'?"),
        ("--disc patchgam", "there is no discriminator called 'patchgam'"),
        ("--gen dcgam", "there is no generator called 'dcgam'"),
        ("--reg r9", "there is no regularizer called 'r9'"),
        ("--set train.stpes=3", "train.stpes"),
        ("--set disc.n_layrs=3", "no discriminator has an option n_layrs; did you mean 'n_layers'?"),
    ],
)
def test_errors(ganzoo, line, message):
    outcome = ganzoo(f"matrix {line}")
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


def test_regularizers_replace_the_suggested_ones(ganzoo):
    line = "matrix --data synthetic --image-size 16 --set data.n=16 --loss wgan-gp --disc mlp --json"
    assert [row["status"] for row in ganzoo(line).json] == ["ok"]
    assert [row["status"] for row in ganzoo(f"{line} --reg none").json] == ["warn"]
    [row] = ganzoo(f"{line} --reg auxiliary-classifier").json
    assert row["status"] == "refused"


def test_every_status_has_a_mark_and_a_meaning():
    statuses = {"ok", "warn", "refused", "failed"}
    assert command.MARKS.keys() == command.MEANINGS.keys() == statuses
    assert len({mark for mark, _ in command.MARKS.values()}) == 4
    assert json.dumps(result("a", "b").row())
