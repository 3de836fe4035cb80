"""Files that cannot be used: each is found by a full decode, named with a reason, and dropped if asked."""

from __future__ import annotations

import io
import logging
import os

import numpy as np
import pytest
import tifffile
from ganzoo_datasets.files.pixels.raster import MAX_PIXELS
from picture_files import everything, noise, open_folder, png_bytes, save
from PIL import Image

from ganzoo.errors import DataError


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    return path


def content(suffix, **options):
    file = io.BytesIO()
    noise(64, 64).save(file, suffix, **options)
    return file.getvalue()


def cut(suffix, share=0.6):
    whole = content(suffix)
    return whole[: int(len(whole) * share)]


def refused(folder, **options):
    with pytest.raises(DataError) as caught:
        open_folder(folder, **options)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_a_truncated_jpeg_that_verify_accepts(folder):
    (folder / "cut.jpg").write_bytes(cut("jpeg"))
    with Image.open(folder / "cut.jpg") as image:
        image.verify()
    assert "cut.jpg: corrupt: image file is truncated" in refused(folder)


def test_a_large_truncated_jpeg_decoded_at_a_fraction_of_its_size(folder):
    file = io.BytesIO()
    noise(640, 640).save(file, "jpeg")
    (folder / "cut.jpg").write_bytes(file.getvalue()[:-2000])
    assert "cut.jpg: corrupt" in refused(folder, image_size=32)


@pytest.mark.parametrize("suffix", ["jpeg", "png", "gif", "bmp", "tiff", "webp", "ppm"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_file_of_any_format(folder, suffix, share):
    (folder / f"cut.{suffix}").write_bytes(cut(suffix, share))
    save(folder, "good.png")
    assert f"cut.{suffix}: " in refused(folder)


def test_a_png_with_broken_data(folder):
    whole = bytearray(content("png"))
    place = whole.index(b"IDAT") + 40
    whole[place : place + 8] = bytes(8)
    (folder / "flipped.png").write_bytes(whole)
    assert "flipped.png: corrupt" in refused(folder)


def test_an_empty_file_and_one_that_is_no_picture(folder):
    (folder / "empty.jpg").touch()
    (folder / "page.jpg").write_text("<html>404 Not Found</html>")
    message = refused(folder)
    assert "empty.jpg: an empty file" in message
    assert "page.jpg: not a picture" in message


def test_formats_that_start_other_programs_are_no_pictures(folder):
    save(folder, "script.eps")
    (folder / "script.eps").rename(folder / "script.png")
    assert "script.png: not a picture" in refused(folder)


@pytest.mark.parametrize("pillows_limit", [Image.MAX_IMAGE_PIXELS, None])
def test_a_decompression_bomb(folder, monkeypatch, pillows_limit):
    """Files of a hundred bytes that announce gigabytes; nothing is decoded, whatever the application allows."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillows_limit)
    side = int(MAX_PIXELS**0.5) + 1
    (folder / "bomb.png").write_bytes(png_bytes(side, side, 8, 2, b"\x00"))
    (folder / "larger.png").write_bytes(png_bytes(60_000, 60_000, 8, 2, b"\x00"))
    message = refused(folder)
    assert "2 of 2 images cannot be read" in message
    for line, pixels in (("bomb.png", side * side), ("larger.png", 3_600_000_000)):
        assert f"{line}: a decompression bomb? Image size ({pixels} pixels) exceeds limit of 178956970" in message


def test_pillows_own_limit_is_left_alone(folder):
    """Pillow warns of half as many pixels; here only the stated limit counts, and no warning escapes."""
    (folder / "wide.png").write_bytes(png_bytes(100_000_000, 1, 1, 0, b"\x00" + bytes(12_500_000)))
    assert (everything(open_folder(folder, image_size=8)) == 0).all()
    assert Image.MAX_IMAGE_PIXELS < 100_000_000


def test_links_and_pipes(folder):
    save(folder, "good.png")
    (folder / "link.png").symlink_to("good.png")
    assert len(open_folder(folder)) == 2
    (folder / "broken.png").symlink_to("nowhere.png")
    (folder / "circle.png").symlink_to("circle.png")
    os.mkfifo(folder / "pipe.png")
    message = refused(folder)
    assert "broken.png: no such file or directory" in message
    assert "circle.png: too many levels of symbolic links" in message
    assert "pipe.png: not a regular file" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(folder):
    save(folder, "secret.png").chmod(0)
    assert "secret.png: permission denied" in refused(folder)
    (folder / "secret.png").chmod(0o600)
    assert len(open_folder(folder)) == 1


def test_every_offender_is_named_and_the_way_out(folder):
    for number in range(5):
        (folder / f"bad-{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    save(folder, "good.png")
    message = refused(folder)
    assert "5 of 6 images cannot be read" in message
    assert all(f"bad-{number}.png: " in message for number in range(5))
    assert "data.on_error=skip" in message


def test_a_way_out_that_helps_one_of_them_alone_is_not_the_one_that_is_named(folder):
    save(folder, "good.png")
    tifffile.imwrite(folder / "numbers.tif", np.linspace(0, 7, 64, dtype=np.float32).reshape(8, 8))
    assert "data.range=measured" in refused(folder)
    (folder / "empty.png").touch()
    assert "data.range=measured" not in (message := refused(folder))
    assert "data.on_error=skip" in message


def test_a_long_list_is_cut_short_and_kept_in_a_file(folder, tmp_path):
    for number in range(50):
        (folder / f"bad-{number:02}.png").touch()
    message = refused(folder)
    assert "bad-19.png" in message
    assert "bad-20.png" not in message
    assert "and 30 more" in message
    (listed,) = (tmp_path / "cache").rglob("unreadable.txt")
    assert str(listed) in message
    assert listed.read_text(encoding="utf-8").count("an empty file") == 50


def test_skip_drops_and_lists(folder, caplog):
    for label, name in enumerate(("cat", "dog")):
        save(folder, f"{name}/1.png", Image.new("L", (32, 32), 10 * label))
        (folder / name / "2.png").write_bytes(cut("png"))
        save(folder, f"{name}/3.png", Image.new("L", (32, 32), 10 * label + 5))
    with caplog.at_level(logging.WARNING, "ganzoo"):
        data = open_folder(folder, on_error="skip")
    assert everything(data)[:, 0, 0, 0].tolist() == [0, 5, 10, 15]
    assert data.labels.tolist() == [0, 0, 1, 1]
    assert data.spec.marginal == (0.5, 0.5)
    assert "2 of 6 images cannot be read and are left out" in caplog.text
    assert "cat/2.png: corrupt" in caplog.text
    assert "dog/2.png: corrupt" in caplog.text


def test_skip_changes_nothing_where_all_is_well(folder):
    save(folder, "good.png")
    assert open_folder(folder, on_error="skip").fingerprint == open_folder(folder).fingerprint


def test_skipping_everything_is_an_error(folder):
    (folder / "bad.png").touch()
    assert "1 of 1 images cannot be read" in refused(folder, on_error="skip")


def test_skipping_a_whole_class_is_an_error(folder):
    save(folder, "cat/1.png")
    save(folder, "cow/1.png")
    (folder / "cow" / "1.png").write_bytes(b"")
    save(folder, "dog/1.png")
    assert "no image is left of class cow" in refused(folder, on_error="skip")


def test_a_name_that_is_no_utf8_can_be_printed(folder):
    place = os.fsencode(folder) + b"/bad-\xff.png"
    with open(place, "wb"):
        pass
    message = refused(folder)
    assert "bad-\\udcff.png" in message
    message.encode("utf-8")


def test_a_corrupt_color_picture_does_not_decide_the_channels(folder):
    (folder / "color.png").write_bytes(cut("png"))
    save(folder, "gray.png", noise(32, 32, "L"))
    data = open_folder(folder, on_error="skip")
    assert data.spec.shape == (1, 32, 32)
    assert np.array_equal(everything(data)[0, 0], np.asarray(noise(32, 32, "L")))
