"""How much memory there is: of the machine, of a container, or not known."""

from __future__ import annotations

import os

import pytest

from ganzoo.memory import Memory, in_units, memory

GIB = 2**30
MACHINE = "MemTotal:       16777216 kB\nMemFree:         1048576 kB\nMemAvailable:    8388608 kB\n"


def seen(tmp_path, *, machine=MACHINE, **container):
    (tmp_path / "meminfo").write_text(machine)
    limits(tmp_path, **container)
    return memory(machine=tmp_path / "meminfo", groups=tmp_path, own=tmp_path / "own")


def limits(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"memory.{name}").write_text(text)


def test_of_a_machine(tmp_path):
    assert seen(tmp_path) == Memory(16 * GIB, 8 * GIB)


def test_without_a_limit(tmp_path):
    assert seen(tmp_path, max="max\n", current="1", stat="") == Memory(16 * GIB, 8 * GIB)


def test_of_a_container_whose_copies_of_files_make_room(tmp_path):
    stat = f"anon {GIB}\ninactive_file {GIB}\n"
    assert seen(tmp_path, max=str(4 * GIB), current=str(2 * GIB), stat=stat) == Memory(4 * GIB, 3 * GIB)


def test_a_limit_above_what_the_machine_has(tmp_path):
    assert seen(tmp_path, max=str(64 * GIB), current="0", stat="anon 1\n") == Memory(16 * GIB, 8 * GIB)


def test_of_a_job_of_the_first_version_of_groups(tmp_path):
    """Slurm's, say: the group lies below that of the user, which has no limit."""
    (tmp_path / "own").write_text("9:cpu,cpuacct:/\n4:memory:/slurm/uid_1000/job_7\n0::/\n")
    unlimited, stat = str(2**63 - 4096), f"cache 5\ninactive_file 7\ntotal_inactive_file {GIB}\n"
    for path in ("", "slurm/uid_1000"):
        limits(tmp_path / "memory" / path, limit_in_bytes=unlimited, usage_in_bytes="0", stat="")
    job = tmp_path / "memory/slurm/uid_1000/job_7"
    limits(job, limit_in_bytes=str(4 * GIB), usage_in_bytes=str(2 * GIB), stat=stat)
    assert seen(tmp_path) == Memory(4 * GIB, 3 * GIB)


def test_of_a_job_of_the_second_version_the_smallest_limit_counts(tmp_path):
    (tmp_path / "own").write_text("0::/user/job:7\n")
    limits(tmp_path / "user", max=str(2 * GIB), current=str(GIB), stat="")
    limits(tmp_path / "user/job:7", max=str(3 * GIB), current="0", stat="")
    assert seen(tmp_path) == Memory(2 * GIB, GIB)


@pytest.mark.parametrize("own", ["", "nonsense", "0::/host/path/that/is/not/seen\n", "4:memory:/\n"])
def test_a_container_whose_own_group_is_the_uppermost(tmp_path, own):
    (tmp_path / "own").write_text(own)
    limits(tmp_path / "memory", limit_in_bytes=str(GIB), usage_in_bytes="0", stat="")
    assert seen(tmp_path) == Memory(GIB, GIB)


@pytest.mark.parametrize("version", ["max current", "limit_in_bytes usage_in_bytes"])
@pytest.mark.parametrize(
    ("used", "stat", "free"), [(None, None, 4), ("1073741824", None, 3), ("x", "odd line here", 4)]
)
def test_a_limit_counts_whatever_else_is_missing(tmp_path, version, used, stat, free):
    limit, usage = version.split()
    files = {limit: str(4 * GIB), usage: used, "stat": stat}
    limits(tmp_path if limit == "max" else tmp_path / "memory", **{k: v for k, v in files.items() if v is not None})
    assert seen(tmp_path) == Memory(4 * GIB, free * GIB)


@pytest.mark.parametrize("limit", ["-1", "0", "", "many"])
def test_what_is_no_limit(tmp_path, limit):
    assert seen(tmp_path, max=limit, current="1", stat="") == Memory(16 * GIB, 8 * GIB)


def test_groups_that_cannot_be_looked_into(tmp_path):
    """A name that is too long is refused by the system to anybody, as a folder is that may not be searched."""
    (tmp_path / "meminfo").write_text(MACHINE)
    refused = tmp_path / ("x" * 300)
    with pytest.raises(OSError, match="too long"):
        refused.is_file()
    assert memory(machine=tmp_path / "meminfo", groups=refused, own=refused) == Memory(16 * GIB, 8 * GIB)


def test_copies_of_files_that_are_more_than_is_used(tmp_path):
    assert seen(tmp_path, max=str(GIB), current="5", stat=f"inactive_file {GIB}") == Memory(GIB, GIB)


def test_odd_lines_hide_no_others_and_controllers_may_share_a_group(tmp_path):
    (tmp_path / "own").write_bytes(b"odd\n1:name=\xff:/a\n4:cpu,memory:/job/\n")
    limits(tmp_path / "memory", limit_in_bytes=str(2**62))
    limits(tmp_path / "memory" / "job", limit_in_bytes=str(GIB))
    limits(tmp_path / "a", max="1")
    assert seen(tmp_path) == Memory(GIB, GIB)


def test_a_group_of_the_second_version_that_is_called_memory(tmp_path):
    limits(tmp_path / "memory", max="1", current="0", stat="")
    assert seen(tmp_path) == Memory(16 * GIB, 8 * GIB)


@pytest.mark.parametrize("machine", ["", "MemTotal: many kB\nMemAvailable: 1 kB\n"])
def test_a_system_that_does_not_tell_what_is_free(tmp_path, machine):
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert seen(tmp_path, machine=machine) == Memory(pages, None)


def test_of_this_process():
    found = memory()
    assert found is not None
    assert found.free is None or 0 < found.free <= found.total


def test_in_words():
    assert str(Memory(16 * GIB, 45 * 2**20)) == "16.0 GiB, 45 MiB free"
    assert str(Memory(GIB, None)) == "1.0 GiB, free: unknown"
    assert [Memory(GIB, free).low for free in (1, GIB, None)] == [True, False, False]
    assert in_units(1) == "1 MiB"
