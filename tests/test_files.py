"""Files appear whole or not at all, and a place that cannot be written is named."""

from __future__ import annotations

import errno
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ganzoo import files
from ganzoo.errors import ResourceError


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "new folder" / "page.txt"
    files.write_text(path, "first ü")
    files.write_text(path, "second")
    assert path.read_text(encoding="utf-8") == "second"
    assert [entry.name for entry in path.parent.iterdir()] == ["page.txt"]


def test_what_fails_half_way_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "page.txt"
    files.write_text(path, "old")

    def half() -> None:
        with files.whole_file(path) as beside:
            beside.write_text("ne", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.txt"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match=r"cannot write .*page\.txt: .*/file is a file, not a folder") as caught:
        files.write_text(tmp_path / "file" / "page.txt", "x")
    assert caught.value.hint == "choose another --out DIR"


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "page.txt").mkdir()
    with pytest.raises(ResourceError, match=r"cannot write .*page\.txt: Is a directory") as caught:
        files.write_text(tmp_path / "page.txt", "x")
    assert caught.value.hint == "choose another --out DIR"


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (errno.ENOSPC, "free some space, or use --runs DIR on another disk"),
        (errno.EDQUOT, "free some space, or use --runs DIR on another disk"),
        (errno.EACCES, "choose another --runs DIR"),
        (errno.ENOENT, "choose another --runs DIR"),
        (errno.EIO, "choose another --runs DIR"),
    ],
)
def test_only_a_full_disk_asks_for_space(tmp_path, code, hint):
    with pytest.raises(ResourceError) as caught, files.writing(tmp_path, place="--runs DIR"):
        raise OSError(code, os.strerror(code))
    assert caught.value.hint == hint


def test_content_is_on_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    happened = []
    flush, replace = files.flush_to_disk, files.os.replace
    monkeypatch.setattr(files, "flush_to_disk", lambda path: (happened.append(f"flush {path.name}"), flush(path)))
    monkeypatch.setattr(files.os, "replace", lambda one, two: (happened.append("replace"), replace(one, two)))
    files.write_text(tmp_path / "page.txt", "x")
    beside, *rest = happened
    assert (beside.startswith("flush .page.txt."), beside.endswith(".partial")) == (True, True)
    assert rest == ["replace", f"flush {tmp_path.name}"]


def test_what_a_killed_process_left_half_written_is_removed_a_day_later(tmp_path):
    ours, theirs = ".page.txt.4711-140316172542528.partial", ".page.txt.partial"
    for name in (ours, theirs, ".young.txt.4711-1.partial"):
        (tmp_path / name).write_text("half", encoding="utf-8")
    for name in (ours, theirs):
        os.utime(tmp_path / name, (0, time.time() - 2 * 86_400))
    files.write_text(tmp_path / "other.txt", "whole")
    left = {"other.txt", theirs, ".young.txt.4711-1.partial"}
    assert {one.name for one in tmp_path.iterdir()} == left  # nobody else's, and nothing that may still be written to


def test_threads_that_write_the_same_file_do_not_write_into_each_others(tmp_path):
    path, texts = tmp_path / "page.txt", [str(number) * 100_000 for number in range(8)]
    together = threading.Barrier(len(texts))

    def write(text):
        with files.whole_file(path) as beside:
            beside.write_text(text[:50_000], encoding="utf-8")
            together.wait()
            with beside.open("a", encoding="utf-8") as file:
                file.write(text[50_000:])

    with ThreadPoolExecutor(len(texts)) as pool:
        list(pool.map(write, texts))
    assert path.read_text(encoding="utf-8") in texts
    assert [one.name for one in tmp_path.iterdir()] == ["page.txt"]


def test_an_error_about_another_file_is_not_blamed_on_the_one_that_is_written(tmp_path):
    def copy():
        with files.whole_file(tmp_path / "out" / "page.txt") as beside:
            beside.write_bytes((tmp_path / "in" / "gone.txt").read_bytes())

    with pytest.raises(FileNotFoundError, match=r"gone\.txt"):
        copy()
