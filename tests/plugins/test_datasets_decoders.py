"""Processes that decode: the same bytes as without them, and nothing left of them, however it ends."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from ganzoo_datasets.files import decoders, decoding
from ganzoo_datasets.files.image_cache import cached_pictures
from ganzoo_datasets.files.parcels import tell, tell_task
from ganzoo_datasets.files.pixels.picture import Rule
from ganzoo_datasets.files.sources.files import FileSource, FolderFiles
from picture_files import noise, open_folder, png_bytes, png_rows, save
from PIL import Image, ImageFile

PATIENCE = 60
RULE = Rule(size=16, channels=3)


@pytest.fixture
def started(monkeypatch):
    """Two processes for whatever is decoded, a few pictures at a time; those that were started."""
    started = []

    class Noted(decoders.Decoder):
        def __init__(self, *given):
            super().__init__(*given)
            started.append(self)

    monkeypatch.setattr(decoders, "Decoder", Noted)
    monkeypatch.setattr(decoding, "WORTH", 1e-9)
    monkeypatch.setattr(decoding, "LONG", 1e9)
    monkeypatch.setattr(decoding, "TRIED", 2)
    monkeypatch.setattr(decoding, "CHUNK_FILES", 6)
    monkeypatch.setattr(decoding, "_cores", lambda: 2)
    return started


def pids_of(started):
    return [one._process.pid for one in started]


def nothing_here(*given):
    raise AssertionError("decoded in this process")


def are_gone(pids):
    """Wait until processes have ended; their parent may be another by now, which looks after zombies when it likes."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if all(state_of(pid) in ("Z", "X", None) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def state_of(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def are_reaped(pids):
    """Whether no zombie is left of children."""
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return True


def plain(folder, count=40):
    for number in range(count):
        save(folder, f"{number:03}.png", noise(20, 16, seed=number))
    return folder


def mixed(folder):
    """Gray and colored ones, several depths, frames and transparency, and several that cannot be read."""
    plain(folder)
    for number in range(5, 40, 7):
        save(folder, f"{number:03}.png", noise(33, 24, "L", seed=number))
    save(folder, "011.png", noise(24, 33, "RGBA"))
    save(folder, "013.jpg", noise(300, 200, "CMYK", seed=1))
    save(folder, "014.gif", noise(9, 30), save_all=True, append_images=[noise(9, 30, seed=3)])
    deep = np.asarray(noise(16, 16, "L"), np.uint16) * 257
    (folder / "015.png").write_bytes(png_bytes(16, 16, 16, 0, png_rows(deep)))
    for name, content in (("002.png", b""), ("017.png", b"broken"), ("039.png", b"broken, too")):
        (folder / name).write_bytes(content)
    cut_short(folder / "020.png")
    return folder


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-200])


def gray(folder):
    for number in range(20):
        save(folder, f"{number:02}.jpg", noise(40, 40, "L", seed=number))
    return folder


def in_a_zip_with_a_damaged_member(folder):
    path = Path(shutil.make_archive(str(folder), "zip", mixed(folder)))
    content = path.read_bytes()
    broken = content.index(b"030.png") + 300
    path.write_bytes(content[:broken] + bytes(8) + content[broken + 8 :])
    return path


def in_a_gzipped_tar(folder):
    return Path(shutil.make_archive(str(folder), "gztar", mixed(folder)))


def strangely_named(folder):
    """A name that is not UTF-8, and others that a line of text might not hold."""
    plain(folder, 20)
    for name in (b"a\xff.png", "ä\n.png".encode(), b'"\\.png'):
        shutil.copy(folder / "003.png", os.fsencode(folder) + b"/" + name)
    return folder


def entry_of(cache):
    """Everything in an entry of the cache, but for the time at which it was made."""
    (entry,) = (path for path in (cache / "pictures").iterdir() if path.is_dir())
    files = {path.name: path.read_bytes() for path in entry.iterdir()}
    words = json.loads(files.pop("entry.json"))
    del words["modified_ns"]
    return entry.name, files, json.dumps(words)


@pytest.mark.parametrize(
    ("make", "unreadable"),
    [(mixed, 4), (gray, 0), (in_a_zip_with_a_damaged_member, 5), (in_a_gzipped_tar, 4), (strangely_named, 0)],
)
def test_the_cache_is_the_same_to_the_byte(tmp_path, monkeypatch, started, make, unreadable):
    place = make(tmp_path / "pictures")
    options = {"image_size": 16, "on_error": "skip", "exclude": ["*4.*"]}
    with monkeypatch.context() as patched:
        patched.setattr(decoding, "_cores", lambda: 1)
        open_folder(place, cache=tmp_path / "one", **options)
    assert started == []
    # Only the first two are decoded here.
    here = iter([decoding.decode_chunk])
    monkeypatch.setattr(decoding, "decode_chunk", lambda *given: next(here)(*given))
    monkeypatch.setattr(decoders, "decode_chunk", nothing_here)
    open_folder(place, cache=tmp_path / "several", **options)
    assert len(started) == 2
    alone = entry_of(tmp_path / "one")
    assert alone == entry_of(tmp_path / "several")
    assert alone[1]["unreadable.txt"].count(b"\n") == unreadable
    assert are_reaped(pids_of(started))


def chunks_of(folder, workers=2):
    files = FolderFiles(folder)
    return decoding.decode(FileSource(files), files.names, RULE, workers=workers)


def told(chunks):
    return [(chunk.pixels.tobytes(), chunk.files, chunk.seen, chunk.unreadable) for chunk in chunks]


def test_pictures_of_which_none_can_be_read(tmp_path, started):
    for number in range(14):
        (tmp_path / f"{number:02}.png").write_bytes(b"broken")
    assert told(chunks_of(tmp_path)) == told(chunks_of(tmp_path, workers=1))
    assert len(started) == 2


def test_what_a_program_told_pillow_holds_there_too(tmp_path, monkeypatch, started):
    """Many programs have it read pictures that are cut short, or larger ones than it likes."""
    cut_short(plain(tmp_path, 8) / "007.png")
    save(tmp_path, "006.png", noise(50, 50))
    assert told(chunks_of(tmp_path))[-1][3].keys() == {"007.png"}
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    there = told(chunks_of(tmp_path))
    assert there[-1][3].keys() == {"006.png"}
    assert there == told(chunks_of(tmp_path, workers=1))
    assert len(started) == 4


def before_it_is_asked(process):
    process.kill()
    process.wait()


def while_it_decodes(process):
    """It is put to sleep first, so that it cannot be done before."""
    process.send_signal(signal.SIGSTOP)
    threading.Timer(0.2, process.kill).start()


@pytest.mark.parametrize("kill", [before_it_is_asked, while_it_decodes])
def test_pictures_of_a_process_that_is_killed_are_decoded_here(tmp_path, monkeypatch, caplog, started, kill):
    alone = told(chunks_of(mixed(tmp_path), workers=1))
    decode, asked = decoders.Decoder.decode, []

    def killed_at_once(self, names):
        asked.append(self)
        if asked.count(self) == 1 and self is started[0]:
            kill(self._process)
        return decode(self, names)

    monkeypatch.setattr(decoders.Decoder, "decode", killed_at_once)
    with caplog.at_level(logging.WARNING, "ganzoo"):
        assert told(chunks_of(tmp_path)) == alone
    warnings = [record.getMessage() for record in caplog.records]
    assert warnings == ["a process that decodes pictures ended (Killed); this one decodes them now"]
    assert asked.count(started[0]) == 1
    assert are_reaped(pids_of(started))


def test_an_error_is_the_one_that_it_would_be_without_processes(tmp_path, monkeypatch, started):
    """Whatever ends a process is tried again here."""
    monkeypatch.setattr(decoders, "PROGRAM", "import sys; sys.exit(3)")

    def fails(*given):
        raise MemoryError("here")

    monkeypatch.setattr(decoders, "decode_chunk", fails)
    with pytest.raises(MemoryError, match="here"):
        told(chunks_of(plain(tmp_path, 8)))
    assert are_reaped(pids_of(started))


@pytest.mark.parametrize("allowed", [0, 1])
def test_a_system_that_starts_no_more_processes(tmp_path, monkeypatch, caplog, started, allowed):
    """What is decoded by fewer, or here, is the same."""
    alone = told(chunks_of(plain(tmp_path), workers=1))
    start, left = subprocess.Popen, iter([subprocess.Popen] * allowed)

    def limited(*given, **options):
        if next(left, None) is None:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return start(*given, **options)

    monkeypatch.setattr(decoders.subprocess, "Popen", limited)
    assert told(chunks_of(tmp_path)) == alone
    assert len(started) == allowed
    assert caplog.records == []


def test_what_python_prints_when_it_starts_is_no_answer(tmp_path, monkeypatch, started):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "usercustomize.py").write_text("print('welcome')")
    (tmp_path / "site" / "sitecustomize.py").write_text("print('welcome')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)
    monkeypatch.setattr(decoders, "decode_chunk", nothing_here)
    assert sum(chunk.files for chunk in chunks_of(plain(tmp_path / "pictures", 8))) == 8


def test_ctrl_c_is_for_the_one_that_asks(tmp_path, monkeypatch, started):
    """A terminal sends it to a whole group, of which they are no part; who sends it to them has no effect."""
    alone = told(chunks_of(plain(tmp_path), workers=1))
    monkeypatch.setattr(decoders, "decode_chunk", nothing_here)
    there = []
    for chunk in chunks_of(tmp_path):
        there.append(chunk)
        for pid in pids_of(started) if len(there) > 2 else ():
            assert os.getsid(pid) == pid != os.getsid(0)
            os.kill(pid, signal.SIGINT)
    assert told(there) == alone


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, OSError])
def test_whoever_stops_early_leaves_nothing_behind(tmp_path, caplog, started, error):
    """As by Ctrl-C, or because the disk is full, while both processes decode: they are put to sleep in the middle."""
    threads = threading.active_count()
    chunks = chunks_of(plain(tmp_path))
    with closing(chunks):
        next(chunks)
        next(chunks)
        for one in started:
            one._process.send_signal(signal.SIGSTOP)
        with pytest.raises(error):
            chunks.throw(error)
    assert len(started) == 2
    assert are_reaped(pids_of(started))
    assert threading.active_count() == threads
    assert caplog.records == []


ENDLESS = """
import sys, time
from ganzoo_datasets.files import decoder_program
def decode_chunk(*given):
    print("begun", file=sys.stderr, flush=True)
    time.sleep(1000)
decoder_program.decode_chunk = decode_chunk
decoder_program.main()
"""


def test_a_process_ends_in_the_middle_of_a_picture_when_nobody_waits_for_it(tmp_path):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([sys.executable, "-c", ENDLESS], **pipes) as process:
        tell_task(process.stdin, tmp_path, RULE)
        tell(process.stdin, {"names": ["a.png"]})
        process.stdin.flush()
        assert process.stderr.readline() == b"begun\n"
        process.stdin.close()
        assert process.wait(timeout=PATIENCE) == 0


def test_a_process_imports_little(tmp_path):
    """Each would pay for what it does not need."""
    code = "import sys; from ganzoo_datasets.files import decoder_program; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy", "PIL.Image"} <= set(loaded)
    assert not {"torch", "pydantic", "filelock", "concurrent.futures", "subprocess", "tifffile"} & set(loaded)


SCRIPT = """
import os, signal, sys
from pathlib import Path
from ganzoo_datasets.files import decoders, decoding, image_cache
from ganzoo_datasets.files.pixels.picture import Rule
from ganzoo_datasets.files.sources.files import FileSource, FolderFiles
print("once")
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
decoding.WORTH, decoding.LONG, decoding.CHUNK_FILES, decoding._cores = 1e-9, 1e9, 6, lambda: 2
folder, cache, end = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
decode, asked = decoders.Decoder.decode, []
def watched(self, names):
    chunk = decode(self, names)
    asked.append(self._process.pid)
    if len(set(asked)) == 2 and end != "none":
        print(*sorted(set(asked)), flush=True)
        os.kill(os.getpid(), getattr(signal, end))
    return chunk
decoders.Decoder.decode = watched
source = FileSource(FolderFiles(folder))
found = image_cache.cached_pictures(cache, source, source.files.names, rule=Rule(size=16, channels=3), channels=3)
print(found.entry.digest, len(asked) > 0)
"""


def ran(tmp_path, end):
    """A user's script without a main guard, and how it ends; in the end all is decoded."""
    script, cache = tmp_path / "script.py", tmp_path / "cache"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, script, "pictures", cache, end]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=PATIENCE)


def digest_of(folder, cache):
    source = FileSource(FolderFiles(folder))
    return cached_pictures(cache, source, source.files.names, rule=RULE, channels=3).entry.digest


def test_a_script_without_a_main_guard(tmp_path):
    digest = digest_of(plain(tmp_path / "pictures"), tmp_path / "another")
    done = ran(tmp_path, "none")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"once\n{digest} True\n", "")


@pytest.mark.parametrize("end", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_nothing_is_left_of_a_script_that_is_killed(tmp_path, end):
    folder, cache = plain(tmp_path / "pictures", 300), tmp_path / "cache"
    done = ran(tmp_path, end)
    once, pids = done.stdout.splitlines()[:2]
    assert once == "once"
    assert are_gone(list(map(int, pids.split())))
    assert done.returncode == -getattr(signal, end)
    assert "decodes pictures" not in done.stderr
    # What was decoded is gone on with, as after any decoding that ended early.
    assert list(cache.rglob("decoded.u8"))
    assert digest_of(folder, cache) == digest_of(folder, tmp_path / "another")
