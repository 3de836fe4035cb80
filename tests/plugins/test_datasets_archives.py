"""Archives of pictures read as their folder does, by several threads, and harmful ones do no harm."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from ganzoo_datasets.files.pixels.raster import UnreadablePicture
from ganzoo_datasets.files.recognition import recognize
from ganzoo_datasets.files.sources import gzip_index
from ganzoo_datasets.files.sources.archive import ArchiveFiles
from ganzoo_datasets.pictures import Pictures
from picture_files import everything, noise, open_folder, save

from ganzoo.errors import DataError

KINDS = ["zip", "tar", "tar.gz", "tgz", "TAR"]


def packed(folder, kind):
    """The archive of a folder, beside it; the folder itself wraps its content."""
    form = {"zip": "zip", "tar": "tar"}.get(kind.lower(), "gztar")
    made = shutil.make_archive(str(folder.parent / "packed"), form, folder.parent, folder.name)
    path = folder.parent / f"mine.{kind}"
    os.rename(made, path)
    return path


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(("train/cat/a", "train/cat/b", "train/dog/c", "test/cat/d", "test/dog/e")):
        save(tmp_path / "set", f"{name}.png", noise(40, 32, seed=number))
    (tmp_path / "set" / ".hidden.png").touch()
    return tmp_path / "set"


def refused(path):
    with pytest.raises(DataError) as caught:
        recognize(Pictures(path=str(path)))
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_reads_as_its_folder(folder, kind):
    path = packed(folder, kind)
    for split in ("train", "test", "all"):
        plain, inside = open_folder(folder, split=split), open_folder(path, split=split)
        assert np.array_equal(everything(plain), everything(inside))
        assert plain.labels.tolist() == inside.labels.tolist()
        assert plain.spec == inside.spec
    assert sorted(os.listdir(folder.parent)) == ["cache", path.name, "set"]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_many_threads_read_at_once(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(gzip_index, "SPACING", 2**15)
    monkeypatch.setattr(gzip_index, "COPIES", 16)
    content = {f"{number}.bin": os.urandom(20_000 + number) for number in range(120)}
    (tmp_path / "set").mkdir()
    for name, values in content.items():
        (tmp_path / "set" / name).write_bytes(values)
    files = ArchiveFiles(packed(tmp_path / "set", kind))
    names = [name for name in files.names for _ in range(3)]
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda name: files.open(name).read(), reversed(names)))
    assert read == [content[name.partition("/")[2]] for name in reversed(names)]


def test_gzip_files_of_several_members(tmp_path):
    parts = [os.urandom(100_000), bytes(3_000_000), b"", b"end"]
    path = tmp_path / "x.gz"
    path.write_bytes(b"".join(map(gzip.compress, parts)) + bytes(512))
    index = gzip_index.GzipIndex(path)
    whole = b"".join(index.once())
    assert whole == b"".join(parts)
    for offset, length in ((0, 10), (99_990, 20), (2_999_999, 10), (len(whole) - 3, 3), (len(whole) - 1, 5)):
        assert index.at(offset, length) == whole[offset : offset + length]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_a_changed_member_has_another_state(folder, kind):
    before = ArchiveFiles(packed(folder, kind))
    name = next(name for name in before.names if name.endswith("a.png"))
    again = ArchiveFiles(packed(folder, kind))
    save(folder, "train/cat/a.png", noise(40, 32, seed=9))
    after = ArchiveFiles(packed(folder, kind))
    assert after.state(name) != again.state(name)


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_a_truncated_archive_is_refused(folder, kind):
    path = packed(folder, kind)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    assert f"cannot read the archive {path}" in refused(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_joined_archives_and_those_cut_between_members_are_refused(folder, pack):
    plain = packed(folder, "tar").read_bytes()
    path = folder.parent / ("x.tar" if pack is bytes else "x.tgz")
    path.write_bytes(pack(plain))
    assert len(ArchiveFiles(path).names) == 5
    path.write_bytes(pack(plain + plain))
    assert "something follows its end mark" in refused(path)
    path.write_bytes(pack(plain[: len(plain.rstrip(b"\0")) // 512 * 512 + 512]))
    assert "its end mark is missing" in refused(path)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_an_archive_is_refused(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    for content in (b"", b"<html>404</html>" * 100):
        path.write_bytes(content)
        assert f"cannot read the archive {path}" in refused(path) or "holds no image" in refused(path)


@pytest.mark.parametrize("name", ["../a.png", "x/../../a.png"])
def test_paths_that_lead_out_are_refused(tmp_path, name):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, b"")
    assert "has a path that leads out of it" in refused(path)
    tar = tmp_path / "a.tar"
    with tarfile.open(tar, "w") as opened:
        opened.addfile(tarfile.TarInfo(name), io.BytesIO())
    assert "has a path that leads out of it" in refused(tar)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_links_stay_within_the_archive(folder, tmp_path, caplog, mode):
    path = tmp_path / ("a.tar" if mode == "w" else "a.tgz")
    with tarfile.open(path, mode) as file:
        file.add(folder / "train", "./train")
        for name, kind, target in (
            ("train/cat/soft.png", tarfile.SYMTYPE, "/etc/passwd"),
            ("train/cat/hard.png", tarfile.LNKTYPE, "./train/cat/a.png"),
            ("train/cat/gone.png", tarfile.LNKTYPE, "/etc/passwd"),
            ("train/dog/pipe.png", tarfile.FIFOTYPE, ""),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            file.addfile(link)
    files = ArchiveFiles(path)
    assert files.names == ("train/cat/a.png", "train/cat/b.png", "train/cat/hard.png", "train/dog/c.png")
    assert files.open("train/cat/hard.png").read() == files.open("train/cat/a.png").read()
    assert "3 links, devices or sparse files are left out" in caplog.text
    assert "train/cat/soft.png" in caplog.text


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("bomb.png", "w") as member:
        for _ in range(70):
            member.write(bytes(2**20))
    with pytest.raises(DataError, match=r"bomb.png: a decompression bomb\? It unpacks to 73,400,320 bytes"):
        open_folder(path)


def test_a_gzip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    assert gzip_index.BOMB_LEAST == 2**26
    monkeypatch.setattr(gzip_index, "BOMB_LEAST", 2**20)
    path = tmp_path / "a.tgz"
    with tarfile.open(path, "w:gz") as file:
        info = tarfile.TarInfo("a.png")
        info.size = 2**24
        file.addfile(info, io.BytesIO(bytes(2**24)))
    assert "a decompression bomb?" in refused(path)


def test_a_damaged_member_is_named(folder):
    path = packed(folder, "zip")
    content = bytearray(path.read_bytes())
    place = content.index(b"IDAT", content.index(b"set/train/cat/a.png")) + 100
    content[place : place + 8] = bytes(8)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"set/train/cat/a\.png: damaged in the archive"):
        open_folder(path, split="all")


def test_an_encrypted_archive_is_refused(folder):
    path = packed(folder, "zip")
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\1\2")
    while place >= 0:
        content[place + 8] |= 1
        place = content.find(b"PK\1\2", place + 1)
    path.write_bytes(content)
    assert "is encrypted" in refused(path)


def test_a_zip_of_a_version_to_come_is_refused(folder):
    path = packed(folder, "zip")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 97  # tenths of the version that is needed
    path.write_bytes(content)
    assert f"cannot read the archive {path}: zip file version 9.7" in refused(path)


def test_backslashes_of_windows(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("cat\\1.png", "dog\\2.png"):
            info = zipfile.ZipInfo("x")
            info.filename = name
            file.writestr(info, b"")
    assert ArchiveFiles(path).names == ("cat/1.png", "dog/2.png")


@pytest.mark.parametrize("name", ["a.7z", "a.rar", "a.tar.xz", "a.tar.bz2"])
def test_other_archives_are_refused_with_a_way_out(tmp_path, name):
    (tmp_path / name).touch()
    assert "unpack it, and use --data FOLDER" in refused(tmp_path / name)


def test_a_folder_of_archives_alone(folder):
    path = packed(folder, "zip")
    shutil.rmtree(folder)
    assert f"ganzoo run --data {path}" in refused(path.parent)


def test_an_archive_in_an_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as file:
        file.writestr("inner.zip", b"")
    assert f"unpack {tmp_path / 'outer.zip'}, then use --data FOLDER" in refused(tmp_path / "outer.zip")


def test_a_zip_member_without_a_name_is_left_out(tmp_path):
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x", b"content")
    whole = path.read_bytes()
    directory, end = whole.index(b"PK\1\2"), whole.index(b"PK\5\6")
    entry = bytearray(whole[directory:end])
    entry[28:30] = b"\0\0"  # the length of its name in the directory
    closing = bytearray(whole[end:])
    closing[12:16] = (len(entry) - 1).to_bytes(4, "little")
    path.write_bytes(whole[:directory] + entry.replace(b"x", b"") + closing)
    assert ArchiveFiles(path).names == ()


def test_a_zip_member_whose_own_name_is_damaged_is_named(tmp_path):
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("ä.png", b"content")
    path.write_bytes(path.read_bytes().replace("ä".encode(), b"\xff\xff", 1))  # not the name in the directory
    opened = ArchiveFiles(path)
    assert opened.names == ("ä.png",)
    with pytest.raises(UnreadablePicture, match="damaged in the archive"):
        opened.open("ä.png")
