"""Which values become black and white, what is warned of, and what becomes of pictures that are no squares."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import tifffile
from ganzoo_datasets.files import ranges
from ganzoo_datasets.files.pixels.square import square
from ganzoo_datasets.pictures import Pictures
from picture_files import everything, noise, open_folder, save
from PIL import Image
from pydantic import ValidationError

from ganzoo.errors import DataError

RAMP = np.linspace(0, 1123, 32 * 32).round().astype(np.uint16).reshape(32, 32)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "pictures"


def warnings(caplog, folder, **options):
    caplog.clear()
    with caplog.at_level(logging.WARNING, "ganzoo"):
        data = open_folder(folder, **options)
    return data, [record.getMessage() for record in caplog.records]


def test_12_bits_in_a_16_bit_png_are_warned_of_in_every_run_with_the_option_that_helps(folder, caplog):
    save(folder, "ct.png", Image.fromarray(RAMP))
    for _ in range(2):
        data, (message,) = warnings(caplog, folder)
        assert everything(data).max() == 4
        assert message == (
            "the values of 1 image are 0 to 1123, less than an eighth of the files' own range, 0 to 65535, so they "
            "are almost the same shade: --set data.range=0,1123 uses the whole range"
        )
    option = message.partition("--set data.range=")[2].split()[0]
    data, messages = warnings(caplog, folder, range=option)
    assert messages == []
    assert np.array_equal(everything(data)[0, 0], np.floor(RAMP / 1123 * 255 + 0.5))


def test_the_measured_range_is_that_of_train_in_every_split(folder, caplog):
    save(folder, "train/a.png", Image.fromarray(RAMP))
    save(folder, "test/b.png", Image.fromarray(RAMP // 2))
    save(folder, "test/c.png", Image.fromarray(RAMP * 2))
    data, messages = warnings(caplog, folder, range="measured", split="test")
    half, twice = everything(data)[:, 0]
    assert np.array_equal(half, np.floor(RAMP // 2 / 1123 * 255 + 0.5))
    assert np.array_equal(twice, np.floor(RAMP * 2 / 1123 * 255 + 0.5).clip(0, 255))
    assert messages == []


def test_a_range_applies_to_8_bit_files_as_well(folder):
    save(folder, "a.png", Image.fromarray((RAMP % 200).astype(np.uint8)))
    read = everything(open_folder(folder, range=(50, 150)))[0, 0]
    assert np.array_equal(read, np.floor((RAMP % 200 - 50.0) * 2.55 + 0.5).clip(0, 255))


def test_white_is_zero_is_inverted_after_the_range_which_is_in_the_files_own_units(folder):
    folder.mkdir()
    tifffile.imwrite(folder / "a.tif", RAMP, photometric="miniswhite")
    read = everything(open_folder(folder, range=(0, 1123)))[0, 0]
    assert np.array_equal(read, 255 - np.floor(RAMP / 1123 * 255 + 0.5))


def test_floats_can_be_measured(folder):
    folder.mkdir()
    tifffile.imwrite(folder / "a.tif", (RAMP / 1123 * 2 - 1).astype(np.float32), photometric="minisblack")
    read = everything(open_folder(folder, range="measured"))[0, 0]
    assert np.abs(read - RAMP / 1123 * 255).max() <= 0.51


def test_measuring_sees_every_pixel_of_a_large_jpeg(folder):
    """Decoded at an eighth of its size, one bright pixel would vanish."""
    values = np.full((512, 512), 40, np.uint8)
    values[256, 256] = 240
    save(folder, "a.jpg", Image.fromarray(values), quality=100)
    with Image.open(folder / "a.jpg") as image:
        exact = [float(end) for end in image.getextrema()]
    seen = []
    original = ranges.cached_pictures
    ranges.cached_pictures = lambda *one, **other: seen.append(original(*one, **other)) or seen[-1]
    try:
        open_folder(folder, image_size=16, range="measured")
    finally:
        ranges.cached_pictures = original
    assert seen[0].entry.seen.found == exact
    assert exact[1] > 200


def test_the_warning_of_a_dark_jpeg_has_the_exact_values(folder, caplog):
    values = np.full((512, 512), 2, np.uint8)
    values[200:300, 256] = 25
    save(folder, "a.jpg", Image.fromarray(values), quality=100)
    with Image.open(folder / "a.jpg") as image:
        lowest, highest = image.getextrema()
    _, (message,) = warnings(caplog, folder, image_size=16)
    assert f"the values of 1 image are {lowest} to {highest}, less than an eighth" in message


def test_the_range_is_part_of_what_the_cache_is_known_by(folder, tmp_path):
    save(folder, "a.png", Image.fromarray(RAMP))
    prints = [open_folder(folder, range=one).fingerprint for one in ("stored", (0, 1123), (0, 1124), (0, 1123))]
    assert len(set(prints)) == 3
    assert len([path for path in (tmp_path / "cache" / "pictures").iterdir() if path.is_dir()]) == 3


def test_a_range_that_misses_the_values_is_warned_of(folder, caplog):
    save(folder, "a.png", Image.fromarray(RAMP))
    _, messages = warnings(caplog, folder, range=(5000, 9000))
    assert "less than an eighth of data.range, 5000 to 9000, so they are all black or all white" in messages[0]


def test_a_set_of_one_color_is_warned_of(folder, caplog):
    for name in "ab":
        save(folder, f"{name}.png", Image.new("RGB", (32, 32), (7, 200, 9)))
    _, messages = warnings(caplog, folder)
    assert messages == ["all images are the same single color (7, 200, 9 of 255), so there is nothing to learn from"]
    save(folder, "b.png", Image.new("RGB", (32, 32), (8, 200, 9)))
    assert warnings(caplog, folder)[1] == []


def test_a_single_value_cannot_be_measured(folder):
    save(folder, "a.png", Image.new("L", (32, 32), 7))
    with pytest.raises(DataError, match="all pixels of train are 7"):
        open_folder(folder, range="measured")


def test_mixed_depths_are_warned_of(folder, caplog):
    save(folder, "a.png", noise(32, 32, "L"))
    save(folder, "b.png", Image.fromarray((RAMP.astype(int) * 58).astype(np.uint16)))
    save(folder, "c.png", noise(32, 32, "RGB"))
    _, messages = warnings(caplog, folder)
    assert messages == [
        "the images state different ranges of values, so equal values may be different shades: "
        "2 images: 0 to 255; 1 image: 0 to 65535"
    ]


@pytest.mark.parametrize("value", ["5,5", "9,1", "0,inf", "nan,1", "a,b", "0,1,2", "wide", True, [0], (0, True)])
def test_a_range_that_is_none_is_refused(value):
    with pytest.raises(ValidationError):
        Pictures(path="x", range=value)


@pytest.mark.parametrize("value", ["0,1123", "0, 1123", [0, 1123], (0.0, 1123.0), ["0", "1123"]])
def test_a_range_is_a_pair_however_it_is_written(value):
    assert Pictures(path="x", range=value).range == (0, 1123)


# Pictures that are no squares.


def test_all_of_a_picture_is_padded_with_black(folder):
    picture = noise(32, 12)
    save(folder, "a.png", picture)
    read = everything(open_folder(folder, fit="pad"))[0].transpose(1, 2, 0)
    assert np.array_equal(read[10:22], np.asarray(picture))
    assert not read[:10].any()
    assert not read[22:].any()


def test_all_of_a_picture_is_stretched(folder):
    picture = noise(64, 20, "L")
    save(folder, "a.png", picture)
    read = everything(open_folder(folder, fit="stretch", image_size=32))[0, 0]
    assert np.array_equal(read, np.asarray(picture.resize((32, 32), Image.Resampling.LANCZOS)))


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_a_square_is_left_alone(fit):
    picture = noise(32, 32)
    assert np.array_equal(square(picture, 32, fit), np.asarray(picture))


def test_a_crop_that_keeps_less_than_a_third_is_warned_of(folder, caplog):
    save(folder, "long.png", noise(200, 3))
    save(folder, "tall.png", noise(10, 31))
    save(folder, "enough.png", noise(30, 10))
    _, messages = warnings(caplog, folder)
    assert messages == [
        "2 of 3 images are more than three times as long as wide, and only the center, less than a third, is used: "
        "--set data.fit=pad or --set data.fit=stretch keeps all of each"
    ]
    for fit in ("pad", "stretch"):
        assert warnings(caplog, folder, fit=fit)[1] == []
