# ruff: noqa: E402, E501  # the folders of the tests come first; lists are lines
"""What is read of strangers: a parser is valid files, which of them is changed, how, and who reads them.

A reader may come to an end or raise one of ``refusals``. All else is a bug: another exception, a file that is read or
written outside its folder, time or memory without end.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import nibabel
import numpy as np
import torch
from ganzoo_datasets.files.pixels.picture import Rule, read_picture
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.sources.files import FileSource, LooseFiles
from ganzoo_datasets.pictures import Pictures
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from PIL import Image
from pydicom.data import get_testdata_file

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "faults")]

import mutators
from faulty_runs import TINY
from reported import a_row, leaderboard
from small_files import of_hdf5, of_idx, of_mat, of_npz, of_parquet, of_table, pictures

from ganzoo.component import DatasetOptions
from ganzoo.config import layers
from ganzoo.config.layers import ConfigLayer
from ganzoo.errors import CheckpointError, ConfigError, DataError, PluginError
from ganzoo.evaluation.kept_facts import KeptFacts
from ganzoo.planning.choice import choose, file_layer
from ganzoo.planning.goal import goal_of
from ganzoo.registry import Registry
from ganzoo.report.comparison_page import comparison_page
from ganzoo.report.curves import charts
from ganzoo.report.leaderboard import read_leaderboard
from ganzoo.report.measured import measured_of
from ganzoo.report.run_page import run_page
from ganzoo.runs import checkpoint, manifest, session
from ganzoo.runs.directory import RunDirectory, find_run
from ganzoo.runs.evaluating import read_evaluations
from ganzoo.runs.listing import last_step, listed_runs
from ganzoo.runs.run import Run, read_config
from ganzoo.screen import Screen
from ganzoo.studies.comparison import Cell, Comparison
from ganzoo.studies.engine_choice import read_choice
from ganzoo.studies.leaderboard_files import as_csv, as_markdown
from ganzoo.studies.leaderboard_files import leaderboard as ranked

REFUSED = (ConfigError, DataError)
"""Exit codes 2 and 3."""
REGISTRY = Registry.load(plugins=False)
QUIET = Screen(quiet=True)
Change = Callable[[Any, bytes, bytes], bytes]


@dataclass(frozen=True, kw_only=True)
class Parser:
    """One of them.

    Attributes:
        name: what the table calls it.
        files: writes valid files into an empty folder.
        changed: those of them that are changed, one at a time.
        change: how: from draws, what is valid, and something else that is.
        read: reads the folder.
        refusals: what it may raise.
        share: of all inputs, in parts of a thousand.
        text: what hypothesis writes instead, in half of the inputs.
        names_others: whether it may name pictures beside its folder, to be read; see docs/security.md.
    """

    name: str
    files: Callable[[Path], object]
    changed: Sequence[str]
    change: Change
    read: Callable[[Path], object]
    refusals: tuple[type[Exception], ...] = REFUSED
    share: int = 12
    text: SearchStrategy[bytes] | None = field(default=None, repr=False)
    names_others: bool = False


def opened(path: Path, **options: Any) -> object:
    """Pictures as a run opens them; their cache lies beside them, and goes again."""
    cache = path.parent / "cache"
    try:
        found = Pictures(path=str(path), **options).open(image_size=8, channels=None, split="train", cache=cache)
        return found.read(torch.arange(min(2, len(found))))
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def picture(name: str, **options: Any) -> tuple[Callable[[Path], object], Callable[[Path], object]]:
    """A picture of this name, and who reads it."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8))

    def files(path: Path) -> None:
        noise.convert("P" if name.endswith("gif") else "RGB").save(path / name, **options)

    def read(path: Path) -> object:
        return read_picture(FileSource(LooseFiles(path)), name, Rule(size=8, channels=3))

    return files, read


def dicom(path: Path) -> None:
    """One that pydicom ships."""
    shutil.copy(str(get_testdata_file("MR_small.dcm", download=False)), path / "a.dcm")


def nifti(path: Path) -> None:
    """A small volume."""
    nibabel.save(nibabel.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4)), path / "a.nii")


def hdf5(path: Path) -> None:
    """Arrays of pictures and labels."""
    with h5py.File(path / "a.h5", "w") as file:
        file["images"] = np.zeros((4, 8, 8), np.uint8)
        file["labels"] = np.array([0, 1, 0, 1])


def one_picture(path: Path) -> None:
    """An archive of each kind, with one picture."""
    pictures(path, 1)
    (path / "a" / "0.png").rename(path / "set.zip")
    noise = (path / "set.zip").read_bytes()
    with zipfile.ZipFile(path / "set.zip", "w") as archive:
        archive.writestr("a.png", noise)
    with tarfile.open(path / "set.tar", "w") as file:
        member = tarfile.TarInfo("a.png")
        member.size = len(noise)
        file.addfile(member, io.BytesIO(noise))


def listed(path: Path) -> None:
    """Pictures with the lists that Hugging Face and StyleGAN know."""
    names = pictures(path)
    lines = [json.dumps({"file_name": name, "label": name[0], "patient_id": name[2]}) for name in names]
    (path / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")


def stylegan(path: Path) -> None:
    """Pictures with numbers as classes."""
    labels = [[name, int(name[0] == "a")] for name in pictures(path)]
    (path / "dataset.json").write_text(json.dumps({"labels": labels}), encoding="utf-8")


def a_run(path: Path) -> None:
    """A finished run with all the files that one can have."""
    config = TINY | {"train": TINY["train"] | {"steps": 2}}
    session.run(config, out=path, registry=REGISTRY)
    [run] = path.glob("0*")
    run.rename(path / "0001-a")
    rows = [{"at": "2026-01-01", "seed": 0, "step": step, **a_row("fd@10", 3.0)} for step in (1, 2)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (path / "0001-a" / "evaluations.jsonl").write_text(lines, encoding="utf-8")


def told(path: Path) -> None:
    """What commands tell of a run before they load its weights."""
    json.dumps([vars(one) | {"age": one.age()} for one in listed_runs(path)], default=str)
    found = find_run(path, None)
    found.checkpoint_folders()
    manifest.read_spec(found)


def curves(path: Path) -> None:
    """What is made of rows."""
    run = Run(path / "0001-a")
    rows = run.metrics()
    run.health()
    listed_runs(path)
    charts(rows, goal_of(REGISTRY, run.config))


def resumed(path: Path) -> None:
    """What a run goes on from; this one has nothing left to do."""
    session.resume(REGISTRY, RunDirectory(path / "0001-a"), console=QUIET)


CHECKPOINT = "0001-a/checkpoints/step-0000002"


def relisted(path: Path) -> None:
    """A checkpoint whose list was made to fit what was changed, as who means harm would do."""
    folder = path / CHECKPOINT
    names = [one for one in folder.iterdir() if one.name != checkpoint.LIST]
    files = {one.name: {"size": one.stat().st_size, "sha256": _digest(one)} for one in names}
    (folder / checkpoint.LIST).write_text(json.dumps({"files": files}), encoding="utf-8")
    session.resume(REGISTRY, RunDirectory(path / "0001-a"), console=QUIET)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def a_comparison(path: Path) -> None:
    """A comparison of one cell, measured."""
    cell = Cell(
        name="a + b", folder="a+b", parts={"loss": "a"}, config={"loss": {"name": "hinge"}, "data": {}}, data="d"
    )
    asked = {
        "axes": [],
        "seeds": 1,
        "budget": {"kind": "steps", "amount": 100},
        "metrics": ["x"],
        "extractors": [],
        "n": None,
        "settings": {},
    }
    made = Comparison.create(path, "a", asked, "100 steps", (cell,))
    place, row = made.place(cell, 0), a_row("fd@10", 3.0)
    row["record"] |= {"ganzoo": "0"}
    (place / "0001-a" / "checkpoints" / "step-0000002").mkdir(parents=True)
    (place / "0001-a" / "config.yaml").write_text("loss: hinge\n", encoding="utf-8")
    for name, content in {
        "evaluation.json": {"values": [{"step": 2, **row}], "failed": {"x": "why"}},
        "failure.json": {},
        "0001-a/manifest.json": {"status": "finished", "step": 2, "fault": None},
        "0001-a/checkpoints/step-0000002/state.json": {"step": 2, "seconds": 1.0, "images": 8},
    }.items():
        (place / name).write_text(json.dumps(content), encoding="utf-8")
    (made.path / "leaderboard.json").write_text(json.dumps(leaderboard(["cells/a"])), encoding="utf-8")
    (made.path / "engine.json").write_text('{"engine": "local", "address": "auto", "keeper": null}', encoding="utf-8")


def compared(path: Path) -> None:
    """What is told of a comparison."""
    comparison = Comparison.read(path / "0001-a")
    read_choice(comparison)
    content = ranked(comparison)
    as_csv(content)
    as_markdown(content)
    comparison_page(comparison.path, read_leaderboard(comparison.path))


def facts(path: Path) -> None:
    """Something found out about real features."""
    KeptFacts(path)["radii"] = torch.arange(6.0, dtype=torch.float64)
    [file] = path.glob("*.safetensors")
    file.rename(path / "fact")


def known(path: Path) -> object:
    """The fact; a damaged one is none."""
    place = KeptFacts(path)._place("radii")
    shutil.copy(path / "fact", place)
    return KeptFacts(path).get("radii")


def cached(path: Path) -> None:
    """Pictures that were decoded before; the entry lies under names that stay."""
    (path / "set").mkdir()
    pictures(path / "set", 2)
    Pictures(path=str(path / "set")).open(image_size=8, channels=None, split="train", cache=path / "cache")
    [entry] = (path / "cache" / "pictures").glob("*/entry.json")
    shutil.copytree(entry.parent, path / "entry")
    (path / "name").write_text(entry.parent.name, encoding="utf-8")


def decoded_again(path: Path) -> None:
    """A damaged entry is made anew: nothing is ever refused."""
    place = path / "cache" / "pictures" / (path / "name").read_text(encoding="utf-8")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(path / "entry", place)
    options: DatasetOptions = Pictures(path=str(path / "set"))
    options.open(image_size=8, channels=None, split="train", cache=path / "cache")


def configured(path: Path) -> None:
    """A configuration file, as far as its data."""
    choose(REGISTRY, [file_layer(str(path / "a.yaml"), REGISTRY)])


def assigned(path: Path) -> ConfigLayer:
    """What stands behind ``--set``, before any component is looked for."""
    text = (path / "a").read_bytes().decode(errors="surrogateescape")
    layer = ConfigLayer("--set", layers.parse_assignments(text.split("\n")))
    layers.validate(layers.merge([layer]))
    return layer


YAML = """version: 1
seed: 0
loss: {name: hinge, scale: 1.0}
discriminator: patchgan-sn
generator:
  name: dcgan
  ngf: 32
regularizers:
  r1: {weight: 10.0, every: 16}
augment: [diffaugment]
data: {name: digits, image_size: 32}
metrics: none
schedules:
  train.g_lr: {images: [0, 1000], values: [1.0e-3, 1.0e-4], shape: cosine}
train: {steps: 100, batch_size: 16, g_betas: [0.0, 0.9], keep: last 3}
runtime:
  device: cpu
"""
SET = 'loss.name=hinge\ntrain.steps=3\nloss.scale=2\nregularizers.r1={"weight": 1}\naugment=none\ntrain.g_betas=[0,0.9]\ndata.name=digits'
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        "loss",
        "discriminator",
        "generator",
        "regularizers",
        "augment",
        "data",
        "metrics",
        "extractors",
        "schedules",
        "train",
        "eval",
        "runtime",
        "seed",
        "version",
        "loss.name",
        "loss.scale",
        "train.steps",
        "train.g_lr",
        "train.keep",
        "data.image_size",
        "regularizers.r1",
        "schedules.train.g_lr",
    ]
)
TREES = st.dictionaries(KEYS | st.text(max_size=8), VALUES, max_size=4).map(lambda tree: json.dumps(tree).encode())
ASSIGNED = st.tuples(KEYS | st.text(max_size=12), VALUES.map(json.dumps) | st.text(max_size=12)).map("=".join)
CELLS = st.text(max_size=8) | st.sampled_from(["a/0.png", "b/1.png", "a", "train", "../outside.png", "1", ""])
HEADS = st.sampled_from(["image", "label", "patient_id", "split", "image_id", "dx", "target", "file_name", "a"])
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=4).map(",".join), max_size=4).flatmap(
    lambda lines: st.lists(HEADS, min_size=1, max_size=4).map(lambda head: "\n".join([",".join(head), *lines]).encode())
)


def _text(content: str, name: str) -> Callable[[Path], object]:
    return lambda path: (path / name).write_text(content, encoding="utf-8")


def _pictures(name: str, share: int = 60, **options: Any) -> Parser:
    files, read = picture(name, **options)
    kind = name.rpartition(".")[2]
    refusals = (UnreadablePicture,)
    return Parser(
        name=kind, files=files, changed=[name], change=mutators.bytes_of, read=read, refusals=refusals, share=share
    )


def _arrays(name: str, files: Callable[[Path], object], changed: Sequence[str], **options: Any) -> Parser:
    place = changed[0] if name in ("npz", "h5", "nii") else "."
    return Parser(
        name=name,
        files=files,
        changed=changed,
        change=mutators.bytes_of,
        read=lambda path: opened(path / place, **options),
    )


_RUN = (*REFUSED, CheckpointError)
PARSERS = (
    Parser(
        name="YAML",
        files=_text(YAML, "a.yaml"),
        changed=["a.yaml"],
        change=mutators.text_of,
        read=configured,
        share=60,
        text=TREES,
    ),
    Parser(
        name="--set",
        files=_text(SET, "a"),
        changed=["a"],
        change=mutators.text_of,
        read=assigned,
        share=200,
        text=ASSIGNED.map(lambda text: text.encode(errors="surrogatepass")),
    ),
    Parser(
        name="--set, with components",
        files=_text(SET, "a"),
        changed=["a"],
        change=mutators.text_of,
        read=lambda path: choose(REGISTRY, [assigned(path)]),
        share=20,
    ),
    Parser(
        name="CSV",
        files=of_table,
        changed=["table.csv"],
        change=mutators.text_of,
        read=lambda path: opened(path / "table.csv"),
        share=30,
        text=TABLES,
        names_others=True,
    ),
    Parser(name="metadata.jsonl", files=listed, changed=["metadata.jsonl"], change=mutators.lines_of, read=opened),
    Parser(name="dataset.json", files=stylegan, changed=["dataset.json"], change=mutators.json_of, read=opened),
    _arrays("npz", of_npz, ["set.npz"]),
    _arrays("IDX", of_idx, ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]),
    _arrays("h5", hdf5, ["a.h5"]),
    _arrays("HDF5 of encoded pictures", of_hdf5, ["train-image.hdf5", "train-metadata.csv"]),
    _arrays("mat", of_mat, ["train_32x32.mat"]),
    _arrays("parquet", of_parquet, ["train-00000-of-00001.parquet"]),
    _arrays("nii", nifti, ["a.nii"], axis="axial", range=(0, 100)),
    Parser(
        name="zip, names of members",
        files=one_picture,
        changed=["set.zip"],
        change=mutators.zip_of,
        read=lambda path: opened(path / "set.zip"),
        share=40,
    ),
    Parser(
        name="tar, names of members",
        files=one_picture,
        changed=["set.tar"],
        change=mutators.tar_of,
        read=lambda path: opened(path / "set.tar"),
        share=40,
    ),
    Parser(
        name="DICOM",
        files=dicom,
        changed=["a.dcm"],
        change=mutators.bytes_of,
        read=lambda path: read_picture(FileSource(LooseFiles(path)), "a.dcm", Rule(size=8, channels=3)),
        refusals=(UnreadablePicture,),
        share=30,
    ),
    *(_pictures(name) for name in ("a.png", "a.jpg", "a.gif", "a.bmp", "a.tif", "a.webp")),
    Parser(
        name="cache of pictures",
        files=cached,
        changed=["entry/entry.json"],
        change=mutators.json_of,
        read=decoded_again,
        refusals=(),
    ),
    Parser(
        name="kept facts", files=facts, changed=["fact"], change=mutators.bytes_of, read=known, refusals=(), share=60
    ),
    Parser(
        name="run: listed",
        files=a_run,
        changed=["0001-a/manifest.json"],
        change=mutators.json_of,
        read=told,
        refusals=_RUN,
        share=10,
    ),
    Parser(
        name="run: its page",
        files=a_run,
        changed=["0001-a/manifest.json"],
        change=mutators.json_of,
        read=lambda path: run_page(REGISTRY, Run(path / "0001-a")),
        refusals=_RUN,
        share=4,
    ),
    Parser(
        name="run: metrics.jsonl, charts",
        files=a_run,
        changed=["0001-a/metrics.jsonl"],
        change=mutators.lines_of,
        read=curves,
        refusals=_RUN,
        share=4,
    ),
    Parser(
        name="run: metrics.jsonl",
        files=a_run,
        changed=["0001-a/metrics.jsonl"],
        change=mutators.lines_of,
        read=lambda path: (Run(path / "0001-a").metrics(), last_step(path / "0001-a" / "metrics.jsonl")),
        refusals=_RUN,
        share=80,
    ),
    Parser(
        name="run: evaluations.jsonl",
        files=a_run,
        changed=["0001-a/evaluations.jsonl"],
        change=mutators.lines_of,
        read=lambda path: measured_of(read_evaluations(path / "0001-a")),
        refusals=_RUN,
        share=80,
    ),
    Parser(
        name="run: config.yaml",
        files=a_run,
        changed=["0001-a/config.yaml"],
        change=mutators.text_of,
        read=lambda path: (listed_runs(path), read_config(RunDirectory(path / "0001-a"))),
        refusals=_RUN,
        share=10,
    ),
    Parser(
        name="run: resumed",
        files=a_run,
        changed=["0001-a/manifest.json", f"{CHECKPOINT}/state.json", f"{CHECKPOINT}/manifest.json"],
        change=mutators.json_of,
        read=resumed,
        refusals=(*_RUN, PluginError),  # a manifest may name what is not installed
        share=6,
    ),
    Parser(
        name="checkpoint: tensors, relisted",
        files=a_run,
        changed=[f"{CHECKPOINT}/{name}.safetensors" for name in ("generator", "discriminator", "optimizers", "ema")],
        change=mutators.bytes_of,
        read=relisted,
        refusals=_RUN,
        share=6,
    ),
    Parser(
        name="checkpoint: state, relisted",
        files=a_run,
        changed=[f"{CHECKPOINT}/state.json"],
        change=mutators.json_of,
        read=relisted,
        refusals=_RUN,
        share=6,
    ),
    Parser(
        name="comparison",
        files=a_comparison,
        changed=[
            "0001-a/leaderboard.json",
            "0001-a/engine.json",
            "0001-a/cells/a+b/seed-0/evaluation.json",
            "0001-a/cells/a+b/seed-0/failure.json",
            "0001-a/cells/a+b/seed-0/0001-a/manifest.json",
            "0001-a/cells/a+b/seed-0/0001-a/checkpoints/step-0000002/state.json",
        ],
        change=mutators.json_of,
        read=compared,
        share=20,
    ),
    Parser(
        name="comparison.yaml",
        files=a_comparison,
        changed=["0001-a/comparison.yaml"],
        change=mutators.text_of,
        read=compared,
        share=20,
    ),
)
