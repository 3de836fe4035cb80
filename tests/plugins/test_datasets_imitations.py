"""Tiny imitations of published collections, made from their public descriptions: what is read, with which options."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote

import pytest
from picture_files import open_folder
from PIL import Image

from ganzoo.errors import DataError


@dataclass(frozen=True)
class Set:
    """A collection: its pictures and tables, then what is read.

    Attributes:
        pictures: their paths, with ``%20`` for a space.
        tables: path → lines.
        options: what somebody has to say.
        first: what the answer without these options names.
        classes: those of train, in order.
        splits: split → pictures.
        groups: how many there are in train.
        said: what is told.
    """

    pictures: str
    splits: dict[str, int]
    tables: dict[str, list[str]] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    first: str = ""
    classes: tuple[str, ...] = ()
    groups: int | None = None
    said: str = ""


SETS = {
    "RFMiD": Set(
        "Training_Set/Training/1.png Training_Set/Training/2.png Training_Set/Training/3.png",
        {"train": 3},
        tables={"Training_Set/labels.csv": ["ID,Disease_Risk,DR,ARMD,MH", "1,1,1,0,1", "2,1,0,1,0", "3,0,0,0,0"]},
        options={"label_column": "Disease_Risk"},
        first="several classes",
        classes=("0", "1"),
    ),
    "DDI": Set(
        "000001.png 000002.png 000003.png",
        {"train": 3},
        tables={
            "ddi_metadata.csv": [
                ",DDI_ID,DDI_file,skin_tone,malignant,disease",
                "0,1,000001.png,56,True,melanoma",
                "1,2,000002.png,12,False,nevus",
                "2,3,000003.png,12,False,nevus",
            ]
        },
        options={"label_column": "malignant"},
        first="--set data.label_column=malignant",
        classes=("False", "True"),
    ),
    "Messidor-2": Set(
        "IMAGES/20051020_43808_0100_PP.png IMAGES/20051020_43832_0100_PP.png IMAGES/IM000001.JPG",
        {"train": 3},
        tables={
            "messidor_data.csv": [
                "image_id,adjudicated_dr_grade,adjudicated_dme,adjudicated_gradable",
                "20051020_43808_0100_PP.png,0,0,1",
                "20051020_43832_0100_PP.png,2,1,1",
                "IM000001.jpg,0,0,1",
            ]
        },
        options={"label_column": "adjudicated_dr_grade"},
        first="--set data.label_column=adjudicated_dr_grade",
        classes=("0", "2"),
    ),
    "ODIR-5K": Set(
        "preprocessed_images/0_left.jpg preprocessed_images/0_right.jpg preprocessed_images/1_left.jpg",
        {"train": 3},
        tables={
            "full_df.csv": [
                "ID,Patient Age,Left-Fundus,Right-Fundus,N,D,filepath,labels,target,filename",
                "0,69,0_left.jpg,0_right.jpg,0,1,../input/0_right.jpg,['N'],\"[1, 0]\",0_right.jpg",
                "0,69,0_left.jpg,0_right.jpg,0,1,../input/0_left.jpg,['D'],\"[0, 1]\",0_left.jpg",
                "1,57,1_left.jpg,1_right.jpg,1,0,../input/1_left.jpg,['N'],\"[1, 0]\",1_left.jpg",
            ]
        },
        options={"group_column": "ID"},
        classes=("['D']", "['N']"),
        groups=2,
    ),
    "Fitzpatrick17k": Set(
        "images/5e82a45bc5d7.jpg images/fa2911a9b13b.jpg",
        {"train": 2},
        tables={
            "fitzpatrick17k.csv": [
                "md5hash,fitzpatrick_scale,label,nine_partition_label,three_partition_label,url",
                "5e82a45bc5d7,3,acne,inflammatory,non-neoplastic,https://x/a.jpg",
                "fa2911a9b13b,1,vitiligo,inflammatory,non-neoplastic,https://x/b.jpg",
            ]
        },
        classes=("acne", "vitiligo"),
    ),
    "BCN20000": Set(
        "images/BCN_0000000001.jpg images/BCN_0000000003.jpg images/BCN_0000000004.jpg",
        {"train": 2, "test": 1},
        tables={
            "bcn20000_metadata.csv": [
                "bcn_filename,age_approx,anatom_site_general,diagnosis,lesion_id,capture_date,sex,split",
                "BCN_0000000001.jpg,55,trunk,MEL,BCN_1,2012-05-16,male,train",
                "BCN_0000000003.jpg,50,trunk,NV,BCN_2,2013-05-16,male,train",
                "BCN_0000000004.jpg,85,head,NV,BCN_3,2014-05-16,male,test",
            ]
        },
        options={"label_column": "diagnosis"},
        first="--set data.label_column=diagnosis",
        classes=("MEL", "NV"),
        groups=2,
    ),
    "Kvasir-SEG": Set(
        "Kvasir-SEG/images/a.jpg Kvasir-SEG/images/b.jpg Kvasir-SEG/masks/a.jpg Kvasir-SEG/masks/b.jpg",
        {"train": 2},
        said="2 masks or thumbnails are left out",
    ),
    "CVC-ClinicDB": Set(
        "Original/1.tif Original/2.tif Ground%20Truth/1.tif Ground%20Truth/2.tif",
        {"train": 2},
        said="2 masks or thumbnails are left out",
    ),
    "DRIVE": Set(
        "training/images/21_training.tif training/1st_manual/21_manual1.gif training/mask/21_training_mask.gif "
        "test/images/01_test.tif test/mask/01_test_mask.gif",
        {"train": 1, "test": 1},
        said="masks or thumbnails are left out",
    ),
    "GlaS": Set(
        "train_1.bmp train_1_anno.bmp train_2.bmp train_2_anno.bmp testA_1.bmp testA_1_anno.bmp",
        {"train": 2},
        options={"exclude": "testA_*,*_anno.bmp"},
        first="named for another split than train, and are read as train all the same; leave them out with "
        "--set data.exclude='testA_*'",
    ),
    "Human Protein Atlas": Set(
        " ".join(
            f"{split}/{name}_{channel}.png"
            for split, name in (("train", "00070df0"), ("train", "000a6c98"), ("test", "00008af0"))
            for channel in ("red", "green", "blue", "yellow")
        ),
        {"train": 2, "test": 1},
        options={"exclude": "*_blue.*,*_red.*,*_yellow.*"},
        first="the 12 pictures look like 3 pictures in 4 files each, one for every channel (blue, green, red, yellow)",
    ),
    "chest X-rays of Kermany": Set(
        "chest_xray/train/NORMAL/a.jpeg chest_xray/train/PNEUMONIA/b.jpeg chest_xray/test/NORMAL/c.jpeg "
        "chest_xray/test/PNEUMONIA/d.jpeg chest_xray/val/NORMAL/e.jpeg chest_xray/val/PNEUMONIA/f.jpeg",
        {"train": 2, "val": 2, "test": 2},
        classes=("NORMAL", "PNEUMONIA"),
    ),
    "BreakHis": Set(
        "BreaKHis_v1/breast/benign/SOB/adenosis/SOB_B_A/40X/a.png "
        "BreaKHis_v1/breast/malignant/SOB/duct/SOB_M/40X/b.png",
        {"train": 2},
        classes=("benign", "malignant"),
    ),
}


@pytest.fixture
def made(tmp_path):
    def make(one):
        folder = tmp_path / "set"
        for number, name in enumerate(map(unquote, one.pictures.split())):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), number).save(folder / name)
        for name, lines in one.tables.items():
            (folder / name).write_text("\n".join(lines) + "\n")
        return folder

    return make


def answer(folder, caplog):
    """What is said where nobody has said anything."""
    try:
        open_folder(folder)
    except DataError as error:
        return str(error)
    return caplog.text


@pytest.mark.parametrize("name", SETS)
def test_a_published_collection(made, caplog, name):
    one = SETS[name]
    folder = made(one)
    if one.first:
        assert one.first in answer(folder, caplog)
    data = open_folder(folder, **one.options)
    assert (data.spec.classes, data.survey.splits) == (one.classes, one.splits)
    assert (None if data.groups is None else len(set(data.groups))) == one.groups
    assert one.said in caplog.text


def test_masks_of_glas_are_left_out(made, caplog):
    assert len(open_folder(made(SETS["GlaS"]))) == 3
    assert "3 masks or thumbnails are left out" in caplog.text


@pytest.mark.parametrize(
    "names",
    [
        "rose_red rose_blue tulip_red tulip_white",  # a word that is no channel
        "a_red a_green b_red",  # not all channels of every picture
        "a_red a_green",  # one picture says little
        "a_red b_red c_red",  # one file for each picture
    ],
)
def test_colors_in_names_are_not_channels_yet(made, caplog, names):
    open_folder(made(Set(" ".join(f"{name}.png" for name in names.split()), {})))
    assert "channel" not in caplog.text


def test_whoever_means_every_file_is_not_asked_again(made, caplog):
    data = open_folder(made(SETS["Human Protein Atlas"]), layout="folders")
    assert len(data) == 8
    assert "channel" not in caplog.text
