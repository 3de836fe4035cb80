"""What ``ganzoo data PATH --json`` says of small real collections: each clause of A, B and C of issue 10 is a row.

How pixels become what they are is proved beside each reader in ``tests/plugins``. Here stands what a person sees.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_collections import (
    CT,
    RAMP,
    STYLEGAN,
    array,
    arrays,
    biggan,
    cifar,
    dicom,
    files,
    hidden,
    isic_2024,
    level,
    named,
    nifti,
    npy,
    packed,
    parquet,
    parquet_of_paths,
    phones,
    pictures,
    planes,
    polarities,
    scikit,
    shard,
    svhn,
    table,
    targa,
    tiff,
    unfinished,
)

GRAY = np.random.default_rng(0).integers(0, 256, (4, 16, 16), dtype=np.uint8)
COLOR = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
GRAY[0, 0, :2] = COLOR[0, 0, :2, 0] = 0, 255
CHW = COLOR.transpose(0, 3, 1, 2)
NINE = ["a/{3}.png", "b/{3}.png"]
HAM = "lesion_id,image_id,dx"
EVEN = {"classes": {"a": 3, "b": 3}}


@dataclass(frozen=True)
class Row:
    """A collection, how it is asked for, and what is seen: keys of the answer, or words of a refusal."""

    line: str
    case: str
    make: Callable[[Path], object]
    options: str = ""
    seen: dict[str, object] = field(default_factory=dict)
    warned: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    left_out: tuple[str, ...] | None = None
    refused: tuple[str, ...] = ()
    file: str = ""


ROWS = [
    # A 1: depth, polarity, range
    Row("A1", "a TIFF of 12 bits", tiff(RAMP >> 4, bitspersample=12), seen={"range": [0, 255], "warnings": []}),
    Row("A1", "white is zero in 8 and 16 bits", polarities, seen={"range": [205, 255], "images": 2}),
    Row(
        "A1",
        "12 bits in a PNG of 16",
        files(**{"a.png": CT}),
        seen={"range": [0, 4]},
        warned=("0 to 1123", "--set data.range=0,1123"),
    ),
    Row(
        "A1",
        "the range that is stated",
        files(**{"a.png": CT}),
        "--set data.range=0,1123",
        {"range": [0, 255], "warnings": []},
    ),
    Row(
        "A1",
        "the range that is measured",
        files(**{"a.png": CT}),
        "--set data.range=measured",
        {"range": [0, 255], "warnings": []},
    ),
    Row(
        "A1",
        "one range for all files",
        files(**{"a.png": CT, "b.png": level(100)}),
        "--set data.range=0,200",
        {"images": 2, "range": [0, 255], "splits": {"train": 2}},
    ),
    Row("A1", "signed 8 bits", tiff(np.array([[-1, 0] * 16] * 32, np.int8)), seen={"range": [127, 128]}),
    Row("A1", "one color", files(**{"a.png": level(255)}), warned=("all images are the same single color",)),
    # A 2: planes, transparency
    Row(
        "A2", "colors in planes of 16 bits", tiff(planes(), photometric="rgb"), seen={"channels": 3, "range": [10, 200]}
    ),
    Row(
        "A2",
        "16-bit gray with transparency",
        tiff(np.full((32, 32, 2), [25700, 65535], np.uint16), extrasamples=["unassalpha"], planarconfig="contig"),
        seen={"channels": 1, "range": [100, 100]},
    ),
    Row("A2", "32 bits of TGA without transparency", targa, seen={"channels": 3, "range": [20, 90]}),
    Row(
        "A2",
        "transparency that is 0 everywhere",
        hidden,
        seen={"channels": 3, "range": [20, 90]},
        warned=("transparent everywhere; their transparency is ignored",),
    ),
    # A 3: refusals that are true
    Row("A3", "signed 16 bits", tiff((RAMP.astype(int) - 32768).astype(np.int16)), seen={"range": [0, 255]}),
    Row("A3", "five bands", tiff(np.zeros((32, 32, 5), np.uint8), photometric="rgb"), refused=("5 bands",)),
    Row("A3", "float16", tiff((RAMP // 64).astype(np.float16)), refused=("type float16", "data.range")),
    Row("A3", "npz of (N, H, W, 1)", array(GRAY[..., None]), seen={"channels": 1, "range": [0, 255]}),
    Row("A3", "npz of (N, C, H, W)", array(CHW), seen={"channels": 3, "sizes": [[16, 16], [16, 16]]}),
    Row(
        "A3",
        "npz of 0 to 1",
        array((COLOR / 255).astype(np.float32)),
        said=("read as values from 0 (black) to 1 (white)",),
        seen={"channels": 3, "range": [0, 255]},
    ),
    Row("A3", "npz of -1 to 1", array(COLOR / 127.5 - 1), seen={"channels": 3, "range": [0, 255]}),
    Row(
        "A3", "npz with transparency", array(np.concatenate([COLOR, COLOR[..., :1] * 0 + 255], 3)), seen={"channels": 3}
    ),
    Row(
        "A3",
        "a JPEG without its end marker",
        unfinished,
        warned=("lack their end marker, but no pixel",),
        seen={"images": 1},
    ),
    # A 4: long pictures
    Row(
        "A4",
        "200×3",
        files(**{"a.png": level(9, (200, 3))}),
        seen={"sizes": [[200, 3], [200, 3]]},
        warned=("third", "data.fit"),
    ),
    Row("A4", "200×3, padded", files(**{"a.png": level(9, (200, 3))}), "--data.fit pad", {"warnings": []}),
    Row("A4", "200×3, stretched", files(**{"a.png": level(9, (200, 3))}), "--data.fit stretch", {"warnings": []}),
]
SPELLINGS = {
    "Training Testing": ("train", "test"),
    "Train Test": ("train", "test"),
    "train valid test": ("train", "val", "test"),
    "TRAIN VALIDATION": ("train", "val"),
    "training val": ("train", "val"),
}
ROWS += [
    Row(
        "B1",
        names,
        named(*(f"{split}/{sort}/{{3}}.png" for split in names.split() for sort in "ab")),
        seen=EVEN | {"splits": dict.fromkeys(splits, 6)},
    )
    for names, splits in SPELLINGS.items()
]
ROWS += [
    Row(
        "B1",
        "trainA … testB",
        named(*(f"{name}/{{4}}.png" for name in ("trainA", "trainB", "testA", "testB"))),
        seen={"images": 8, "splits": {"train": 8, "test": 8}, "classes": {"A": 4, "B": 4}},
    ),
    Row(
        "B1",
        "equal folders below unknown ones",
        named(*(f"{top}/{sort}/{{3}}.png" for top in ("one", "two") for sort in "ab")),
        refused=("--set data.layout=class-folders", "--set data.layout=part-folders"),
    ),
    # B 2: wrapping folders, parts, patients
    Row(
        "B2",
        "two wrapping folders",
        named(*(f"x/y/{name}" for name in NINE)),
        seen=EVEN,
        said=("all pictures are below", "its folders count"),
    ),
    Row(
        "B2",
        "parts",
        named("ham_part_1/{4}.jpg", "ham_part_2/{4}.jpg"),
        warned=("count as parts of the set, not as classes", "--set data.classes=folders"),
        seen={"classes": {}, "images": 8},
    ),
    Row(
        "B2",
        "shards",
        named("00000/{4}.png", "00001/{4}.png"),
        warned=("count as parts of the set, not as classes",),
        seen={"classes": {}, "images": 8},
    ),
    Row(
        "B2",
        "a folder per patient",
        named(*(f"{number}/{{5}}.png" for number in range(101, 131))),
        warned=("if they are patients, use --set data.classes=none --set data.groups=folder",),
    ),
    Row("B2", "classes: none", named(*NINE), "--data.classes none", {"classes": {}, "images": 6}),
    Row(
        "B2",
        "classes: folders",
        named("00000/{4}.png", "00001/{4}.png"),
        "--data.classes folders",
        {"classes": {"00000": 4, "00001": 4}},
    ),
    Row(
        "B2",
        "groups from folders",
        named("p1/{3}.png", "p2/{3}.png"),
        "--data.classes none --data.groups folder",
        {"groups": 2, "classes": {}},
    ),
    # B 4: formats that are not read
    Row("B4", "HEIC is read", lambda folder: phones(folder, heic=2), seen={"images": 3}),
    Row(
        "B4",
        "some of a format that nothing reads",
        files(**pictures("1.png", "2.png"), **{"3.svs": b"scan"}),
        seen={"images": 2},
        warned=(".svs",),
        left_out=("3.svs",),
    ),
    Row(
        "B4",
        "most of a format that nothing reads",
        files(**pictures("0.png"), **{f"{n}.svs": b"scan" for n in range(9)}),
        refused=(".svs",),
    ),
    Row(
        "B3",
        "excluded by a pattern",
        named("a/{3}.png", "b/{3}.png"),
        "--data.exclude 'a/0*'",
        {"images": 5},
        left_out=("a/0.png",),
    ),
    Row(
        "B3",
        "previews of @eaDir",
        named("a/{3}.png", "a/@eaDir/0.png/SYNOPHOTO_THUMB_M.png"),
        seen={"images": 3},
        left_out=("a/@eaDir/0.png/SYNOPHOTO_THUMB_M.png",),
    ),
    # C: archives
    Row("C", "class folders in a .zip", packed("zip", named(*NINE)), seen=EVEN, file="a.zip"),
    Row("C", "class folders in a .tar", packed("tar", named(*NINE)), seen=EVEN, file="a.tar"),
    Row(
        "C",
        "a WebDataset shard; the key ends at the first dot of the base name",
        shard,
        seen={"layout": "webdataset", "images": 2, "classes": {"0": 1, "1": 1}},
    ),
]
ROWS += [
    Row(
        "B3",
        f"masks named {word}",
        named("{3}.png", f"0{word}.png", f"1{word}.png"),
        seen={"images": 3},
        warned=(word,),
        left_out=(f"0{word}.png", f"1{word}.png"),
    )
    for word in ("_mask", "_segmentation", "_superpixels", "_GT")
]

ONE_HOT = "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK"
TWO = pictures("x.jpg", "y.jpg")
PARTS = pictures("part_1/x.jpg", "part_2/y.jpg")
ROWS += [
    # C: tables
    Row(
        "C",
        "HAM10000 in two folders",
        table("HAM10000_metadata.csv", HAM, "h1,x,nv", "h2,y,mel", **PARTS),
        seen={"layout": "table", "classes": {"mel": 1, "nv": 1}, "groups": 2},
    ),
    Row(
        "C",
        "ISIC 2018, one-hot",
        table("t.csv", "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC", "x,0,1,0,0,0,0,0", "y,0,0,1,0,0,0,0", **TWO),
        seen={"classes": {"NV": 1, "BCC": 1}},
    ),
    Row(
        "C",
        "a patient in train and test",
        table("t.csv", "image,label,patient_id,split", "x,a,P7,train", "y,a,P7,test", **TWO),
        refused=("P7",),
    ),
    Row(
        "C", "a table one of whose files is missing", table("t.csv", "image,label", "x,a", "z,b", **TWO), refused=("z",)
    ),
    Row(
        "C",
        "ISIC 2019, one-hot with UNK",
        table("t.csv", ONE_HOT, "x,0,1,0,0,0,0,0,0,0", "y,0,0,0,0,0,0,0,0,1", **TWO),
        seen={"images": 2, "classes": {"NV": 1, "UNK": 1}},
    ),
    Row(
        "C",
        "ISIC 2020",
        table("t.csv", "image_name,patient_id,target", "x,p1,0", "y,p2,1", **TWO),
        seen={"classes": {"0": 1, "1": 1}, "groups": 2},
    ),
    Row(
        "C",
        "ISIC 2024",
        table("t.csv", "isic_id,target,patient_id", "x,0,p1", "y,1,p1", **TWO),
        seen={"classes": {"0": 1, "1": 1}, "groups": 1},
    ),
    Row(
        "C",
        "PAD-UFES",
        table("metadata.csv", "patient_id,lesion_id,diagnostic,img_id", "p,1,NEV,x.jpg", "q,2,BCC,y.jpg", **TWO),
        seen={"classes": {"BCC": 1, "NEV": 1}, "groups": 2},
    ),
    Row(
        "C",
        "Kaggle",
        table("labels.csv", "id,breed", "x,boxer", "y,pug", **TWO),
        "--data.label_column breed",
        {"classes": {"boxer": 1, "pug": 1}},
    ),
    Row(
        "C",
        "an ending in another case",
        table("t.csv", "image,label", "x.JPG,a", "y.JPG,b", **TWO),
        seen={"classes": {"a": 1, "b": 1}},
    ),
    Row(
        "C",
        "rows without a label",
        table("t.csv", "image,label", "x,a", "y,", **TWO),
        seen={"images": 1},
        warned=("1 of 2 lines have no class",),
        left_out=("y.jpg",),
    ),
    Row("C", "several labels in a cell", table("t.csv", "image,label", "x,a|b", "y,a", **TWO), refused=("a|b",)),
    Row(
        "C",
        "splits in other spellings",
        table("t.csv", "image,label,split", "x,a,TRAINING", "y,a,Valid", **TWO),
        seen={"images": 1, "splits": {"train": 1, "val": 1}},
    ),
    Row(
        "C",
        "composed and decomposed letters",
        table("t.csv", "image,label", "\u00e9.jpg,a", "y,b", **pictures("e\u0301.jpg", "y.jpg")),
        seen={"images": 2},
    ),
    Row(
        "C",
        "a lesion in train and test",
        table("t.csv", "image,label,lesion_id,split", "x,a,L7,train", "y,a,L7,test", **TWO),
        refused=("L7",),
    ),
    Row(
        "C", "a writer is a group", table("t.csv", "image,label,writer", "x,a,w1", "y,b,w1", **TWO), seen={"groups": 1}
    ),
    Row(
        "C",
        "metadata.csv of Hugging Face",
        table("train/metadata.csv", "file_name,label", "x.jpg,a", "y.jpg,b", **pictures("train/x.jpg", "train/y.jpg")),
        seen={"classes": {"a": 1, "b": 1}},
    ),
    Row(
        "C",
        "metadata.jsonl of Hugging Face",
        table(
            "train/metadata.jsonl",
            '{"file_name": "x.jpg", "label": "a"}',
            '{"file_name": "y.jpg", "label": "b"}',
            **pictures("train/x.jpg", "train/y.jpg"),
        ),
        seen={"classes": {"a": 1, "b": 1}},
    ),
    Row(
        "C",
        "parquet with bytes",
        parquet,
        seen={"layout": "parquet", "splits": {"train": 4, "test": 2}, "classes": {"0": 2, "1": 2}},
    ),
    Row("C", "parquet with a path that is not there", parquet_of_paths, refused=("gone.png",)),
    Row("C", "StyleGAN, a folder", files(**STYLEGAN), seen={"classes": {"0": 1, "3": 1}}),
    Row("C", "StyleGAN, a .zip", packed("zip", files(**STYLEGAN)), seen={"classes": {"0": 1, "3": 1}}, file="a.zip"),
    # C: arrays
    Row(
        "C",
        "npz of images and labels",
        arrays(images=GRAY, labels=np.array([0, 1, 1, 1])),
        seen={"layout": "npz", "classes": {"0": 1, "1": 3}},
    ),
    Row(
        "C",
        "npz of x_train",
        arrays(x_train=GRAY, y_train=np.array([0, 1, 1, 1]), x_test=GRAY[:2], y_test=np.array([0, 1])),
        seen={"splits": {"train": 4, "test": 2}},
    ),
    Row("C", "npz of arr_0", arrays(arr_0=GRAY), seen={"images": 4, "classes": {}}),
    Row("C", "npy", npy(GRAY), seen={"images": 4, "classes": {}}, file="a.npy"),
    Row(
        "C",
        "MedMNIST 2-D",
        arrays(
            train_images=COLOR,
            train_labels=np.array([[0], [1], [1], [0]]),
            val_images=COLOR[:2],
            val_labels=np.array([[0], [1]]),
        ),
        seen={"classes": {"0": 2, "1": 2}},
    ),
    Row(
        "C",
        "MedMNIST with several labels",
        arrays(train_images=GRAY, train_labels=np.zeros((4, 14), np.uint8)),
        refused=("several labels per image",),
    ),
    Row("C", "MedMNIST 3-D", arrays(train_images=np.zeros((4, 28, 28, 28), np.uint8)), refused=("volumes",)),
    Row("C", "HDF5 of ISIC 2024", isic_2024, seen={"layout": "hdf5", "classes": {"0": 2, "1": 2}, "groups": 2}),
    Row(
        "C", "HDF5 of BigGAN", biggan, seen={"layout": "hdf5", "images": 6, "channels": 3, "classes": {"0": 3, "1": 3}}
    ),
    Row(
        "C",
        "SVHN, where 10 is 0",
        svhn,
        said=("the label 10 is the digit 0",),
        seen={"images": 4, "classes": {"0": 2, "1": 1, "9": 1}, "sizes": [[32, 32], [32, 32]]},
    ),
    Row(
        "C",
        "CIFAR-10 of MATLAB",
        cifar,
        seen={"splits": {"train": 8, "test": 4}, "classes": {"airplane": 4, "automobile": 4}},
    ),
    # C: medical
    Row(
        "C",
        "DICOM where white is zero, of 12 bits",
        dicom("dicomdirtests/77654033/CR1/6154"),
        seen={"channels": 1, "sizes": [[16, 16], [16, 16]]},
    ),
    Row("C", "DICOM of 16 bits without a window", dicom("CT_small.dcm"), warned=("data.range",)),
    Row("C", "DICOM of 16-bit color", dicom("SC_rgb_rle_16bit.dcm"), seen={"channels": 3, "range": [0, 255]}),
    Row("C", "DICOM, cut short", dicom("MR_truncated.dcm"), refused=("corrupt",)),
    Row(
        "C",
        "several kinds of real DICOM together",
        dicom("MR_small.dcm", "CT_small.dcm"),
        seen={"images": 2, "sizes": [[64, 64], [128, 128]]},
    ),
    Row(
        "C",
        "DICOM with rescaling and window",
        dicom("MR_small.dcm"),
        seen={"channels": 1, "images": 1, "sizes": [[64, 64], [64, 64]]},
    ),
    Row("C", "DICOM with a palette", dicom("examples_palette.dcm"), seen={"channels": 3}),
    Row(
        "C", "DICOM in YBR, of several frames", dicom("examples_ybr_color.dcm"), seen={"channels": 3}, warned=("frame",)
    ),
    Row("C", "DICOM in JPEG 2000", dicom("examples_jpeg2k.dcm"), seen={"channels": 3}),
    Row("C", "DICOM of 1 bit", dicom("liver_1frame.dcm"), seen={"range": [0, 255]}),
    Row("C", "DICOM without a picture", dicom("rtplan.dcm"), refused=("DICOM without a picture",)),
    Row("C", "NIfTI without axis and range", nifti("anatomical.nii"), refused=("data.axis",)),
    Row(
        "C",
        "NIfTI in slices",
        nifti("anatomical.nii"),
        "--data.axis axial --set data.range=measured",
        {"channels": 1, "images": 25, "sizes": [[33, 41], [33, 41]]},
    ),
    Row(
        "C",
        "photographs of scikit-image",
        scikit("astronaut.png", "retina.jpg", "coffee.png"),
        seen={"images": 3, "channels": 3, "sizes": [[600, 400], [1411, 1411]]},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.line}-{row.case}")
def test_what_is_seen_of(row, ganzoo, tmp_path):
    place = tmp_path / "set"
    place.mkdir()
    row.make(place)
    outcome = ganzoo(f"data ./{'/'.join(filter(None, ('set', row.file)))} --json --no-sheet {row.options}")
    assert outcome.code == (3 if row.refused else 0), outcome.err
    if row.refused:
        assert [words for words in row.refused if words not in outcome.json["error"] + outcome.err] == []
        return
    answer = outcome.json
    assert {key: answer[key] for key in row.seen} == row.seen
    assert [words for words in row.warned if not any(words in text for text in answer["warnings"])] == [], answer
    assert [words for words in row.said if words not in outcome.err] == []
    if row.left_out is not None:
        assert {one["path"] for one in answer["left_out"]} == set(row.left_out)


def test_nine_heic_beside_one_jpeg_are_refused_where_nothing_reads_them(ganzoo, tmp_path, monkeypatch):
    (tmp_path / "set").mkdir()
    phones(tmp_path / "set", heic=9)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    outcome = ganzoo("data ./set --json")
    assert outcome.code == 3
    assert "HEIC needs pillow-heif: python -m pip install 'ganzoo[heic]'" in outcome.json["error"]


def test_nobody_in_a_dicom_file_is_named_in_an_answer(ganzoo, tmp_path):
    (tmp_path / "set").mkdir()
    dicom("dicomdirtests/77654033/CR1/6154", "MR_small.dcm")(tmp_path / "set")
    outcome = ganzoo("data ./set --json --sheet sheet.png")
    told = (outcome.out + outcome.err).encode() + (tmp_path / "sheet.png").read_bytes()
    assert [
        secret for secret in (b"Doe", b"Archibald", b"77654033", b"CompressedSamples", b"4MR1") if secret in told
    ] == []


def test_a_run_begins_with_what_it_reads_and_keeps_the_warnings(ganzoo, tmp_path):
    named("a/{5}.png", "b/{3}.png", "a/0_mask.png")(tmp_path / "set")
    outcome = ganzoo(
        "run --data ./set --steps 1 --batch-size 2 --disc.ndf 2 --gen.ngf 2 --gen.latent 3 --json --image-size 8"
    )
    assert outcome.code == 0, outcome.err
    run = Path(outcome.json["path"])
    log = (run / "log.txt").read_text(encoding="utf-8")
    warnings = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["warnings"]
    assert [
        words for words in ("2 classes: a 5, b 3; splits train 8; 32×32", "1 left out") if words not in log
    ] == [], log
    assert any("_mask" in text for text in warnings), warnings
    assert "_mask" in log


def test_the_sheet_shows_the_pixels_that_are_trained_on(ganzoo, tmp_path):
    """Of 16-bit colors in planes, which Pillow shuffles in silence."""
    (tmp_path / "set").mkdir()
    tiff(planes(), photometric="rgb")(tmp_path / "set")
    assert ganzoo("data ./set --sheet sheet.png").code == 0
    shown = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    assert (shown == (10, 100, 200)).all(-1).sum() > 32 * 32


def test_every_layout_that_is_recognized_is_listed(ganzoo, tmp_path):
    listed = set(ganzoo("info pictures --json").json[0]["layouts"])
    assert {"npz", "hdf5", "parquet", "table", "webdataset"} <= listed
    assert {row.seen["layout"] for row in ROWS if "layout" in row.seen} <= listed


def test_every_line_has_rows():
    assert {row.line for row in ROWS} == {"A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4", "C"}
