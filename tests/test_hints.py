"""A hint never recommends what does not help: the commands, options, paths, names and extras in it exist.

Every hint of the source is collected from its syntax tree: ``hint=``, ``fix=`` and ``fixes=`` of any call, the third
argument of ``Finding``, and texts that begin with ``next:``. What stands in the braces of an f-string is taken from
``HOLES``. A command in a hint ends at a comma, a semicolon or the end, so that it can be copied as it stands.
"""

from __future__ import annotations

import ast
import contextlib
import io
import itertools
import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from pages import ROOT
from pydantic import ValidationError

from ganzoo.cli import app
from ganzoo.cli.dotted_flags import written_out
from ganzoo.cli.given import LISTED
from ganzoo.component import KINDS
from ganzoo.config.layers import parse_assignments
from ganzoo.config.schema import COLLECTIONS, SELECTIONS, RunConfig
from ganzoo.registry import ALLOW, DENY, Registry, parse_kind
from ganzoo.studies.axes import split_choices

pytestmark = pytest.mark.xdist_group("hints")  # one process reads the source

REGISTRY = Registry.load(plugins=False)
GROUP: Any = typer.main.get_command(app)
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
VARIABLES = {ALLOW, DENY, "GANZOO_CACHE"}
KIND_OF_FLAG = {
    "--loss": "loss",
    "--disc": "discriminator",
    "--gen": "generator",
    "--reg": "regularizer",
    "--augment": "augmentation",
    "--metric": "metric",
    "--tracker": "tracker",
    "--data": "dataset",
}
PIP = {
    "install": {"--upgrade", "--force-reinstall", "--no-deps", "--editable", "-e"},
    "uninstall": set(),
}
PLACEHOLDER = re.compile(r"[A-Z]+|…")
"""FOLDER, FILE, NAME: what a reader puts in."""

AGAIN = "ganzoo run --config runs/0001-x/config.yaml"
REINSTALL = "python -m pip install --force-reinstall --no-deps ganzoo-mine==1.0"

ELSEWHERE = {
    "error.hint",
    "maker.hint",
    "error.fix",
    "self.hint",
    "told[0].fix",
    "problem.fixes",
    "finding.fix",
    "self.fix",
    "fix",
    "fixes",
    "hint",
}
"""Hints that are handed on: they are collected where they are written."""

HOLES: dict[str, tuple[str, ...]] = {
    # Names: of components, kinds, distributions and packages.
    # Of libraries that ganzoo is compared with.
    "peers[0]": ("torchgan",),
    "allowed[0]": ("wall",),
    "parameter.opts[0]": ("--clock",),
    "parameter.metavar": ("RUN",),
    "names.py: peer": ("torchgan",),
    "asked.peer": ("lightning",),
    "PEERS[peer].install": ("--no-deps torchgan",),
    "PEERS[asked.peer].example": ("https://example.org/generative_adversarial_net.py",),
    "address.rpartition('/')[2]": ("generative_adversarial_net.py",),
    "kind.fewest": ("2",),
    "shlex.quote(str(example))": ("generative_adversarial_net.py",),
    "bench_peer.py: again": ("ganzoo bench --against torchgan --batch 8",),
    "names.py: nearest(name, NAMES)": ("plain", "hand"),
    "usage_error.py: all_of_them": ("ganzoo compare --loss hinge,bce",),
    # Of comparisons.
    "','.join(choices)": ("hinge,bce",),
    "comparison.word": ("comparisons/0001-hinge-bce-digits",),
    "parts * -(-train.batch_size // parts)": ("64",),
    "2 * parts": ("4",),
    "side << math.ceil(lod)": ("32",),
    "together.py: section": ("discriminator",),
    "together.py: name": ("dcgan",),
    "presets.py: shape": ("(3, 64, 64)",),
    "own_critics.py: start": ("20000",),
    "own_critics.py: given": ("vqgan",),
    "own_critics.py: next(reversed(types))": ("patch",),
    "own_critics.py: name": ("epsilon",),
    "own_critics.py: nearest(given, BALANCES)": ("last-layer",),
    "own_critics.py: -value": ("0.5",),
    """repr({name: {'name': usual, **given}}).replace("'", '"')""": ('{"patch": {"name": "patchgan", "ndf": 8}}',),
    "own_shape.py: better": ("(3, 32, 32)",),
    "own_shape.py: shape[0]": ("32",),
    "own_shape.py: (made_for[0] - seen[0]) // pac": ("1",),
    "own_shape.py: tuple(given.fake.shape[1:])": ("(3, 64, 64)",),
    "one_verdict.py: settings": ("--set train.fakes=shared --set train.n_critic=1",),
    "one_verdict.py: flags": ("--loss bce --disc dcgan --set discriminator.norm=instance",),
    "state_fit.py: written": ("'patch': …",),
    "state_fit.py: held[0]": ("adversary",),
    "state_fit.py: within[0]": ("adversary",),
    "state_fit.py: of_one[0]": ("critic",),
    "by_name.py: usage": ("adversary.update(fake=y, real=x)", "adversary.generator_loss(fake, real=x)"),
    "given_data.py: side": ("real", "fake"),
    # Of discriminators and the data that they take.
    "unet_sn.py: max(MULTIPLE, min(height, width) // MULTIPLE * MULTIPLE)": ("64",),
    "(names or [entry.name])[0]": ("patchgan", "mlp"),
    "discriminator": ("patchgan", "multiscale-patchgan"),
    "class_similarities.py: of": ("d2d-ce", "contrastive"),
    "self.doublings": ("3",),
    "growth.py: doublings": ("3",),
    "option": ("n_layers",),
    "most": ("2",),
    "*[32] * rank": ("32", "32, 32, 32"),
    "signal_shape.py: channels": ("1",),
    "signal_shape.py: shortest": ("2048",),
    "max(steps.values())": ("2500",),
    "words.split(' --')[0]": ("--steps 10", "--minutes 5"),
    "measuring.py: flag": ("-n ", "--set eval.n="),
    "measuring.py: fewest": ("40",),
    "measuring.py: traits.fewest_samples": ("40",),
    "comparing.py: kind": ("steps", "d-updates", "images", "minutes"),
    "shlex.quote(str(target))": ("comparisons/0001-hinge-bce-digits",),
    "COLLECTIONS[section]": tuple(COLLECTIONS.values()),
    "' '.join((_quoted(one) for one in wanted))": ("ganzoo-mine==1.0", "-e /home/me/ganzoo-mine"),
    "' '.join(self.missing())": ("tensorboard",),
    "', '.join((f'ganzoo check {name}' for name in suspects))": ("ganzoo check hinge, ganzoo check bce",),
    "chosen[0]": ("train",),
    "evaluate.py: shlex.quote(str(found))": ("generated",),
    "evaluating.py: found": ("generated",),
    "evaluate.py: shlex.quote(data or 'PATH')": ("digits", "/data/pictures"),
    "judging.py: self._name": ("mode-coverage",),
    "directory.py: shlex.quote(str(self.path))": ("runs/0001-x",),
    "session.py: shlex.quote(before['ancestry'][0]['path'])": ("runs/0001-x",),
    "same_data.py: command": ("resume", "evaluate"),
    "run.directory.word": ("runs/0001-x",),
    "gathering.py: name": ("random-conv",),
    "ctx.command_path": ("ganzoo", "ganzoo plot"),
    "given.py: value": ("3",),
    "given.py: LISTED[option]": tuple(LISTED.values()),
    "usage_error.py: command": ("ganzoo run",),
    "' '.join((f'--set {path}=VALUE' for path in paths))": ("--set train.g_lr=VALUE --set train.d_lr=VALUE",),
    "distribution.removeprefix(_PREFIX)": ("hinge",),
    "entry.kind": ("loss",),
    "entry.name": ("hinge",),
    "kind.plural": tuple(kind.plural for kind in KINDS),
    "name.strip().replace('_', '-')": ("hinge",),
    "of.partition(' ')[0]": ("generator", "discriminator", "augmentation"),
    "options.__name__": ("MyLoss",),
    "package": ("torchvision",),
    "INSTALL": ("python -m pip install 'ganzoo[medical]'",),
    "install": (
        "python -m pip install 'ganzoo[medical]'",
        "python -m pip install 'ganzoo[heic]'",
        "python -m pip install pylibjpeg pylibjpeg-libjpeg",
    ),
    "shlex.quote(str(place.path))": ("/data/pictures",),
    "parse_kind(entry.kind).plural": tuple(kind.plural for kind in KINDS),
    "part.name": ("hinge",),
    "shlex.quote(','.join(patterns))": ("logo.png",),
    "shlex.quote(here)": ("'my pictures'",),
    "what": ("the loose pictures", "these folders"),
    "otherwise": ("move the loose pictures away", "remove these folders"),
    "loose_left_out(part.flat)": ("--set data.exclude=logo.png to leave out the loose pictures",),
    "webdataset.py: archive": ("/data/pictures/a.tar",),
    "shlex.quote(str(place.path / archives[0]))": ("/data/pictures/a.zip",),
    "look": ("see what is there with: ls /data",),
    "folders.py: place.path": ("/data/pictures.zip",),
    "recognition.py: option": ("label_column",),
    "part.said_by": ("--component ", "--kind loss:", "ganzoo new-component loss "),
    "names.py: said_by": ("--component ", "--kind loss:", "ganzoo new-component loss "),
    "min(repeated)": ("loss",),
    "planning.py: kind": ("loss",),
    "planning.py: command": ("new-plugin", "new-component"),
    "player": ("discriminator", "generator"),
    "plugin.distribution": ("ganzoo-mine",),
    "problem.distribution": ("ganzoo-mine",),
    "qualified[0]": ("ganzoo-mine/hinge",),
    "regularizer": ("feature-matching",),
    "registry.shortest(one.entry)": ("tensorboard",),
    "replacing[0]": ("feature-matching",),
    "self.component.install": ("ganzoo[tensorboard]",),
    "self.entry.name": ("tensorboard",),
    "self.distribution": ("ganzoo-mine",),
    "self.name": ("ganzoo-mine",),
    "named.command": ("ganzoo check hinge",),
    "', '.join(filter(None, commands))": ("ganzoo check dcgan, ganzoo check hinge",),
    "'; '.join(filter(None, ['end its formula with .mean()', named.command]))": (
        "end its formula with .mean(); ganzoo check hinge",
    ),
    "'; '.join(filter(None, ['write x = x.relu() for x.relu_()', named.command]))": (
        "write x = x.relu() for x.relu_(); ganzoo check hinge",
    ),
    "'; '.join(filter(None, [ADVICE, judged.command]))": ("leave the regularizer out; ganzoo check dcgan",),
    "generator_at_hand.py: name": ("path-length",),
    "rules.py: section": ("discriminator", "generator"),
    "selection.py: name": ("ganzoo-mine",),
    "subject.py: options": ("hinge",),
    "versions.py: name": ("torch",),
    "','.join(filter(None, [os.environ.get(DENY), distribution]))": ("ganzoo-mine",),
    # Flags and options.
    "' '.join((detail.partition(': ')[2] for detail in unasked))": ("--set stub.classes=3",),
    "' '.join((f'--set {entry.name}.{option}=VALUE' for option in wanted))": ("--set PATH=VALUE",),
    "' '.join((f'{flag} {word}' for word in words if word != 'none'))": ("--reg r1 --reg r2",),
    "' '.join(filter(None, [discriminator, _leaving_out(facts, 'needs_labels')]))": (
        "--disc dcgan",
        "--reg none",
        "--disc dcgan --reg none",
    ),
    "' '.join(filter(None, [regularizers, augmentations]))": (
        "--reg none",
        "--augment none",
        "--reg none --augment none",
    ),
    "choice.py: _flag(path, merged.origins[path.split('.')[0]])": (
        "--reg r1",
        "--augment ada",
        "--set regularizers.r1={}",
        "--set metrics.mode-coverage={} as the last --set",
    ),
    "choice.py: path": ("regularizers.r1.weight", "metrics.mode-coverage.samples"),
    "columns.py: option": ("image_column", "label_column"),
    "columns.labels[0]": ("MEL",),
    "run.py: runs": ("experiments",),
    "run.py: init_what": ("generator", "discriminator"),
    "ancestor.directory.config": ("runs/0001-x/config.yaml",),
    "ancestor.word": ("runs/0001-x:500",),
    "usage_error.py: said": ("--set train.epochs=VALUE", "--batch-size 32"),
    "usage_error.py: option": ("--loss", "--steps"),
    "f'{ctx.command_path} {meant[0]}'": ("ganzoo run --loss hinge",),
    "f'{command} {said}'": ("ganzoo run --set train.epochs=VALUE", "ganzoo run --batch-size 32"),
    "f'{command} {option} VALUE'": ("ganzoo run --loss.margin_real VALUE",),
    "shlex.quote(nearest(name, self.classes) or self.classes[0])": ("melanoma",),
    "place": ("--runs DIR", "--out FILE"),
    "run.py: flag": ("--reg", "--augment", "--metric"),
    "selection.py: variable": (ALLOW, DENY),
    "session.py: path": ("train.d_lr", "loss.name"),
    "chosen.py: EXAMPLES[kind]": (
        'loss={"name": "margin-hinge", "margin_real": 0.5}',
        'regularizers={"r1": {"weight": 10}}',
        'augment={"ada": {"target": 0.6}}',
    ),
    "own_step.py: chosen.EXAMPLES[kind]": ('regularizers={"r1": {"weight": 10}}', 'augment={"ada": {"target": 0.6}}'),
    "own_step.py: role": ("discriminator", "generator"),
    "adversarial_step.py: shape": ("(3, 64, 64)",),
    "adversarial_step.py: side": ("real", "fake"),
    # Numbers.
    "4 * facts.accumulate * max(1, round(facts.batch_size / (4 * facts.accumulate)))": ("48",),
    "entries[0].name": ("hinge",),
    "nearest(name, names) or names[0]": ("permutation",),
    "facts.uncoupling": ("--set discriminator.norm=instance", "--set discriminator.minibatch=none"),
    "2 * facts.accumulate": ("4",),
    "allowed[len(allowed) // 2]": ("32",),
    "largest_n_layers(side)": ("3",),
    "largest_n_scales(side, n_layers)": ("2",),
    "lowest": ("2.4",),
    "min(ends, key=lambda end: abs(end - attention))": ("32",),
    "min(fitting, key=lambda candidate: abs(candidate - side))": ("32",),
    "min(reached, key=lambda side: (abs(side - min(height, width)), side))": ("32",),
    "max(4, data.images // 4 * 4)": ("24",),
    "max(8, 1 << round(math.log2(max(side, 1))))": ("32",),
    "n - n % GROUP": ("44",),
    "n - n % GROUP + GROUP": ("48",),
    "max(read_config(directory).train.steps or 0, setup.state.step + 1)": ("1500",),
    # Places.
    "announcement.metadata": ("/site-packages/ganzoo_mine-1.0.dist-info",),
    "directory.config": ("runs/0001-x/config.yaml",),
    "blame.py: entry.qualified": ("ganzoo-mine/hinge",),
    "run.py: first": ("500",),
    "shlex.quote(str(directory.samples))": ("runs/0001-x/samples",),
    "run.py: runs_flag(directory.path.parent)": ("", " --runs experiments"),
    "sample.py: shlex.quote(run)": ("1",),
    "sample.py: runs_flag(runs_folder)": ("", " --runs experiments"),
    "directory.py: nearest": ("1000",),
    "directory.word": ("runs/0001-x", "'my runs/0001-x'"),
    "directory.again()": (AGAIN, f"{AGAIN} --runs experiments"),
    "self.again()": (AGAIN, f"{AGAIN} --runs experiments"),
    "directory.py: runs_flag(runs)": ("", " --runs experiments"),
    "_elsewhere(gone)": ("--set data.path=PATH", "--set data.path=PATH --set data.root=PATH"),
    "_elsewhere(list(where))": ("--set data.path=PATH", "--set data.path=PATH --set data.root=PATH"),
    "_set_to(where)": ("", " --set data.path=/data/pictures"),
    "output.py: option": ("--grid", "--out", "--sheet"),
    "new_name(path)": ("samples-2.png", "'my pages/report.html'"),
    "new_name(path.parent / f'{path.stem or usual}{formats[0]}')": ("samples-2.png", "'my pages/report.html'"),
    "new_name(out)": ("faces-2",),
    "new_name('samples.png')": ("samples.png", "samples-2.png"),
    "new_name('compared.png')": ("compared.png", "compared-2.png"),
    "recognition.py: shlex.quote(str(place.path))": ("'my pictures'",),
    "root / 'train'": ("pictures/train",),
    "root / split": ("pictures/test",),
    "shlex.quote(str(self.config))": ("runs/0001-x/config.yaml",),
    "shlex.quote(before['ancestry'][0]['path'])": ("/home/me/runs/0001-x",),
    "self.config": ("runs/0001-x/config.yaml",),
    "self.metadata": ("/site-packages/ganzoo_mine-1.0.dist-info",),
    "shlex.quote(str(path))": ("images-idx3-ubyte",),
    "shlex.quote(f'{path}.gz')": ("images-idx3-ubyte.gz",),
    "shlex.quote(str(file))": ("'my pictures.csv'",),
    "shlex.quote(str(folder))": ("'my pictures'",),
    "folder_layout.py: folder": ("pictures",),
    "idx_file.py: path": ("train-images-idx3-ubyte",),
    "sample.py: run": ("1",),
    "shlex.quote(str(chosen.path))": ("runs/0001-x",),
    "shlex.quote(str(runs))": ("experiments",),
    "resized": ("", "--image-size 32, or "),
    "shlex.join([*names, *folder])": ("1 7", "1 7 --runs experiments"),
    "shlex.quote(named)": ("7", "'my runs/0001-x'"),
    "shlex.quote(f'{directory.word}:STEP')": ("runs/0001-x:STEP",),
    "shlex.quote(str(self.checkpoints))": ("runs/0001-x/checkpoints",),
    "shlex.quote(names[-1])": ("emnist-letters",),
    "shlex.quote(names[-1] or 'null')": ("emnist-letters",),
    "12 * len(classes)": ("48",),
    # Where a distribution came from: a package index, a repository, a folder.
    "self._quoted(newest)": ("ganzoo-mine", "'ganzoo-mine @ git+https://example.org/mine'", "-e /home/me/ganzoo-mine"),
    "self._quoted(self.pinned)": ("ganzoo-mine==1.0", "-e /home/me/ganzoo-mine"),
    "origin_of(self.distribution, name=self.name, version=self.version).reinstall": (REINSTALL,),
    "(self.origin or Origin(name=self.distribution, version=self.version)).reinstall": (REINSTALL,),
    "entry.reinstall": (REINSTALL,),
    "' '.join((shlex.quote(name) for name in sorted(names)[:10]))": ("masks 'old ones'",),
    "source.origin.reinstall": (REINSTALL,),
    "shlex.quote(patterns)": ("'*.psd'",),
    "' or '.join(near)": ("pictures/train",),
    "arrangement.py: AUTO": ("folders",),
    "doubts.py: CLASSES": ("class-folders",),
    "doubts.py: PARTS": ("part-folders",),
    "doubts.py: SPLITS": ("split-folders",),
    # What data hold.
    "candidates[0]": ("csv", "npz"),
    "extra": ("hdf5", "mat", "parquet"),
    "hdf5.py: option": ("label_column", "group_column"),
    "parquet.py: option": ("label_column", "group_column"),
    "error.way_out": (
        "choose a file with at least one picture",
        "save one array of all pictures, numpy.stack(PICTURES), or give a folder of PNG files",
        "save it with that axis first: numpy.moveaxis(ARRAY, -1, 0)",
        "save it as uint8 with values from 0 to 255",
        "--set data.range=measured, or state it with --set data.range=0,255",
    ),
    "names[-1]": ("emnist-letters",),
    "part": ("train_labels",),
    "present[0]": ("train",),
    "split": ("test",),
    "without[0]": ("train",),
}
"""The source of an expression in a hint, after the name of its file where that matters → what it may stand for."""


@dataclass(frozen=True)
class Hint:
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def names_in(tree: ast.Module) -> tuple[dict[str, list[ast.FunctionDef]], dict[str, list[ast.expr]]]:
    """The functions of a module, methods included, and the values of its constants, by name."""
    functions: dict[str, list[ast.FunctionDef]] = {}
    constants: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            functions.setdefault(node.name, []).append(node)
    for node in tree.body:
        if isinstance(node, ast.Assign):
            constants.setdefault(ast.unparse(node.targets[0]), []).append(node.value)
    return functions, constants


@cache
def trees() -> dict[Path, ast.Module]:
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for folder in ("ganzoo", "plugins")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


@cache
def named() -> dict[Path, tuple[dict[str, list[ast.FunctionDef]], dict[str, list[ast.expr]]]]:
    return {path: names_in(tree) for path, tree in trees().items()}


def expressions(tree: ast.Module) -> Iterator[tuple[ast.expr, ast.AST]]:
    """Each expression that makes a hint, and the function it stands in."""
    for function, node in within_functions(tree, tree):
        if isinstance(node, ast.Call):
            yield from ((word.value, function) for word in node.keywords if word.arg in ("hint", "fix", "fixes"))
            if isinstance(node.func, ast.Name) and node.func.id == "Finding" and len(node.args) > 2:
                yield node.args[2], function
        elif isinstance(node, ast.JoinedStr | ast.Constant) and beginning(node).lstrip().startswith("next:"):
            yield node, function


def within_functions(node: ast.AST, function: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Every node with the function around it; the pieces of an f-string are not texts of their own."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(node, ast.JoinedStr):
            yield function, child
            yield from within_functions(child, child if isinstance(child, ast.FunctionDef) else function)


def beginning(node: ast.expr) -> str:
    first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


class Reader:
    """Reads what an expression may say. What it does not know is noted in ``unknown``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unknown: list[str] = []
        self._open: list[str] = []

    def texts(self, node: ast.expr, function: ast.AST) -> list[str]:
        """A local name is what is assigned to it, a call what the function returns; the rest is in ``HOLES``."""
        source = ast.unparse(node)
        for known in (f"{self.path.name}: {source}", source):
            if known in HOLES:
                return list(HOLES[known])
        if source in self._open:
            return ["…"]  # a text that is put into a longer one of the same name
        if found := self._followed(node, function):
            self._open.append(source)
            read = list(dict.fromkeys(text for value, scope in found for text in self.texts(value, scope)))
            self._open.pop()
            return read
        if source in ELSEWHERE:
            return []
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.Constant(value=None):
                return []
            case ast.Constant(value=number):
                return [str(number)]
            case ast.JoinedStr(values=parts):
                return joined([self.texts(part, function) for part in parts])
            case ast.FormattedValue(value=value):
                return self.texts(value, function)
            case ast.IfExp(body=body, orelse=other):
                return [*self.texts(body, function), *self.texts(other, function)]
            case ast.BoolOp(values=values) | ast.Tuple(elts=values):
                return [text for value in values for text in self.texts(value, function)]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return joined([self.texts(left, function) or [""], self.texts(right, function) or [""]])
        self.unknown.append(source)
        return []

    def _followed(self, node: ast.expr, function: ast.AST) -> list[tuple[ast.expr, ast.AST]]:
        """The expressions behind a name, an attribute or a call, each with the function it stands in."""
        if isinstance(node, ast.Name) and (values := assigned(node.id, function)):
            return [(value, function) for value in values]
        if isinstance(node, ast.Name):
            constants = self._named(1, node.id)
            return [(value, function) for value in constants if isinstance(value, ast.Constant | ast.JoinedStr)]
        called = node.func if isinstance(node, ast.Call) else node
        if not isinstance(called, ast.Name | ast.Attribute):
            return []
        name = called.id if isinstance(called, ast.Name) else called.attr
        return [
            (inner.value, found)
            for found in self._named(0, name)
            for inner in ast.walk(found)
            if isinstance(inner, ast.Return) and inner.value is not None
        ]

    def _named(self, which: int, name: str) -> list[Any]:
        """What bears a name in this module, or else in the only other module that has it."""
        if own := named()[self.path][which].get(name):
            return own if len(own) == 1 else []
        others = [names[which][name] for names in named().values() if name in names[which]]
        return others[0] if len(others) == 1 and len(others[0]) == 1 else []


def joined(parts: Sequence[list[str]]) -> list[str]:
    return ["".join(chosen) for chosen in itertools.product(*parts)]


def assigned(name: str, function: ast.AST) -> list[ast.expr]:
    """What a function assigns to a local name, where it does so plainly."""
    if not isinstance(function, ast.FunctionDef):
        return []
    return [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]
    ]


@cache
def collected() -> tuple[list[Hint], list[str]]:
    """Every hint, and every expression that ``HOLES`` lacks."""
    hints, unknown = [], []
    for path, tree in trees().items():
        for node, function in expressions(tree):
            reader, place = Reader(path), f"{path.relative_to(ROOT)}:{node.lineno}"
            hints += [Hint(place, text.strip().removeprefix("next:").strip()) for text in reader.texts(node, function)]
            unknown += [f"{place}: {source}" for source in reader.unknown]
    return [hint for hint in dict.fromkeys(hints) if hint.text], unknown


# The source is read when the first of these runs, and not while tests are collected, which every worker does.


def test_every_hole_is_known():
    _, unknown = collected()
    listed = "\n  ".join(unknown)
    assert not unknown, f"say in HOLES of tests/test_hints.py what these expressions of hints may read:\n  {listed}"


def test_hints_are_found_in_every_wing():
    hints, _ = collected()
    found = {"/".join(hint.place.split("/")[:2]) for hint in hints}
    assert {
        "ganzoo/config",
        "ganzoo/planning",
        "ganzoo/registry",
        "ganzoo/runs",
        "ganzoo/cli",
        "ganzoo/doctor",
    } <= found
    assert {"plugins/ganzoo_datasets", "plugins/ganzoo_regularizers"} <= found
    assert "ganzoo sample runs/0001-x --out DIR" in {hint.text for hint in hints}


def test_what_they_name_exists():
    hints, _ = collected()
    assert {str(hint): found for hint in hints if (found := list(faults(hint.text)))} == {}


EXAMPLES = {
    name: command.epilog.splitlines()
    for group in (GROUP, GROUP.commands["plot"])
    for name, command in group.commands.items()
    if command is not GROUP.commands["plot"]
}


@pytest.mark.parametrize(("name", "lines"), EXAMPLES.items())
def test_every_command_has_examples_that_name_what_exists(name, lines):
    assert lines[0] == "Examples:"
    assert len(lines) > 2
    for line in lines[1:]:
        command = line.partition(" > ")[0].strip()
        assert command.startswith("ganzoo ")
        assert f" {name}" in command
        assert list(faults(command)) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("ganzoo fly", "no command fly"),
        ("ganzoo run --wings 2", "has no option --wings"),
        ("ganzoo list losses shows them", "takes 1 argument"),
        ("take --disc dcgna", "no discriminator 'dcgna'"),
        ("--batch-size few", "--batch-size 'few'"),
        ("another --wings", "no option --wings"),
        ("--set train.stpes=3", "no key train.stpes"),
        ("--set train.steps=many", "train.steps"),
        ("--set discriminator.norm=batches", "discriminator.norm"),
        ("--set regularizers.r3.weight=1", "no key regularizers.r3.weight"),
        ("--set augment.groups=[blit]", "no key augment.groups"),
        ("lower train.lr", "no key train.lr"),
        ("python -m pip install 'ganzoo[plots]'", "no extra plots"),
        ("python -m pip reinstall torch", "pip reinstall"),
        ("python -m pip install --again torch", "pip install --again"),
        ("set GANZOO_CASH to a folder", "no variable GANZOO_CASH"),
        ("ganzoo list loses", "no kind loses"),
        ("ganzoo info hinge2 --kind loss", "no component hinge2"),
    ],
)
def test_what_does_not_exist_is_found(text, fault):
    assert fault in " | ".join(faults(text))


@pytest.mark.parametrize(
    "text",
    [
        "see its options with: ganzoo info hinge --kind loss",
        "use --disc dcgan, or leave the regularizer out: --reg none",
        "a smaller --batch-size",
        "--data PATH, or --set regularizers.gradient-penalty.weight=1",
        "buy more memory",
    ],
)
def test_what_exists_is_let_pass(text):
    assert list(faults(text)) == []


def faults(text: str) -> Iterator[str]:
    """What a hint names and nobody has."""
    for clause in re.split(r"[,;](?:\s+|$)|  #", text):
        if "pip " in clause:
            yield from pip_faults(clause)
        elif (start := re.search(r"\bganzoo(?= -| [a-z])", clause)) and not prose(clause[start.start() :]):
            yield from command_faults(shlex.split(clause[start.end() :]))
        yield from flag_faults(clause)
        yield from path_faults(clause)
    yield from (f"no extra {name}" for name in re.findall(r"ganzoo\[([\w-]+)\]", text) if name not in EXTRAS)
    yield from (f"no variable {name}" for name in re.findall(r"GANZOO_[A-Z_]+", text) if name not in VARIABLES)


def prose(clause: str) -> bool:
    """Whether ``ganzoo`` is the project's name in a sentence there, not a command."""
    return clause.startswith(("ganzoo from ",))


def pip_faults(clause: str) -> Iterator[str]:
    if not (found := re.search(r"python -m pip (\w+)(.*)", clause)):
        yield f"pip is not called as python -m pip: {clause}"
        return
    options = set(re.findall(r"(?<=\s)--?[a-z][\w-]*", found[2]))
    if found[1] not in PIP:
        yield f"pip {found[1]}"
    yield from (f"pip {found[1]} {option}" for option in sorted(options - PIP.get(found[1], options)))


def command_faults(words: list[str]) -> Iterator[str]:
    """What click says against a command line, whose words are read as the program reads them."""
    words = [word for word in words if word != "…"]
    words = written_out(words)
    group: Any = GROUP
    while words and hasattr(group, "commands"):
        if words[0].startswith("-"):
            if words[0] != "--help" and not any(words[0] in option.opts for option in group.params):
                yield f"no option {words[0]}"
            words = words[1:]
        elif words[0] in group.commands:
            group, words = group.commands[words[0]], words[1:]
        else:
            yield f"no command {words[0]}"
            return
    if hasattr(group, "commands"):
        return
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            context = group.make_context(str(group.name), list(words), resilient_parsing=False)
    except typer.Exit as ending:
        if ending.exit_code:  # 0 is that of --help
            yield f"ganzoo {group.name}: {said.getvalue().splitlines()[0]}"
        return
    yield from argument_faults(str(group.name), context.params)


def argument_faults(command: str, given: dict[str, Any]) -> Iterator[str]:
    """Names of kinds and components that a command is given and nobody has."""
    kind = given.get("kind")
    name = given.get("name")
    if command == "list" and kind and not PLACEHOLDER.fullmatch(kind) and not answers(parse_kind, kind):
        yield f"no kind {kind}"
    if command == "info" and name and not PLACEHOLDER.fullmatch(name):
        found = answers(REGISTRY.get, kind, name) if kind else answers(REGISTRY.find, name)
        if not found:
            yield f"no component {name}"


def answers(ask: Any, *question: Any) -> bool:
    try:
        ask(*question)
    except Exception:
        return False
    return True


def flag_faults(clause: str) -> Iterator[str]:
    """Options that no command has, and values that they do not take."""
    if "pip " in clause:
        return
    words = clause.replace("(", " ").replace(")", " ").replace(":", " ").split()
    for word, following in itertools.zip_longest(words, words[1:], fillvalue=""):
        if not word.startswith("--"):
            continue
        takers = [option for command in commands(GROUP) for option in command.params if word in option.opts]
        if word != "--help" and not takers and word[2:].split(".")[0] not in SECTIONS:
            yield f"no option {word}"
        kind = KIND_OF_FLAG.get(word)
        named = kind and re.fullmatch(r"[a-z][a-z0-9-]*", following) and following != "none"
        if named and not answers(REGISTRY.get, kind, following):
            yield f"no {kind} {following!r}"
        number = word in ("--batch-size", "--image-size", "--steps") and following not in ("", "and", "or")
        if number and not following.isdecimal():
            yield f"{word} {following!r}"


def commands(group: Any) -> Iterator[Any]:
    yield group
    if hasattr(group, "commands"):
        for command in group.commands.values():
            yield from commands(command)


QUOTE = "'"
SECTIONS = {*SELECTIONS, *COLLECTIONS, "train", "runtime"}
KEY = re.compile(rf"(?<![\w./-])(?:--)?({'|'.join(SECTIONS)})((?:\.[a-z][\w-]*)+)(?:=(\S+))?")


def path_faults(clause: str) -> Iterator[str]:
    """Paths of the configuration that do not exist, and values that their keys do not take."""
    for section, rest, value in KEY.findall(clause):
        path = f"{section}{rest}"
        if path.endswith((".json", ".jsonl", ".yaml")):
            continue  # a file
        known = takers(section, rest.removeprefix(".").split("."))
        if not known:
            yield f"no key {path}"
        elif value and not re.search(r"[A-Z]{3,}|…", value):
            choices = split_choices(value.rstrip(QUOTE)) if "ganzoo compare" in clause else [value.rstrip(QUOTE)]
            given = next(iter(parse_assignments([f"{path}={choices[0]}"]).values()))
            if all(refuses(model, keys, given) for model, keys in known):
                yield f"{path}={value}"


def takers(section: str, keys: list[str]) -> list[tuple[Any, list[str]]]:
    """The models that have a key: of the configuration itself, or the options of components."""
    found: list[tuple[Any, list[str]]] = []
    field = RunConfig.model_fields[section].annotation
    if len(keys) == 1 and keys[0] in getattr(field, "model_fields", {}):
        found.append((field, keys))
    if section in SELECTIONS and len(keys) == 1:
        models = [entry.options() for entry in REGISTRY.entries(SELECTIONS[section]) if not entry.missing()]
        found += [(model, keys) for model in models if keys[0] in model.model_fields]
    if section in COLLECTIONS and len(keys) < 3 and answers(REGISTRY.get, COLLECTIONS[section], keys[0]):
        model = REGISTRY.options(COLLECTIONS[section], keys[0])
        found += [(model, keys[1:])] if not keys[1:] or keys[1] in model.model_fields else []
    return found


def refuses(model: Any, keys: list[str], value: object) -> bool:
    try:
        model.model_validate({keys[-1]: value} if keys else value)
    except ValidationError as error:
        return not keys or any(item["loc"][0] == keys[-1] for item in error.errors() if item["loc"])
    return False
