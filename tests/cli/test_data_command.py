"""``ganzoo data``: what is shown of data, what is written, what is refused."""

import json
import re

import numpy as np
import pytest
from PIL import Image

KEYS = "layout images classes splits groups channels sizes range left_out warnings"


def draw(path, size=(40, 40), color=(90, 20, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)


@pytest.fixture
def skin(tmp_path):
    """Two classes in two splits, a file that is no picture, and pictures from 40×40 to 90×50."""
    for split, name, count in (("train", "benign", 4), ("train", "malignant", 2), ("test", "benign", 3)):
        for number in range(count):
            draw(tmp_path / "skin" / split / name / f"{number}.png", color=(40 * number, 20, 0))
    draw(tmp_path / "skin/train/benign/wide.png", size=(90, 50), color=(250, 20, 20))
    (tmp_path / "skin/train/malignant/notes.txt").write_text("seen twice")
    return tmp_path / "skin"


class TestJson:
    def test_a_line_of_many_pixels_is_no_large_picture(self, ganzoo, tmp_path):
        for number in range(3):
            draw(tmp_path / "skin" / f"{number}.png", color=(40 * number, 20, 0))
        draw(tmp_path / "skin/line.png", size=(3000, 1), color=(250, 20, 20))
        assert ganzoo("data ./skin --json").json["sizes"] == [[3000, 1], [40, 40]]

    def test_pictures(self, ganzoo, skin):
        outcome = ganzoo("data ./skin --json")
        assert outcome.code == 0
        seen = outcome.json
        assert " ".join(seen) == KEYS
        assert seen["layout"] == "folders"
        assert seen["images"] == 7
        assert seen["classes"] == {"benign": 5, "malignant": 2}
        assert seen["splits"] == {"train": 7, "test": 3}
        assert seen["groups"] is None
        assert seen["channels"] == 3
        assert seen["sizes"] == [[40, 40], [90, 50]]
        assert seen["range"] == [0, 250]
        assert [one["path"] for one in seen["left_out"]] == ["train/malignant/notes.txt"]
        assert "ending" in seen["left_out"][0]["reason"]

    def test_another_split_size_and_number_of_channels(self, ganzoo, skin):
        seen = ganzoo("data ./skin --data.split test --set data.channels=1 --image-size 16 --json").json
        assert (seen["images"], seen["classes"], seen["channels"]) == (3, {"benign": 3, "malignant": 0}, 1)

    def test_a_table_with_groups(self, ganzoo, skin, tmp_path):
        lines = [f"skin/train/benign/{number}.png,benign,p{number // 2}" for number in range(4)]
        (tmp_path / "t.csv").write_text("\n".join(["image,label,patient", *lines]) + "\n")
        seen = ganzoo("data ./t.csv --json").json
        assert (seen["layout"], seen["groups"], seen["images"]) == ("table", 2, 4)

    def test_what_cannot_be_read_and_is_skipped_is_warned_of(self, ganzoo, skin):
        (skin / "train/benign/broken.png").write_bytes(b"no picture")
        seen = ganzoo("data ./skin --data.on_error skip --json").json
        assert {"train/benign/broken.png", "train/malignant/notes.txt"} == {one["path"] for one in seen["left_out"]}
        assert any("1 of 8 images cannot be read" in text for text in seen["warnings"])
        assert seen["splits"] == {"train": 7, "test": 3}

    @pytest.mark.parametrize("path", ["./nowhere", "./skin"])
    def test_the_reasons_and_exit_code_3(self, ganzoo, skin, path):
        (skin / "train/benign/broken.png").write_bytes(b"no picture")
        outcome = ganzoo(f"data {path} --json")
        assert outcome.code == 3
        assert list(outcome.json) == ["error"]
        assert "nowhere" in outcome.json["error"] or "broken.png: not a picture" in outcome.json["error"]
        assert "error: " in outcome.err

    def test_digits(self, ganzoo):
        seen = ganzoo("data digits --json").json
        assert (seen["images"], seen["splits"]) == (1438, {"train": 1438, "test": 359})
        assert sum(seen["classes"].values()) == 1438
        assert (seen["channels"], seen["sizes"], seen["range"]) == (1, [[32, 32], [32, 32]], [0, 255])

    def test_vectors(self, ganzoo):
        seen = ganzoo("data ring --data.n 80 --json").json
        assert (seen["images"], seen["splits"]) == (80, {"train": 80, "test": 80})
        assert [seen[key] for key in ("groups", "channels", "sizes", "range")] == [None] * 4

    def test_all_is_no_split_of_its_own(self, ganzoo):
        seen = ganzoo("data ring --data.n 80 --data.split all --json").json
        assert (seen["images"], seen["splits"]) == (160, {"train": 80, "test": 80})


class TestWords:
    def test_pictures(self, ganzoo, skin, tmp_path):
        out = ganzoo("data ./skin").out
        assert re.search(rf"data +{tmp_path}/skin *\n", out)
        assert re.search(r"split read +train: 7 images", out)
        assert re.search(r"splits +train \(7\), test \(3\)", out)
        assert re.search(r"pictures +40×40 to 90×50, read as RGB 32×32", out)
        assert re.search(r"left out +1 *\n +train/malignant/notes.txt: not the ending of a picture", out)
        assert re.search(r"contact sheet +contact-sheet-skin.png", out)

    def test_many_classes_and_files_fit_a_screen(self, ganzoo, tmp_path):
        for number in range(30):
            draw(tmp_path / f"many/class{number:02d}/0.png")
            (tmp_path / f"many/class{number:02d}/a.txt").write_text("")
        out = ganzoo("data ./many").out
        assert re.search(r"classes +30 of 1 to 1: class00 \(1\)", out)
        assert "class20 (1)" not in out
        assert "and 10 more; --json lists all" in out
        assert len(out.splitlines()) < 40

    def test_many_files_that_are_left_out_are_told_by_folder_and_reason(self, ganzoo, tmp_path):
        for number in range(30):
            draw(tmp_path / f"many/a/{number:02d}.png")
            (tmp_path / f"many/a/{number:02d}.txt").write_text("")
        (tmp_path / "many/b.csv").write_text("")
        out = re.sub(r"\s+", " ", ganzoo("data ./many").out)
        assert "left out 31 a/00.txt and 29 more in a: not the ending of a picture b.csv: not the ending" in out
        assert "a/01.txt" not in out


class TestSheet:
    def test_it_shows_each_class(self, ganzoo, skin, tmp_path):
        ganzoo("data ./skin --sheet a/sheet.png")
        pixels = np.asarray(Image.open(tmp_path / "a/sheet.png").convert("RGB"))
        # The picture that is red alone is in the row of benign, five pictures wide.
        red = (pixels == (250, 20, 20)).all(-1)
        assert 90 * 90 <= red.sum() <= 128 * 128

    def test_nothing_is_overwritten(self, ganzoo, skin, tmp_path):
        assert "contact-sheet-skin.png" in ganzoo("data ./skin").out
        first = (tmp_path / "contact-sheet-skin.png").read_bytes()
        assert "contact-sheet-skin-2.png" in ganzoo("data ./skin --data.split test").out
        assert (tmp_path / "contact-sheet-skin.png").read_bytes() == first
        outcome = ganzoo("data ./skin --sheet contact-sheet-skin.png")
        assert outcome.code == 2
        assert "exists, and nothing is overwritten" in outcome.err

    def test_it_never_becomes_part_of_the_data(self, ganzoo, skin, tmp_path, monkeypatch):
        assert ganzoo("data ./skin --sheet skin/train/benign/sheet.png").code == 2
        monkeypatch.chdir(skin / "train")
        assert ganzoo("data ..").code == 0
        assert (tmp_path / "contact-sheet-skin.png").exists()
        assert not list(skin.rglob("contact-sheet*"))

    @pytest.mark.parametrize("line", ["--no-sheet", "--no-sheet --json"])
    def test_none(self, ganzoo, skin, tmp_path, line):
        assert ganzoo(f"data ./skin {line}").code == 0
        assert not list(tmp_path.glob("*.png"))

    def test_another_ending(self, ganzoo, skin):
        outcome = ganzoo("data ./skin --sheet sheet.jpg")
        assert outcome.code == 2
        assert "--sheet sheet.png" in outcome.err


def test_keys_of_other_sections_are_refused(ganzoo):
    outcome = ganzoo("data digits --set train.steps=3 --json")
    assert outcome.code == 2
    assert "train.steps has no effect" in json.loads(outcome.out)["error"]
    assert "keys of the section data" in outcome.err


def test_nothing_but_the_sheet_is_left(ganzoo, skin, tmp_path):
    ganzoo("data ./skin")
    assert {path.name for path in tmp_path.iterdir()} == {"skin", "contact-sheet-skin.png"}


def test_the_layouts_are_listed(ganzoo):
    assert re.search(r"layouts, asked in this order\n +npz +NumPy", ganzoo("info pictures").out)
    assert list(ganzoo("info pictures --json").json[0]["layouts"])[-1] == "part-folders"
