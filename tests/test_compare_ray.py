"""``ganzoo compare --engine ray`` on a real cluster: a head and two nodes with folders of their own.

Ray is not part of the development set (240 MB, and a cluster takes half a minute to start). CONTRIBUTING.md says how to
run this file.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec

import pytest
from safetensors.torch import load_file
from trained_together import assert_equals_torchrun, by_torchrun, kill, processes_of

from ganzoo.errors import ConfigError, Interrupted, ResourceError
from ganzoo.registry import Registry
from ganzoo.studies import ray_cluster
from ganzoo.studies.comparing import create, go_on
from ganzoo.studies.comparison import Budget, Comparison, Definition
from ganzoo.studies.grid import plan_cells
from ganzoo.studies.outcome import outcome_of
from ganzoo.studies.working import work

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="needs ganzoo[ray]"),
    pytest.mark.filterwarnings("default"),  # Ray's own
    pytest.mark.timeout(900),
]
STORE = 80 * 2**20


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A head without cores, and the nodes ``alpha`` and ``beta`` with one each, and their temporary ``folders``."""
    from ray.cluster_utils import Cluster

    health = {"health_check_period_ms": 1000, "health_check_failure_threshold": 5, "health_check_initial_delay_ms": 0}
    folders = {name: tmp_path_factory.mktemp(name) for name in ("head", "alpha", "beta")}
    own = {name: {**os.environ, "TMPDIR": str(folder)} for name, folder in folders.items()}
    head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False, "env_vars": own["head"]}
    made = Cluster(initialize_head=True, connect=False, head_node_args={**head, "_system_config": health})
    made.folders, made.of = folders, {}
    for name in ("alpha", "beta"):
        node = {"num_cpus": 1, "object_store_memory": STORE, "node_name": name, "env_vars": own[name]}
        made.of[name] = made.add_node(wait=False, **node)
    made.wait_for_nodes(120)
    yield made
    made.shutdown()


def asked(folder, steps, *, losses=("hinge", "bce"), processes=1):
    """Two cells, one seed, unless other losses are given."""
    settings = {
        "discriminator.width": 4,
        "generator.width": 4,
        "generator.latent": 2,
        "data.n": 64,
        "data.name": "ring",
        "train.batch_size": 8,
        "train.checkpoint_every": 100,
        "train.keep": "all",
        "train.sample_every": 100_000,
    }
    definition = Definition(
        axes={"loss": losses, "discriminator": ("mlp",)},
        settings=settings,
        budget=Budget(kind="steps", amount=steps),
        seeds=1,
        n=50,
        processes=processes,
    )
    return create(plan_cells(Registry.load(plugins=False), definition), definition, folder)


def engine_of(comparison):
    return json.loads((comparison.path / "engine.json").read_text())


def runs_in(folder):
    """The runs in the temporary folder of a node."""
    return list(folder.glob("ganzoo-run-*/cells/*/seed-0"))


def until(found, seconds=300):
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if something := found():
            return something
        time.sleep(0.05)
    raise AssertionError("nothing was found in time")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What two processes of torchrun train."""
    folder = tmp_path_factory.mktemp("torchrun")
    return by_torchrun(asked(folder, steps=600, losses=("hinge",), processes=2), folder)


def copied_checkpoints(comparison):
    """How many of the first run are there that were written once it trained."""
    return len(list(comparison.place(comparison.cells[0], 0).glob("0001-*/checkpoints/step-*00")))


def while_it_trains(comparison, do):
    """Do something once, in a thread, as soon as a second checkpoint has been copied."""

    def wait():
        until(lambda: copied_checkpoints(comparison) > 1)
        do()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def test_two_processes_on_two_nodes_train_what_torchrun_trains_though_one_is_killed(cluster, whole, tmp_path):
    comparison, told, where = asked(tmp_path, steps=600, losses=("hinge",), processes=2), [], {}

    def kill_the_second():
        where.update({name: len(runs_in(folder)) for name, folder in cluster.folders.items()})
        (process,) = [one for folder in cluster.folders.values() for one in processes_of(folder, 1)]
        kill([process])

    while_it_trains(comparison, kill_the_second)
    go_on(comparison, engine="ray", address=cluster.address, tell=lambda job, status, done, total: told.append(status))
    assert where == {"head": 0, "alpha": 1, "beta": 1}
    lost = "its process 2 of 2 was killed by signal 9; it goes on from its last checkpoint"
    assert told == ["started", lost, "started", "finished"]
    log = (comparison.place(comparison.cells[0], 0) / "worker.log").read_text()
    assert "another process of this run ended" in log
    assert re.search(r": from step [1-9]\d*$", log, re.MULTILINE), "it began again"
    assert_equals_torchrun(comparison, whole)
    assert not any(runs_in(folder) for folder in cluster.folders.values()), "a node keeps a run that is over"


def test_more_processes_than_the_cluster_has_room_for_are_refused(cluster, tmp_path):
    comparison = asked(tmp_path, steps=1, processes=4)
    with pytest.raises(ResourceError, match="no room for a run of 4 processes"):
        go_on(comparison, engine="ray", address=cluster.address)
    assert not (comparison.path / "engine.json").exists()


def test_a_driver_and_a_node_are_killed_and_the_numbers_are_those_of_one_machine(cluster, tmp_path):
    comparison = asked(tmp_path / "comparisons", steps=1200)
    words = ["compare", str(comparison.path), "--engine", "ray", "--address", cluster.address]
    with (tmp_path / "driver.log").open("wb") as log:
        driver = subprocess.Popen([sys.executable, "-m", "ganzoo", *words], stdout=log, stderr=log)
    try:

        def both_have_a_checkpoint():
            assert driver.poll() is None, (tmp_path / "driver.log").read_text()
            here = comparison.path.glob("cells/*/seed-0/0001-*/checkpoints/step-0000100")
            return len(list(here)) == 2

        until(both_have_a_checkpoint)
    finally:
        driver.kill()
        driver.wait()
    where = {name: len(runs_in(folder)) for name, folder in cluster.folders.items()}
    assert where == {"head": 0, "alpha": 1, "beta": 1}
    assert len(list(cluster.folders["head"].glob("ganzoo-keeper-*"))) == 1
    (lost,) = (path.parent.name for path in runs_in(cluster.folders["alpha"]))
    before = {path.name for path in comparison.path.glob("cells/*/seed-0/0001-*/checkpoints/*")}
    assert "step-0001200" not in before
    cluster.remove_node(cluster.of["alpha"], allow_graceful=False)

    told = []
    go_on(comparison, tell=lambda job, status, done, total: told.append((job.cell.folder, status)))
    assert any(cell == lost and "was lost" in status and "goes on" in status for cell, status in told)
    assert [status for cell, status in told if cell != lost] == ["started", "finished"]
    log = comparison.place(comparison.cell(lost), 0) / "worker.log"
    assert re.search(r": from step [1-9]\d*00$", log.read_text(), re.MULTILINE), "it began again"
    assert engine_of(comparison) == {"engine": "ray", "address": cluster.address, "keeper": None}

    whole = Comparison(path=tmp_path / "whole", asked=comparison.asked, words=comparison.words, cells=comparison.cells)
    for cell in comparison.cells:
        work(whole, cell, 0, threads=1)
        here, there = whole.place(cell, 0), comparison.place(cell, 0)
        assert [path.name[:5] for path in there.glob("0*")] == ["0001-"]
        assert outcome_of(here).values == outcome_of(there).values
        for name in ("generator", "discriminator", "optimizers", "ema"):
            one, other = (
                load_file(next(place.glob(f"0*/checkpoints/step-0001200/{name}.safetensors")))
                for place in (here, there)
            )
            assert all(one[key].equal(other[key]) for key in one)


def test_without_its_keeper_it_goes_on_from_what_was_copied(cluster, tmp_path):
    import ray

    comparison, killed = asked(tmp_path, steps=1), []

    def kill_the_first(job, status, done, total):
        if killed:  # where several nodes are there, more is told at once
            return
        killed.append(job)
        ray.kill(ray.get_actor(engine_of(comparison)["keeper"], namespace="ganzoo"))

    with pytest.raises(ResourceError, match="lost what computes comparison"):
        go_on(comparison, engine="ray", address=cluster.address, tell=kill_the_first)
    assert engine_of(comparison)["keeper"] is not None
    found = go_on(comparison)
    assert [cell["seeds"][0]["status"] for cell in found.leaderboard["cells"]] == ["finished", "finished"]


def test_interrupted_it_is_saved_and_nothing_stays_on_the_cluster(cluster, tmp_path):
    """Folders of actors that were killed stay, so only those that were there before may be there afterwards."""
    comparison, before = asked(tmp_path, steps=100_000), set(runs_in(cluster.folders["beta"]))
    keepers = set(cluster.folders["head"].glob("ganzoo-keeper-*"))

    asked_to_stop = []

    def stop_at_the_first(job, status, done, total):
        begun = until(lambda: set(runs_in(cluster.folders["beta"])) - before)
        until(lambda: [one for run in begun for one in run.glob("0*/checkpoints/step-*")])
        if not asked_to_stop:  # a second one would not wait
            asked_to_stop.append(job)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="saved a checkpoint"):
        go_on(comparison, engine="ray", address=cluster.address, tell=stop_at_the_first)
    begun = [outcome_of(comparison.place(cell, 0)) for cell in comparison.cells]
    assert "interrupted" in {one.status for one in begun}
    assert max(one.steps or 0 for one in begun) > 0
    assert engine_of(comparison)["keeper"] is None
    assert set(cluster.folders["head"].glob("ganzoo-keeper-*")) == keepers
    assert set(runs_in(cluster.folders["beta"])) <= before


def test_nodes_with_other_versions_are_named(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_cluster, "version", lambda name: "99.0")
    with pytest.raises(ResourceError, match="node beta has other versions") as caught:
        go_on(asked(tmp_path, steps=1), engine="ray", address=cluster.address)
    assert "torch" in str(caught.value.given)


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        ("127.0.0.1:1", ResourceError, "no Ray cluster can be reached"),
        ("ray://127.0.0.1:1", ConfigError, "is not that of a Ray cluster"),
    ],
)
def test_an_address_where_nobody_is(tmp_path, address, error, words):
    comparison = asked(tmp_path, steps=1)
    with pytest.raises(error, match=words):
        go_on(comparison, engine="ray", address=address)
    assert not (comparison.path / "engine.json").exists()


def test_where_the_node_of_one_process_is_lost_both_go_on_elsewhere(cluster, whole, tmp_path):
    """``alpha`` is gone by now. Of three other nodes that of the second process goes, and the first takes the third."""
    comparison, told = asked(tmp_path, steps=600, losses=("hinge",), processes=2), []
    for name in ("gamma", "delta"):
        cluster.folders[name] = tmp_path / name
        cluster.folders[name].mkdir()
        own = {**os.environ, "TMPDIR": str(cluster.folders[name])}
        cluster.of[name] = cluster.add_node(
            wait=False, num_cpus=1, object_store_memory=STORE, node_name=name, env_vars=own
        )
    cluster.wait_for_nodes(120)

    def lose_the_second():
        (name,) = [name for name, folder in cluster.folders.items() if processes_of(folder, 1)]
        cluster.remove_node(cluster.of[name], allow_graceful=False)

    while_it_trains(comparison, lose_the_second)
    go_on(comparison, engine="ray", address=cluster.address, tell=lambda job, status, done, total: told.append(status))
    assert told[-1] == "finished"
    assert [status for status in told if "goes on from its last checkpoint" in status]
    assert_equals_torchrun(comparison, whole)
