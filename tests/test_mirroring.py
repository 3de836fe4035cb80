"""Copies of folders of runs, made while somebody writes into them."""

import io
import os
import tarfile

import pytest

from ganzoo.studies.mirroring import Copy, Parcel, holds, pack, take_over


def write(folder, name, text="x"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def content(folder):
    return {name: (folder / name).read_text() for name in holds(folder)}


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "node" / "seed-0"
    write(folder, "0001-x/metrics.jsonl", "1\n")
    write(folder, "0001-x/config.yaml")
    write(folder, "0001-x/checkpoints/step-0000020/state.json")
    write(folder, "0001-x/checkpoints/.step-0000040.partial/state.json", "half")
    write(folder, ".worker.lock")
    return folder


def sent(source, target, **options):
    parcel = pack(source, holds(target), **options)
    if parcel is not None:
        take_over(target, parcel)
    return parcel


def test_a_copy_is_equal_and_nothing_is_sent_twice(run, tmp_path):
    copy = tmp_path / "driver"
    assert sent(run, copy) is not None
    assert holds(copy) == holds(run)
    assert content(copy) == content(run)
    assert "0001-x/checkpoints/.step-0000040.partial/state.json" not in content(copy)
    assert not list(copy.glob(".incoming*"))
    assert sent(run, copy) is None
    assert sent(copy, tmp_path / "another") is not None
    assert holds(tmp_path / "another") == holds(run)


def test_where_times_are_rounded_nothing_is_sent_twice(run, tmp_path, monkeypatch):
    """FAT holds even seconds. A change within them is sent all the same: the sender's own time says it."""
    exact = os.utime
    monkeypatch.setattr(
        "ganzoo.studies.mirroring.os.utime", lambda path, ns: exact(path, ns=tuple(one - one % 2 * 10**9 for one in ns))
    )
    os.utime(run / "0001-x/config.yaml", ns=(3 * 10**9 + 5,) * 2)
    copy = Copy(tmp_path / "driver")
    copy.take_over(pack(run, copy.holds()))
    assert holds(tmp_path / "driver") != holds(run), "times are rounded"
    assert copy.holds() == holds(run)
    assert pack(run, copy.holds(), everything=True) is None
    write(run, "0001-x/config.yaml", "y")
    os.utime(run / "0001-x/config.yaml", ns=(3 * 10**9 + 6,) * 2)
    copy.take_over(pack(run, copy.holds()))
    assert content(tmp_path / "driver") == content(run)
    write(tmp_path / "driver", "0001-x/config.yaml", "changed here")
    assert list(pack(run, copy.holds()).files) == list(holds(run)), "what was changed here is not what came"


def test_much_comes_in_parts_of_which_each_is_a_whole_copy(run, tmp_path, monkeypatch):
    """No part has more than a checkpoint beyond the limit, and the old checkpoint stays until the new one is there."""
    monkeypatch.setattr("ganzoo.studies.mirroring.PARCEL", 1000)
    copy = Copy(tmp_path / "driver")
    copy.take_over(pack(run, {}))
    os.unlink(run / "0001-x/checkpoints/step-0000020/state.json")
    os.rmdir(run / "0001-x/checkpoints/step-0000020")
    write(run, "0001-x/metrics.jsonl", "1\n2\n")
    write(run, "0001-x/manifest.json", "finished")
    for name in ("generator", "discriminator"):
        write(run, f"0001-x/checkpoints/step-0000040/{name}.safetensors", "y" * 800)
    for number in range(4):
        write(run, f"0001-x/samples/{number}.png", "z" * 400)
    parts = []
    while (parcel := pack(run, copy.holds())) is not None:
        copy.take_over(parcel)
        parts.append(parcel)
        there = set(copy.holds())
        steps = {name.split("/")[2] for name in there if "checkpoints" in name}
        assert steps, "never without a checkpoint"
        if "step-0000040" in steps:
            assert (tmp_path / "driver/0001-x/metrics.jsonl").read_text() == "1\n2\n"
            assert len([name for name in there if "step-0000040" in name]) == 2
        if "0001-x/manifest.json" in there:
            assert "step-0000040" in steps
    assert [parcel.rest for parcel in parts] == [True] * (len(parts) - 1) + [False]
    assert len(parts) == 4
    assert max(len(parcel.archive) for parcel in parts) < 1600 + 10_240
    assert copy.holds() == holds(run)


def test_rows_travel_with_a_checkpoint_and_dropped_checkpoints_go(run, tmp_path):
    copy = tmp_path / "driver"
    sent(run, copy)
    write(run, "0001-x/metrics.jsonl", "1\n2\n")
    assert sent(run, copy) is None, "rows alone are not worth a parcel"
    write(run, "0001-x/checkpoints/step-0000040/state.json", "y")
    os.unlink(run / "0001-x/checkpoints/step-0000020/state.json")
    sent(run, copy)
    assert content(copy) == content(run)
    assert [path.name for path in (copy / "0001-x/checkpoints").iterdir()] == ["step-0000040"]
    write(run, "0001-x/metrics.jsonl", "1\n2\n3\n")
    sent(run, copy, everything=True)
    assert content(copy) == content(run)


@pytest.mark.parametrize("name", [".incoming-x", "step-0000020"])
def test_a_folder_that_goes_while_it_is_listed(run, monkeypatch, name):
    """Parcels arrive beside runs and old checkpoints go, while somebody looks."""
    write(run, ".incoming-x/0001-x/config.yaml")
    listing = os.scandir

    def gone(path):
        if os.path.basename(path) == name:
            raise FileNotFoundError(path)
        return listing(path)

    monkeypatch.setattr(os, "scandir", gone)
    assert {"0001-x/config.yaml", "0001-x/metrics.jsonl"} <= set(holds(run))


def test_what_somebody_puts_beside_a_copy_stays_and_sends_nothing_again(run, tmp_path):
    """``ganzoo evaluate`` and ``sample`` write into the folder of a run."""
    copy = tmp_path / "driver"
    sent(run, copy)
    write(copy, "0001-x/evaluations.jsonl", "{}\n")
    assert sent(run, copy) is None
    write(run, "0001-x/checkpoints/step-0000040/state.json", "y")
    assert sent(run, copy) is not None
    assert content(copy) == {**content(run), "0001-x/evaluations.jsonl": "{}\n"}


def test_a_failure_that_is_tried_again_goes_from_the_copy_too(run, tmp_path):
    copy = tmp_path / "driver"
    write(run, "failure.json")
    sent(run, copy)
    os.unlink(run / "failure.json")
    sent(run, copy)
    assert content(copy) == content(run)


def test_killed_at_any_instant_the_copy_claims_no_more_than_is_there(run, tmp_path, monkeypatch):
    """Whatever was moved last before it was killed: a manifest is never there before the checkpoint it speaks of."""
    write(run, "0001-x/manifest.json", "finished")
    write(run, "evaluation.json")
    parcel, replace = pack(run, {}), os.replace
    for moves in range(6):
        copy, left = tmp_path / f"copy-{moves}", [moves]

        def counted(old, new, left=left):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            replace(old, new)

        monkeypatch.setattr("ganzoo.studies.mirroring.os.replace", counted)
        try:
            take_over(copy, parcel)
        except KeyboardInterrupt:
            assert moves < 5
        names = set(holds(copy))
        if "evaluation.json" in names:
            assert "0001-x/manifest.json" in names
        if "0001-x/manifest.json" in names:
            assert {"0001-x/config.yaml", "0001-x/checkpoints/step-0000020/state.json"} <= names
        if "0001-x/checkpoints/step-0000020/state.json" in names:
            assert "0001-x/metrics.jsonl" in names
        monkeypatch.undo()
        sent(run, copy)
        assert content(copy) == content(run)


@pytest.mark.parametrize("name", ["../outside", "a/../../outside"])
def test_a_member_that_leads_outside_is_refused(tmp_path, name):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(tarfile.OutsideDestinationError):
        take_over(tmp_path / "in" / "copy", Parcel(files={}, archive=buffer.getvalue()))
    assert not list(tmp_path.rglob("outside"))
