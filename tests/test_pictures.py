"""Grids, films and strips, read back pixel by pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.errors import ResourceError
from ganzoo.evaluation import lettering, pictures
from ganzoo.evaluation.pictures import CAPTION, GAP, PANEL


def colors(n):
    """As many different ones."""
    return torch.tensor([[40 * number, 255 - 30 * number, 7 * number] for number in range(n)], dtype=torch.uint8)


def pixels(picture):
    return torch.from_numpy(np.array(picture))


@pytest.mark.parametrize(("n", "columns", "rows"), [(5, 2, 3), (6, 3, 2), (1, 4, 1)])
def test_a_grid_is_filled_row_by_row_and_white_elsewhere(n, columns, rows):
    height, width = 3, 5
    images = colors(n)[:, :, None, None].expand(n, 3, height, width)
    picture = pictures.grid(images, columns)
    size = columns * (width + GAP) + GAP, rows * (height + GAP) + GAP
    factor = picture.width // size[0]
    assert picture.size == (factor * size[0], factor * size[1])
    expected = torch.full((size[1], size[0], 3), 255, dtype=torch.uint8)
    for number in range(n):
        top, left = GAP + number // columns * (height + GAP), GAP + number % columns * (width + GAP)
        expected[top : top + height, left : left + width] = colors(n)[number]
    assert torch.equal(pixels(picture), expected.repeat_interleave(factor, 0).repeat_interleave(factor, 1))


def test_small_grids_are_enlarged_and_large_ones_left_alone():
    small, large = (pictures.grid(torch.zeros(1, 1, side, side, dtype=torch.uint8), 1) for side in (56, 700))
    assert small.width == 600
    assert large.width == 700 + 2 * GAP


def test_an_image_is_shown_as_it_is():
    image = torch.arange(3 * 2 * 4, dtype=torch.uint8).view(3, 2, 4)
    picture = pictures.to_image(image)
    assert (picture.mode, picture.size) == ("RGB", (4, 2))
    assert torch.equal(pixels(picture), image.permute(1, 2, 0))
    gray = pictures.to_image(image[:1])
    assert (gray.mode, gray.size) == ("L", (4, 2))
    assert torch.equal(pixels(gray), image[0])


def frames(folder, steps, *, gray=lambda number: 20 * number):
    paths = [folder / f"step-{step:07d}.png" for step in steps]
    for number, path in enumerate(paths):
        Image.new("L", (200, 8), gray(number)).save(path)
    return paths


def named(names, *, rows=4, side=100, gray=128):
    return lettering.with_names(Image.new("L", (400, rows * side), gray), names)


def test_names_stand_in_a_margin_each_beside_its_own_row():
    """Two grids differ in the margin, in the row whose name differs, and nowhere else."""
    one, other = (pixels(named(["nevus", name, "keratosis seborrheica", "naevus"])) for name in ("melanoma", "milia"))
    margin = one.shape[1] - 400
    assert one.shape == other.shape == (400, margin + 400)
    assert (one[:, margin:] == 128).all()
    rows = [slice(100 * row, 100 * row + 100) for row in range(4)]
    assert [torch.equal(one[row], other[row]) for row in rows] == [True, False, True, True]
    for row in rows:  # in the middle of its row, clear of the rows beside it
        inked = (one[row, :margin] < 128).any(1).nonzero().flatten()
        assert 30 < inked.min() < 50 < inked.max() < 70


@pytest.mark.parametrize("side", [3, 12, 40, 700])
def test_a_margin_is_at_most_as_wide_as_the_grid_and_small_rows_have_readable_names(side):
    sheet = named(["melanoma of the face and neck " * 9] * 4, side=side)
    assert sheet.height == 4 * side
    assert 400 < sheet.width <= 400 + 200 + lettering.LARGEST


def test_a_long_name_is_shortened_and_a_short_one_is_not():
    assert lettering.shortened("nevus", 12, 100) == "nevus"
    short = lettering.shortened("seborrheic keratosis", 12, 100)
    assert short.endswith("…")
    assert "seborrheic keratosis".startswith(short[:-1])
    assert lettering.width_of(short, 12) <= 100
    assert lettering.shortened("nevus", 12, 1) == "…"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("nevus (2), 50 %", "nevus (2), 50 %"),
        ("Nävus", "Navus"),
        ("e\u0301", "e"),
        ("黒", "\\u9ed2"),
        ("type 黒 b", "type \\u9ed2 b"),
        ("two\nlines\tand more", "two lines and more"),
    ],
)
def test_letters_that_the_font_lacks_are_written_without_marks_or_as_codes(name, shown):
    assert lettering.legible(name) == shown
    named([name] * 4)


def test_every_frame_of_a_film_bears_its_own_step(tmp_path):
    """The frames are alike but for what is written above them."""
    pictures.save_gif(frames(tmp_path, (0, 1200, 35000), gray=lambda _: 128), tmp_path / "film.gif")
    drawn = []
    with Image.open(tmp_path / "film.gif") as film:
        for number in range(film.n_frames):
            film.seek(number)
            drawn.append(pixels(film.convert("L")))
    expected = [
        pixels(lettering.with_caption(Image.new("L", (200, 8), 128), f"step {step}"))
        for step in ("0", "1,200", "35,000")
    ]
    assert len(drawn) == 3
    for frame, wanted in zip(drawn, expected, strict=True):
        assert torch.equal(frame < 64, wanted < 64)


def test_a_film_shows_every_frame_in_order_for_ever_and_stays_on_the_last(tmp_path):
    pictures.save_gif(frames(tmp_path, range(5)), tmp_path / "film.gif")
    shown = []
    with Image.open(tmp_path / "film.gif") as film:
        assert film.info["loop"] == 0
        for number in range(film.n_frames):
            film.seek(number)
            shown.append((film.convert("L").getpixel((0, film.height - 1)), film.info["duration"]))
    assert shown == [(0, 200), (20, 200), (40, 200), (60, 200), (80, 2000)]


def test_each_panel_of_a_strip_bears_its_own_step(tmp_path):
    """Strips of the same pictures differ where their steps do, and nowhere else."""
    sheets = []
    for steps in ((0, 50, 900), (0, 70, 900)):
        folder = tmp_path / str(steps[1])
        folder.mkdir()
        pictures.contact_sheet(frames(folder, steps, gray=lambda number: 128), folder / "strip.png")
        with Image.open(folder / "strip.png") as sheet:
            sheets.append(pixels(sheet))
    width = PANEL + GAP
    differing = [
        not torch.equal(*(sheet[:CAPTION, number * width : (number + 1) * width] for sheet in sheets))
        for number in range(3)
    ]
    assert differing == [False, True, False]
    assert torch.equal(sheets[0][CAPTION:], sheets[1][CAPTION:])


def test_a_picture_that_cannot_be_written_leaves_the_one_before(tmp_path):
    path = tmp_path / "picture.png"
    pictures.save(Image.new("L", (2, 2), 9), path)
    before = path.read_bytes()
    with pytest.raises(ResourceError, match=r"cannot write .*picture\.png"):
        pictures.save(Image.new("CMYK", (2, 2)), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["picture.png"]


@pytest.mark.parametrize(
    "write",
    [
        lambda frame, path: pictures.save(Image.new("L", (8, 8)), path),
        lambda frame, path: pictures.save_gif([frame, frame], path),
        lambda frame, path: pictures.contact_sheet([frame, frame], path),
    ],
    ids=["image", "gif", "contact sheet"],
)
def test_a_picture_that_is_half_written_leaves_the_one_before(tmp_path, monkeypatch, write):
    """As where the disk is full: what a viewer has open stays whole."""
    frame, path = tmp_path / "step-0000001.png", tmp_path / "picture"
    Image.new("L", (8, 8)).save(frame)
    path.write_bytes(b"before")

    def half(picture, file, **options):
        Path(file).write_bytes(b"ha")
        raise OSError("No space left on device")

    monkeypatch.setattr(Image.Image, "save", half)
    with pytest.raises(ResourceError, match="No space left"):
        write(frame, path)
    assert path.read_bytes() == b"before"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["picture", frame.name]


def test_rows_of_a_grid_by_class_hold_one_class_each_in_order_beside_its_name(monkeypatch):
    shown = {}

    def kept(picture, names):
        shown.update(names=list(names))
        return picture

    monkeypatch.setattr(pictures, "with_names", kept)
    labels = [2, 0, 2, 2, 0, 2, 2, 2]
    images = (10 * torch.arange(1, 9, dtype=torch.uint8)).view(8, 1, 1, 1).expand(8, 1, 400, 400)
    picture = np.asarray(pictures.grid_by_class(images, labels, ("cat", "bird", "dog")))
    assert shown["names"] == ["cat", "dog", "dog"]
    middles = GAP + 200 + (400 + GAP) * np.arange(3)
    assert picture[np.ix_(middles, middles)].tolist() == [[20, 50, 255], [10, 30, 40], [60, 70, 80]]
