"""How many decode a folder: one, threads, or processes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count

import numpy as np
import pytest
from ganzoo_datasets.files import decoding
from ganzoo_datasets.files.chunk import decode_chunk
from ganzoo_datasets.files.decoders import handed_over
from ganzoo_datasets.files.sources.files import FileSource, LooseFiles
from ganzoo_datasets.files.sources.volumes import Volumes
from picture_files import everything, noise, open_folder, save
from PIL import Image

CORES = 3


class NoProcesses:
    """Stands in for processes, none of which is started."""

    def __init__(self, source, rule, number):
        self.number, self._source, self._rule = number, source, rule

    def __enter__(self):
        self._pool = ThreadPoolExecutor(1)
        return self

    def __exit__(self, *error):
        self._pool.shutdown()

    def submit(self, names):
        return self._pool.submit(decode_chunk, self._source, names, self._rule)


@pytest.fixture
def used(monkeypatch):
    """What was used, of three cores, by a clock that goes on by as much for each picture that is tried."""
    used = []

    def threads(number):
        used.append(f"threads: {number}")
        return ThreadPoolExecutor(number)

    def processes(source, rule, number):
        used.append(f"processes: {number}")
        return NoProcesses(source, rule, number)

    monkeypatch.setattr(decoding, "ThreadPoolExecutor", threads)
    monkeypatch.setattr(decoding, "Decoders", processes)
    monkeypatch.setattr(decoding, "_cores", lambda: CORES)
    return used


def ticking(monkeypatch, clock, seconds):
    ticks = count()
    monkeypatch.setattr(decoding.time, clock, lambda: next(ticks) * seconds * decoding.TRIED)


@pytest.mark.parametrize(
    ("seconds", "work", "expected"),
    [
        (1e-4, 1e-4, "threads: 1"),
        (1e-3, 1e-4, "threads: 3"),
        (9, 2.4e-3, "threads: 3"),
        (1, 2.5e-3, "processes: 2"),
        (1, 3.7e-3, "processes: 2"),
        (1e-4, 7e-3, "processes: 3"),
        (1, 7.5e-3, "threads: 3"),
    ],
)
def test_processes_where_each_has_much_to_do_and_threads_where_pictures_take_them_time(
    tmp_path, monkeypatch, used, seconds, work, expected
):
    """Of 40 pictures 32 are tried and 8 are left; whoever decodes them, they are the same, in order.

    What counts for processes is processor time: on a busy machine, or from a slow disk, all takes longer. Here they are
    to have 0.01 s each.
    """
    folder = tmp_path / "pictures"
    for number in range(40):
        save(folder, f"{number:02}.png", noise(8, 8, seed=number))
    before = everything(open_folder(folder))
    used.clear()
    monkeypatch.setattr(decoding, "WORTH", 0.01)
    ticking(monkeypatch, "perf_counter", seconds)
    ticking(monkeypatch, "thread_time", work)
    after = everything(open_folder(folder, cache=tmp_path / "another"))
    assert used == [expected]
    assert np.array_equal(before, after)
    assert len(np.unique(after, axis=0)) == 40


def test_what_is_imported_for_the_first_picture_is_not_in_its_time(tmp_path, monkeypatch):
    """Plugins of Pillow take as long as a hundred small pictures."""
    save(tmp_path, "a.png")
    read, clock = [], decoding.time.perf_counter
    real = decoding.is_readable
    monkeypatch.setattr(decoding, "is_readable", lambda *given: read.append("picture") or real(*given))
    monkeypatch.setattr(decoding.time, "perf_counter", lambda: read.append("clock") or clock())
    source, rule = FileSource(LooseFiles(tmp_path)), decoding.Rule(size=4, channels=3)
    list(decoding.decode(source, ["a.png"], rule, workers=2))
    assert read == ["picture", "clock", "clock"]


def test_what_is_no_file_is_decoded_here(monkeypatch):
    files = LooseFiles(decoding.os.curdir)
    assert handed_over(FileSource(files)) is not None
    assert handed_over(Volumes(files, "axial")) is None


@pytest.mark.parametrize(("name", "value"), [("executable", ""), ("executable", None), ("frozen", True)])
def test_no_process_where_python_is_within_another_program(monkeypatch, name, value):
    """Whatever would be started then is not Python."""
    monkeypatch.setattr(f"sys.{name}", value, raising=False)
    assert handed_over(FileSource(LooseFiles(decoding.os.curdir))) is None


def test_no_process_where_a_program_has_pillow_read_a_format_by_its_own_means(monkeypatch):
    source = FileSource(LooseFiles(decoding.os.curdir))
    assert handed_over(source) is not None
    monkeypatch.setitem(Image.OPEN, "WEBP", (lambda *given: None, None))
    assert handed_over(source) is None
