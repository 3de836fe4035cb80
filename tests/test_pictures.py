"""Grids, films and strips, read back pixel by pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.errors import ResourceError
from ganzoo.evaluation import pictures
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
        Image.new("L", (8, 8), gray(number)).save(path)
    return paths


def test_a_film_shows_every_frame_in_order_for_ever_and_stays_on_the_last(tmp_path):
    pictures.save_gif(frames(tmp_path, range(5)), tmp_path / "film.gif")
    shown = []
    with Image.open(tmp_path / "film.gif") as film:
        assert film.info["loop"] == 0
        for number in range(film.n_frames):
            film.seek(number)
            shown.append((film.convert("L").getpixel((0, 0)), film.info["duration"]))
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
