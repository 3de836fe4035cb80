"""What becomes of the pixels of every kind of picture, shown on real files."""

from __future__ import annotations

import io
import logging

import numpy as np
import pytest
from ganzoo_datasets.files.pixels.picture import Rule, read_picture
from ganzoo_datasets.files.sources.files import FileSource, LooseFiles
from hypothesis import given
from hypothesis import strategies as st
from picture_files import everything, noise, open_folder, png_bytes, png_rows, save
from PIL import Image

from ganzoo.errors import DataError

# EXIF 2.3, tag 0x0112: where row 0 and column 0 of the stored picture belong, as an operation that undoes it.
UNDO = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    return path


def only(folder, **options):
    """The one picture of a folder, (H, W, C) as integers."""
    images = everything(open_folder(folder, **options))
    assert len(images) == 1
    return images[0].transpose(1, 2, 0).astype(int)


def with_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def sixteen_bits(side=32):
    return np.linspace(0, 65535, side * side).round().astype(np.uint16).reshape(side, side)


def closest(values):
    """The integer k with k · 257 closest to each value."""
    return np.rint(values.astype(float)[..., None] / 257).astype(int)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bit_gray_is_divided_by_257(folder, name):
    save(folder, name, Image.fromarray(sixteen_bits()))
    assert np.array_equal(only(folder), closest(sixteen_bits()))


def test_sixteen_bit_gray_in_either_byte_order(folder):
    save(folder, "a.tif", Image.frombytes("I;16B", (32, 32), sixteen_bits().astype(">u2").tobytes()))
    assert (folder / "a.tif").read_bytes()[:2] == b"MM"
    assert np.array_equal(only(folder), closest(sixteen_bits()))


def test_sixteen_bit_portable_gray_map(folder):
    (folder / "a.pgm").write_bytes(b"P5 32 32 65535\n" + sixteen_bits().astype(">u2").tobytes())
    assert np.array_equal(only(folder), closest(sixteen_bits()))


def test_sixteen_bit_color(folder):
    eight = np.arange(32 * 32 * 3).reshape(32, 32, 3) % 256
    (folder / "a.png").write_bytes(png_bytes(32, 32, 16, 2, png_rows(eight * 257)))
    assert np.array_equal(only(folder), eight)


def test_sixteen_bit_gray_with_a_transparent_value(folder):
    values = sixteen_bits()
    key = int(values[3, 5])
    (folder / "a.png").write_bytes(png_bytes(32, 32, 16, 0, png_rows(values), transparent=key.to_bytes(2, "big")))
    expected = closest(values)
    expected[3, 5] = 255
    assert np.array_equal(only(folder), expected)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_32_bit_pixels_are_refused(folder, mode):
    save(folder, "a.tif", Image.new(mode, (32, 32)))
    with pytest.raises(DataError, match=f"pixels of type {'float32' if mode == 'F' else 'int32'}.* states no range"):
        open_folder(folder)


def test_one_bit_becomes_black_and_white(folder):
    picture = noise(32, 32, "L").point(lambda value: 255 * (value > 127)).convert("1")
    save(folder, "a.png", picture)
    assert np.array_equal(only(folder)[..., 0], np.where(np.asarray(picture), 255, 0))


def test_cmyk_becomes_rgb(folder):
    inks = (51, 102, 0, 25)
    save(folder, "a.jpg", Image.new("CMYK", (32, 32), inks), quality=100)
    with Image.open(folder / "a.jpg") as image:
        assert image.mode == "CMYK"
    expected = [255 * (1 - ink / 255) * (1 - inks[3] / 255) for ink in inks[:3]]
    # JPEG and integer arithmetic lose a level or two.
    assert np.abs(only(folder) - np.array(expected)).max() <= 2


def test_palette_becomes_rgb(folder):
    picture = noise(32, 32).quantize(16)
    save(folder, "a.png", picture)
    colors = np.array(picture.getpalette()).reshape(-1, 3)
    assert np.array_equal(only(folder), colors[np.asarray(picture)])


def test_transparent_palette_entries_lie_over_white(folder):
    picture = noise(32, 32).quantize(4)
    alpha = np.array([0, 255, 102, 255])
    save(folder, "a.png", picture, transparency=bytes(alpha.tolist()))
    index = np.asarray(picture)
    colors = np.array(picture.getpalette()).reshape(-1, 3)[index]
    share = alpha[index][..., None] / 255
    assert np.abs(only(folder) - (share * colors + (1 - share) * 255)).max() <= 1


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_alpha_lies_over_white(folder, mode, suffix):
    picture = noise(32, 32, "RGBA").convert(mode)
    save(folder, f"a.{suffix}", picture)
    values = np.asarray(picture).astype(float)
    share = values[..., -1:] / 255
    read = only(folder)
    assert read.shape[-1] == values.shape[-1] - 1
    assert np.abs(read - (share * values[..., :-1] + (1 - share) * 255)).max() <= 1


@pytest.mark.parametrize(("mode", "key"), [("RGB", (7, 8, 9)), ("L", 7)])
def test_a_transparent_color_lies_over_white(folder, mode, key):
    picture = noise(32, 32, mode)
    picture.putpixel((4, 2), key)
    save(folder, "a.png", picture, transparency=key)
    expected = np.asarray(picture).reshape(32, 32, -1).astype(int)
    expected[(expected == np.array(key)).all(-1)] = 255
    assert np.array_equal(only(folder), expected)


@pytest.mark.parametrize("orientation", UNDO)
def test_exif_orientation_of_a_jpeg_is_applied(tmp_path, folder, orientation):
    picture = noise(40, 24)
    save(folder, "a.jpg", picture, exif=with_orientation(orientation))
    with Image.open(save(tmp_path, "plain.jpg", picture)) as image:
        upright = UNDO[orientation](np.asarray(image))
    top, left = ((side - 24) // 2 for side in upright.shape[:2])
    assert np.array_equal(only(folder, image_size=24), upright[top : top + 24, left : left + 24])


@pytest.mark.parametrize(("suffix", "options"), [("png", {}), ("webp", {"lossless": True}), ("tif", {})])
def test_exif_orientation_of_other_files_is_applied_once(folder, suffix, options):
    picture = noise(32, 32)
    save(folder, f"a.{suffix}", picture, exif=with_orientation(6), **options)
    assert np.array_equal(only(folder), np.rot90(np.asarray(picture), -1))


def test_broken_exif_does_not_cost_the_picture(folder):
    save(folder, "a.jpg", noise(32, 32), exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f")
    assert only(folder).shape == (32, 32, 3)


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_of_an_animation_the_first_frame_is_used_with_a_warning(folder, caplog, suffix):
    frames = [Image.new("RGB", (32, 32), color) for color in ("red", "blue", "lime")]
    lossless = {"lossless": True} if suffix == "webp" else {}
    save(folder, f"moving.{suffix}", frames[0], save_all=True, append_images=frames[1:], **lossless)
    save(folder, "still.png", noise(32, 32))
    with caplog.at_level(logging.WARNING, "ganzoo"):
        images = everything(open_folder(folder))
    assert (images[0] == np.array([255, 0, 0])[:, None, None]).all()
    (record,) = caplog.records
    assert "several frames or pages" in record.getMessage()
    assert f"moving.{suffix}" in record.getMessage()
    assert "still" not in record.getMessage()


def test_several_pictures_of_a_camera_are_no_animation(folder, caplog):
    save(folder, "a.jpg", noise(32, 32), format="MPO", save_all=True, append_images=[noise(32, 32, seed=1)])
    with Image.open(folder / "a.jpg") as image:
        assert (image.format, image.n_frames) == ("MPO", 2)
    with caplog.at_level(logging.WARNING, "ganzoo"):
        assert only(folder).shape == (32, 32, 3)
    assert caplog.records == []


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "gif", "ppm", "tga", "jp2", "avif", "jpg"])
def test_every_format_is_read(folder, suffix):
    if suffix == "avif" and ".avif" not in Image.registered_extensions():
        pytest.skip("this build of Pillow has no AVIF")
    picture = Image.new("RGB", (32, 32), (255, 0, 0))
    save(folder, f"A.{suffix.upper()}", picture)
    # The lossy ones may be off by a few levels.
    assert np.abs(only(folder) - np.array([255, 0, 0])).max() <= 4


def test_a_file_is_what_its_content_says(folder):
    """A PNG called .jpg is a PNG."""
    picture = noise(32, 32)
    content = io.BytesIO()
    picture.save(content, "PNG")
    (folder / "a.jpg").write_bytes(content.getvalue())
    assert np.array_equal(only(folder), np.asarray(picture))


@pytest.mark.parametrize(
    ("before", "after"), [((270, 90), (90, 30)), ((90, 270), (30, 90)), ((20, 40), (30, 60)), ((31, 31), (30, 30))]
)
def test_the_shorter_side_is_resized_and_the_center_cut_out(folder, before, after):
    # Of low contrast: Pillow filters one axis after the other and cuts off what overshoots in between.
    picture = noise(*before).point(lambda value: 90 + value // 4)
    save(folder, "a.png", picture)
    left, top = ((side - 30) // 2 for side in after)
    whole = np.asarray(picture.resize(after, Image.Resampling.LANCZOS)).astype(int)
    # Each axis rounds once, and which comes first is Pillow's choice.
    assert np.abs(only(folder, image_size=30) - whole[top : top + 30, left : left + 30]).max() <= 2


@pytest.mark.parametrize(("width", "height"), [(33, 32), (32, 35), (32, 32), (64, 32)])
def test_what_needs_no_resizing_is_not_filtered(folder, width, height):
    picture = noise(width, height)
    save(folder, "a.png", picture)
    left, top = (width - 32) // 2, (height - 32) // 2
    assert np.array_equal(only(folder), np.asarray(picture)[top : top + 32, left : left + 32])


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_resizing_is_antialiased(folder, suffix):
    """A fine checkerboard seen from afar is gray; picking pixels would leave black or white."""
    board = (np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8)
    save(folder, f"a.{suffix}", Image.fromarray(board), quality=95)
    seen = only(folder, image_size=32)[2:-2, 2:-2]
    assert np.abs(seen - 127.5).max() <= 3


def test_a_large_jpeg_decoded_small_is_the_picture(folder):
    """Decoding at a fraction of the size gives what resizing the whole picture gives, nearly."""
    smooth = noise(8, 6).resize((800, 600), Image.Resampling.BICUBIC)
    save(folder, "a.jpg", smooth, quality=95)
    reference = smooth.crop((100, 0, 700, 600)).resize((32, 32), Image.Resampling.LANCZOS)
    assert np.abs(only(folder, image_size=32) - np.asarray(reference).astype(int)).mean() < 1


def test_explicit_channels_override_the_pictures(folder):
    picture = noise(32, 32)
    save(folder, "a.png", picture)
    luma = np.asarray(picture) @ np.array([0.299, 0.587, 0.114])
    assert np.abs(only(folder, channels=1)[..., 0] - luma).max() <= 1
    save(folder, "a.png", noise(32, 32, "L"))
    gray = only(folder, channels=3)
    assert np.array_equal(gray, np.repeat(np.asarray(noise(32, 32, "L"))[..., None], 3, -1))


@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"]),
    size=st.integers(1, 40),
    channels=st.sampled_from([1, 3]),
)
def test_any_size_and_mode_gives_the_asked_shape(tmp_path_factory, width, height, mode, size, channels):
    picture = Image.fromarray(sixteen_bits(70)[:height, :width]) if mode == "I;16" else noise(width, height, mode)
    suffix = "png" if mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else "tif"
    path = save(tmp_path_factory.mktemp("any"), f"a.{suffix}", picture)
    read = read_picture(FileSource(LooseFiles(path.parent)), path.name, Rule(size=size, channels=channels))
    assert (read.pixels.shape, read.pixels.dtype) == ((channels, size, size), np.uint8)
    assert read.color == (mode not in ("1", "L", "LA", "I;16"))
