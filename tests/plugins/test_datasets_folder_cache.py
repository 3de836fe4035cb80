"""Pictures are decoded once; the cache survives damage, kills, and several processes at a time."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import ganzoo_datasets
import numpy as np
import pytest
from ganzoo_datasets.files import decoding, image_cache
from picture_files import everything, noise, open_folder, save
from PIL import Image

from ganzoo.errors import DataError, ResourceError

BUILD = """
import sys
from pathlib import Path
from ganzoo_datasets.files.image_cache import cached_pictures
from ganzoo_datasets.files.pixels.picture import Rule
from ganzoo_datasets.files.sources.files import FileSource, FolderFiles
cache, root, size = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
names = sorted(path.name for path in root.iterdir())
rule = Rule(size=size, channels=3)
print(cached_pictures(cache, FileSource(FolderFiles(root)), names, rule=rule, channels=3).entry.digest)
"""


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    for number in range(6):
        save(path, f"{'cat' if number % 2 else 'dog'}/{number}.png", noise(32, 32, seed=number))
    return path


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "pictures"


def entry_of(cache):
    (entry,) = (path for path in cache.iterdir() if path.is_dir())
    return entry


def make_undecodable(folder, pattern="*.*"):
    """Give pictures a content that no decoder accepts, under the same name, size and time."""
    for path in folder.rglob(pattern):
        state = path.stat()
        path.write_bytes(bytes(state.st_size))
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def process(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(ganzoo_datasets.__file__).parent.parent,
    )


def test_a_second_run_decodes_nothing(folder):
    first = open_folder(folder)
    pixels = everything(first)
    make_undecodable(folder)
    second = open_folder(folder)
    assert np.array_equal(everything(second), pixels)
    assert (second.fingerprint, second.spec) == (first.fingerprint, first.spec)
    assert second.labels.tolist() == first.labels.tolist()


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_asking_for_the_channels_that_are_there_decodes_nothing(tmp_path, mode):
    """A run notes the channels that it found, and whoever resumes or measures it asks for those."""
    for number in range(3):
        save(tmp_path / "pictures", f"{number}.jpg", noise(40, 33, mode, seed=number))
    channels, other = (3, 1) if mode == "RGB" else (1, 3)
    decoded = open_folder(tmp_path / "pictures", cache=tmp_path / "alone", channels=channels).fingerprint
    different = open_folder(tmp_path / "pictures", channels=other).fingerprint
    assert everything(open_folder(tmp_path / "pictures")).shape[1] == channels
    make_undecodable(tmp_path / "pictures")
    assert open_folder(tmp_path / "pictures", channels=channels).fingerprint == decoded != different
    assert open_folder(tmp_path / "pictures", channels=other).fingerprint == different


def test_undecodable_pictures_are_noticed_without_the_cache(folder, cache):
    """What the test above rests on."""
    open_folder(folder)
    make_undecodable(folder)
    shutil.rmtree(cache)
    with pytest.raises(DataError, match="6 of 6"):
        open_folder(folder)


def test_a_changed_picture_is_decoded_again(folder):
    before = open_folder(folder)
    save(folder, "dog/0.png", noise(32, 32, seed=99))
    after = open_folder(folder)
    changed = (everything(before) != everything(after)).any((1, 2, 3))
    assert changed.tolist() == [False, False, False, True, False, False]
    assert before.fingerprint != after.fingerprint


def test_a_touched_picture_has_the_same_fingerprint(folder, cache):
    before = open_folder(folder)
    os.utime(folder / "dog" / "0.png", ns=(1, 1))
    assert open_folder(folder).fingerprint == before.fingerprint
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 2


def test_the_fingerprint_is_of_the_content(folder, tmp_path):
    fingerprint = open_folder(folder).fingerprint
    shutil.copytree(folder, tmp_path / "copy")
    assert open_folder(tmp_path / "copy").fingerprint == fingerprint
    (tmp_path / "copy" / "cat").rename(tmp_path / "copy" / "cow")
    renamed = open_folder(tmp_path / "copy").fingerprint
    (tmp_path / "copy" / "dog" / "0.png").rename(tmp_path / "copy" / "cow" / "9.png")
    moved = open_folder(tmp_path / "copy").fingerprint
    variants = [open_folder(folder, **options).fingerprint for options in ({"image_size": 16}, {"channels": 1})]
    assert len({fingerprint, renamed, moved, *variants}) == 5


def truncate(entry):
    os.truncate(entry / "pixels.u8", 100)


def overwrite(entry):
    with (entry / "pixels.u8").open("r+b") as file:
        file.seek(1000)
        file.write(bytes(50))


def delete(entry):
    (entry / "pixels.u8").unlink()


def garble(entry):
    (entry / "entry.json").write_text("{")


def misshape(entry):
    values = json.loads((entry / "entry.json").read_text())
    (entry / "entry.json").write_text(json.dumps({**values, "shape": "what"}))


def empty(entry):
    shutil.rmtree(entry)
    entry.mkdir()


def a_file(entry):
    shutil.rmtree(entry)
    entry.write_bytes(b"")


def saying(name, **values):
    """Damage that makes the entry say something else."""

    def damage(entry):
        said = json.loads((entry / "entry.json").read_text())
        said["seen"] |= values.pop("seen", {})
        (entry / "entry.json").write_text(json.dumps({**said, **values}))

    damage.__name__ = f"says_{name}"
    return damage


def pipe(path):
    """Damage that would be waited for, had anybody opened it."""
    path.unlink()
    os.mkfifo(path)


def pipe_for_entry(entry):
    pipe(entry / "entry.json")


def pipe_for_pixels(entry):
    pipe(entry / "pixels.u8")


def nest(entry):
    (entry / "entry.json").write_text("[" * 100_000)


LIES = [
    saying("another_shape", shape=[3, 6, 32, 32]),
    saying("a_fraction", shape=[6.0, 3, 32, 32]),
    saying("strange_files", unreadable={"strange.png": "gone"}),
    saying("a_list_of_files", unreadable=["dog/0.png"]),
    saying("no_notes", seen={"notes": None}),
    saying("a_long_size", seen={"smallest": [1, 2, 3]}),
    saying("no_size", seen={"largest": []}),
    saying("no_values", seen={"highest": []}),
    saying("words_for_numbers", seen={"lowest": ["a"]}),
    saying("no_range", seen={"depths": {"8 bits": {"count": 6, "range": None, "found": [0, 1]}}}),
]


PIPES = [pipe_for_entry, pipe_for_pixels] if hasattr(os, "mkfifo") else []
ENTRIES = [truncate, overwrite, delete, garble, misshape, empty, a_file, nest, *PIPES]


@pytest.mark.parametrize("damage", [*ENTRIES, *LIES])
def test_a_damaged_entry_is_built_again(folder, cache, caplog, damage):
    first = open_folder(folder)
    pixels = everything(first).copy()
    damage(entry_of(cache))
    with caplog.at_level(logging.WARNING, "ganzoo"):
        second = open_folder(folder)
    assert np.array_equal(everything(second), pixels)
    assert second.fingerprint == first.fingerprint
    assert "damaged" in caplog.text


@pytest.mark.parametrize("damage", [truncate, overwrite])
def test_damaged_pixels_are_never_served(folder, cache, damage):
    open_folder(folder)
    damage(entry_of(cache))
    make_undecodable(folder)
    with pytest.raises(DataError, match="6 of 6"):
        open_folder(folder)


def test_a_copied_cache_is_as_good(folder, cache, tmp_path):
    """Copying changes the time of the pixel file, not its content."""
    first = open_folder(folder)
    shutil.copytree(cache, tmp_path / "moved" / "pictures", copy_function=shutil.copyfile)
    make_undecodable(folder)
    assert open_folder(folder, cache=tmp_path / "moved").fingerprint == first.fingerprint


def test_reading_the_cache_takes_no_lock(folder, cache):
    """So a cache on a read-only disk serves."""
    first = open_folder(folder)
    (lock,) = cache.glob("*.lock")
    lock.unlink()
    lock.mkdir()
    assert open_folder(folder).fingerprint == first.fingerprint


def test_what_was_skipped_is_kept_too(folder, caplog):
    (folder / "dog" / "0.png").write_bytes(b"broken")
    first = everything(open_folder(folder, on_error="skip"))
    make_undecodable(folder)
    with caplog.at_level(logging.WARNING, "ganzoo"):
        data = open_folder(folder, on_error="skip")
    assert np.array_equal(everything(data), first)
    assert len(data) == 5
    assert "dog/0.png" in caplog.text
    with pytest.raises(DataError, match="1 of 6"):
        open_folder(folder, on_error="stop")


def test_a_picture_that_can_be_read_after_all_is_read(folder):
    """As after chmod, or when a disk answers again: nothing that the key holds has changed."""
    path = folder / "dog" / "0.png"
    whole = path.read_bytes()
    path.write_bytes(bytes(len(whole)))
    state = path.stat()
    assert len(open_folder(folder, on_error="skip")) == 5
    path.write_bytes(whole)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert len(open_folder(folder)) == 6


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_order_is_kept_over_many_chunks(tmp_path, monkeypatch, mode):
    monkeypatch.setattr(decoding, "CHUNK_BYTES", 3000)
    monkeypatch.setattr(image_cache, "CHUNK_BYTES", 3000)
    folder = tmp_path / "many"
    for number in range(100):
        picture = Image.new("L", (4, 4), number).convert("RGB" if (number, mode) == (70, "RGB") else "L")
        save(folder, f"{number:03}.png", picture)
    for number in (0, 13, 50, 99):
        (folder / f"{number:03}.png").write_bytes(b"")
    data = open_folder(folder, image_size=4, on_error="skip")
    assert data.spec.shape == (len(mode), 4, 4)
    assert everything(data)[:, 0, 0, 0].tolist() == [n for n in range(100) if n not in (0, 13, 50, 99)]


def test_progress_is_told(folder, monkeypatch, caplog):
    monkeypatch.setattr(image_cache, "SECONDS_BETWEEN_NOTES", 0.0)
    monkeypatch.setattr(decoding, "CHUNK_FILES", 2)
    with caplog.at_level(logging.INFO, "ganzoo"):
        open_folder(folder)
    notes = [record.getMessage() for record in caplog.records]
    assert notes == [f"decoded {done} of 6 pictures" for done in (2, 4, 6)]


def heavy(folder, count):
    """Many names of one picture that takes a while to decode."""
    path = save(folder, "000.png", noise(500, 500))
    for number in range(1, count):
        (folder / f"{number:03}.png").hardlink_to(path)


def test_processes_that_build_at_once_agree(tmp_path):
    heavy(tmp_path / "pictures", 40)
    cache = tmp_path / "cache"
    running = [process(BUILD, cache, tmp_path / "pictures", 32) for _ in range(3)]
    answers = [one.communicate(timeout=120) for one in running]
    assert len({digest for digest, _ in answers}) == 1
    assert [errors for _, errors in answers] == [""] * 3
    assert len(answers[0][0].strip()) == 64
    assert sorted(path.suffix for path in cache.iterdir()) == ["", ".lock"]


KILLED = f"""
import logging, os, signal
from ganzoo_datasets.files import decoding, image_cache
image_cache.SECONDS_BETWEEN_NOTES, decoding.CHUNK_FILES = 0.0, 2
class Kill(logging.Handler):
    def emit(self, record):
        if record.getMessage() == "decoded 4 of 12 pictures":
            os.kill(os.getpid(), signal.SIGKILL)
logging.getLogger("ganzoo").setLevel(logging.INFO)
logging.getLogger("ganzoo").addHandler(Kill())
{BUILD}
"""


def folders_of(cache):
    return [path.suffix for path in cache.iterdir() if path.is_dir()]


def test_what_a_killed_build_decoded_is_not_decoded_again(tmp_path):
    """It ends by SIGKILL after a third of the pictures; these are made undecodable."""
    pictures, cache = tmp_path / "pictures", tmp_path / "cache" / "pictures"
    for number in range(12):
        save(pictures, f"{number:02}.png", noise(32, 32, seed=number))
    whole = open_folder(pictures, image_size=32, channels=3, cache=tmp_path / "another").fingerprint
    running = process(KILLED, cache, pictures, 32)
    said = running.communicate(timeout=120)
    assert running.returncode == -9, said
    assert folders_of(cache) == [".partial"]
    make_undecodable(pictures, "0[0123].png")
    # The key does not depend on who builds, so the remains are those of this entry.
    data = open_folder(pictures, image_size=32, channels=3)
    expected = [np.asarray(noise(32, 32, seed=number)).transpose(2, 0, 1) for number in range(12)]
    assert np.array_equal(everything(data), expected)
    assert data.fingerprint == whole
    assert folders_of(cache) == [""]
    assert sorted(path.name for path in entry_of(cache).iterdir()) == ["entry.json", "pixels.u8", "unreadable.txt"]


@pytest.fixture
def interrupt(monkeypatch):
    """Opens a folder until so many pictures are decoded, two at a time, when somebody presses Ctrl-C."""
    monkeypatch.setattr(image_cache, "SECONDS_BETWEEN_NOTES", 0.0)
    monkeypatch.setattr(decoding, "CHUNK_FILES", 2)
    logger = logging.getLogger("ganzoo")

    def until(done, folder, **options):
        class CtrlC(logging.Handler):
            def emit(self, record):
                if record.getMessage().startswith(f"decoded {done} of"):
                    raise KeyboardInterrupt

        handler, level = CtrlC(), logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            with pytest.raises(KeyboardInterrupt):
                open_folder(folder, **options)
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)

    return until


def cut_pixels(partial):
    os.truncate(partial / "decoded.u8", 3 * 3 * 32 * 32)


def change_pixels(partial):
    with (partial / "decoded.u8").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")


def lose_pixels(partial):
    (partial / "decoded.u8").unlink()


def lose_lines(partial):
    (partial / "decoded.jsonl").unlink()


def tear_line(partial):
    path = partial / "decoded.jsonl"
    os.truncate(path, path.stat().st_size - 5)


def lie(**values):
    """Damage that makes the second line say something else."""

    def damage(partial):
        path = partial / "decoded.jsonl"
        first, second = map(json.loads, path.read_text().splitlines())
        path.write_text(f"{json.dumps(first)}\n{json.dumps(second | values)}\n")

    damage.__name__ = "says_" + "_".join(values)
    return damage


def pipe_for_remains(partial):
    pipe(partial / "decoded.u8")
    pipe(partial / "decoded.jsonl")


PIPED = [pipe_for_remains] if hasattr(os, "mkfifo") else []
LINES = [lie(shape=[2.0, 3, 32, 32]), lie(shape=[0, 3, 32, 32]), lie(shape=[9, 3, 32, 32]), lie(shape=[6, 1, 32, 32]),
         lie(shape="what"), lie(unreadable={"strange.png": "gone"}), lie(seen=None), lie(more=1)]  # fmt: skip


@pytest.mark.parametrize(
    "damage",
    [cut_pixels, change_pixels, lose_pixels, lose_lines, tear_line, *PIPED, *LINES],
    ids=lambda damage: damage.__name__,
)
def test_remains_that_are_damaged_are_decoded_again(folder, cache, tmp_path, interrupt, damage):
    whole = open_folder(folder, cache=tmp_path / "another")
    interrupt(4, folder)
    (partial,) = cache.glob(".*.partial")
    damage(partial)
    again = open_folder(folder)
    assert np.array_equal(everything(again), everything(whole))
    assert (again.fingerprint, again.survey) == (whole.fingerprint, whole.survey)


def test_a_build_can_be_killed_again_and_again(folder, tmp_path, interrupt):
    whole = open_folder(folder, cache=tmp_path / "another").fingerprint
    for done in (2, 4):
        interrupt(done, folder)
    make_undecodable(folder, "cat/*.png")  # 1, 3 and 5, which come first; then 0 of dog
    make_undecodable(folder, "dog/0.png")
    assert open_folder(folder).fingerprint == whole


def test_gray_pictures_of_a_killed_build_become_one_plane(tmp_path, interrupt):
    for number in range(6):
        save(tmp_path / "pictures", f"{number}.png", noise(32, 32, "L", seed=number))
    whole = open_folder(tmp_path / "pictures", cache=tmp_path / "another")
    interrupt(4, tmp_path / "pictures")
    make_undecodable(tmp_path / "pictures", "[0123].png")
    again = open_folder(tmp_path / "pictures")
    assert again.spec.shape == (1, 32, 32)
    assert (again.fingerprint, again.survey) == (whole.fingerprint, whole.survey)


def test_what_a_killed_build_could_not_read_is_tried_again(folder, interrupt):
    path = folder / "cat" / "1.png"
    whole, state = path.read_bytes(), path.stat()
    path.write_bytes(bytes(len(whole)))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    interrupt(4, folder, on_error="skip")
    path.write_bytes(whole)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert len(open_folder(folder)) == 6


def test_what_a_killed_build_could_not_read_is_told(folder, tmp_path, interrupt):
    (folder / "cat" / "1.png").write_bytes(b"broken")
    whole = open_folder(folder, on_error="skip", cache=tmp_path / "another")
    interrupt(4, folder, on_error="skip")
    make_undecodable(folder, "cat/3.png")
    again = open_folder(folder, on_error="skip")
    assert again.fingerprint == whole.fingerprint
    assert again.survey.left_out.keys() == {"cat/1.png"}


def test_a_full_disk_is_an_error_that_names_the_cache(tmp_path):
    """A limit on the size of files stands in for the disk: writing fails in the same place."""
    heavy(tmp_path / "pictures", 40)
    cache = tmp_path / "cache"
    limited = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
from ganzoo.errors import ResourceError
try:
    {BUILD.strip().replace(chr(10), chr(10) + "    ")}
except ResourceError as error:
    print(error.exit_code, error)
"""
    answer, errors = process(limited, cache, tmp_path / "pictures", 64).communicate(timeout=60)
    assert errors == ""
    assert answer.startswith(f"6 cannot write the cache of decoded pictures {cache}: File too large")
    assert "GANZOO_CACHE" in answer
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_made(folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResourceError, match="cannot write the cache"):
        open_folder(folder, cache=tmp_path / "file")
