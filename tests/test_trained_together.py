"""Runs of a comparison that several processes train: where they sit, how they end, and what cannot be."""

import logging
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ganzoo import launch
from ganzoo.errors import ConfigError, DataError, ProcessLostError, ResourceError
from ganzoo.registry import Registry
from ganzoo.studies import ends, local_processes, ray_run, worker, working
from ganzoo.studies.comparing import create, find_or_create
from ganzoo.studies.comparison import Budget, Comparison, Definition, find_same
from ganzoo.studies.driving import Job
from ganzoo.studies.ends import Ends
from ganzoo.studies.grid import plan_cells
from ganzoo.studies.interfaces import interface_with
from ganzoo.studies.local_processes import LocalProcesses
from ganzoo.studies.outcome import outcome_of
from ganzoo.studies.ray_cluster import Share, demand_room, room_in_words, share_of_a_node, slots
from ganzoo.studies.ray_run import RayRun
from ganzoo.studies.remote_run import End
from ganzoo.studies.seats import INTERFACE, Seat, free_port, seats_here

SMALL = {"data.name": "ring", "data.n": 64, "discriminator.width": 4, "generator.width": 4, "train.batch_size": 8}
REGISTRY = Registry.load(plugins=False)


def defined(processes=2, **axes):
    axes = {"loss": ("hinge",), "discriminator": ("mlp",)} | axes
    budget = Budget(kind="steps", amount=10)
    return Definition(axes=axes, settings=SMALL, budget=budget, seeds=1, n=50, processes=processes)


@pytest.fixture
def comparison(tmp_path):
    return create(plan_cells(REGISTRY, defined()), defined(), tmp_path)


@pytest.fixture
def job(comparison):
    return Job(cell=comparison.cells[0], seed=0)


class TestTheQuestion:
    def test_the_number_is_kept_and_another_number_is_another_comparison(self, comparison, tmp_path):
        read = Comparison.read(comparison.path)
        assert read.processes == 2
        assert read.words.endswith("; 2 processes train each run together")
        assert find_or_create(plan_cells(REGISTRY, defined()), defined(), tmp_path) == comparison
        assert find_same(tmp_path, defined(4).plain(), comparison.cells) is None

    def test_one_process_is_what_was_asked_before_there_was_a_choice(self, tmp_path):
        assert "processes" not in defined(1).plain()
        assert create(plan_cells(REGISTRY, defined(1)), defined(1), tmp_path).processes == 1

    def test_a_combination_that_they_cannot_train_is_refused_and_the_others_are_not(self):
        settings = {name: value for name, value in SMALL.items() if name != "train.batch_size"}
        asked = replace(defined(3, **{"train.batch_size": (8, 9)}), settings=settings)
        cells = [one.cell for one in plan_cells(REGISTRY, asked)]
        assert [cell.reason is None for cell in cells] == [False, True]
        assert "cannot be divided among 3 processes" in cells[0].reason
        assert cells[0].reason.endswith("(next: --batch-size 9)")

    def test_none_is_no_number(self):
        with pytest.raises(ConfigError, match="--processes needs at least one"):
            plan_cells(REGISTRY, defined(0))

    def test_a_definition_with_none_is_damaged(self, comparison):
        file = comparison.path / "comparison.yaml"
        file.write_text(file.read_text().replace("processes: 2", "processes: 0"))
        with pytest.raises(ConfigError, match="is not what a comparison writes") as caught:
            Comparison.read(comparison.path)
        assert "processes is 0" in str(caught.value.given)


class TestSeats:
    def test_a_process_finds_its_place_as_torchrun_would_tell_it(self, monkeypatch):
        monkeypatch.delenv(INTERFACE, raising=False)
        told = Seat(number=1, size=3, address="10.0.0.1", port=29500).environment()
        assert INTERFACE not in told
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        assert launch.launched() == (1, 3)
        assert (told["MASTER_ADDR"], told["MASTER_PORT"], told["LOCAL_RANK"]) == ("10.0.0.1", "29500", "0")

    def test_an_interface_that_somebody_chose_stays(self, monkeypatch):
        seat = Seat(number=0, size=2, port=1, interface="eth1")
        monkeypatch.setenv(INTERFACE, "ib0")
        assert seat.environment()[INTERFACE] == "ib0"
        monkeypatch.delenv(INTERFACE)
        assert seat.environment()[INTERFACE] == "eth1"

    def test_those_of_one_machine_meet_at_one_port_and_have_a_gpu_each(self):
        seats = seats_here(2)
        assert [(seat.number, seat.local, str(seat)) for seat in seats] == [
            (0, 0, "process 1 of 2"),
            (1, 1, "process 2 of 2"),
        ]
        assert len({seat.port for seat in seats}) == 1
        assert seats_here(1) == []

    def test_a_port_is_one_that_can_be_taken(self):
        assert 0 < free_port("127.0.0.1") < 2**16

    @pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
    def test_which_interface_has_an_address(self, monkeypatch):
        assert interface_with("127.0.0.1") == "lo"
        assert interface_with("203.0.113.7") is None
        monkeypatch.setattr(sys, "platform", "darwin")
        assert interface_with("127.0.0.1") is None


LOST, PEER_GONE, WELL = (
    "its process 2 of 2 was killed by signal 9",
    "its process 1 of 2 ended with code 6",
    "ended with code 0",
)


class TestEnds:
    @pytest.mark.parametrize(
        ("noted", "how"),
        [
            ([(1, WELL), (0, "its process 1 of 2 ended with code 0")], "its process 1 of 2 ended with code 0"),
            ([(1, LOST), (0, PEER_GONE)], LOST),
            ([(0, PEER_GONE), (1, LOST)], LOST),
            ([(1, "its process 2 of 2 ended with code 4"), (0, PEER_GONE)], "its process 2 of 2 ended with code 4"),
            ([(1, WELL), (0, PEER_GONE)], PEER_GONE),
        ],
        ids=["all are well", "one is lost", "whom it left is seen first", "one fails", "the first fails later"],
    )
    def test_what_is_told(self, noted, how):
        known = Ends(2)
        for number, said in noted:
            assert not known.all()
            known.note(number, said)
        assert known.all()
        assert known.how == how

    def test_nobody_is_made_to_end_while_the_first_measures(self, monkeypatch):
        monkeypatch.setattr(ends, "GRACE", -1.0)
        known = Ends(2)
        known.note(1, WELL)
        assert not known.overdue()

    @pytest.mark.parametrize("noted", [(1, LOST), (0, PEER_GONE), (0, WELL)], ids=str)
    def test_those_that_wait_for_what_is_gone_are_made_to_end_and_that_is_not_told(self, monkeypatch, noted):
        known = Ends(2)
        known.note(*noted)
        assert not known.overdue(), "it may end by itself"
        monkeypatch.setattr(ends, "GRACE", -1.0)
        assert known.overdue()
        known.note(1 - noted[0], "was killed by signal 15")
        assert known.how == noted[1]


def test_on_one_machine_those_that_wait_are_let_go(comparison, job, monkeypatch):
    """The second of two that hold on until their input is closed is killed."""
    begun, start = [], subprocess.Popen
    waiting = "import sys; sys.stdin.read(); sys.exit(6)"

    def started(words, **options):
        begun.append((start([sys.executable, "-c", waiting], **options), options["env"]))
        return begun[-1][0]

    monkeypatch.setattr(local_processes.subprocess, "Popen", started)
    monkeypatch.setattr(ends, "GRACE", 0.0)
    engine = LocalProcesses(comparison, 1)
    engine.start(job)
    assert engine.ended() == {}
    assert [(told["RANK"], told["WORLD_SIZE"], told["LOCAL_RANK"]) for _, told in begun] == [
        ("0", "2", "0"),
        ("1", "2", "1"),
    ]
    begun[1][0].kill()
    while not (over := engine.ended()):
        pass
    assert over == {job: LOST}
    assert engine.running() == 0


def test_threads_are_divided_among_all_processes(comparison, monkeypatch):
    asked = []
    monkeypatch.setattr(local_processes.cores, "divided", lambda count: asked.append(count) or (1, {}))
    LocalProcesses(comparison, 3)
    assert asked == [6]


class TestAWorker:
    @pytest.fixture
    def fails_with(self, comparison, monkeypatch):
        """What is left of a worker that fails so: exit code, and outcome of the run."""

        def call(error, *, tells=True):
            def work(*_, **__):
                raise error

            monkeypatch.setattr(working, "work", work)
            monkeypatch.setattr(worker.launch, "tells_of_error", lambda: tells)
            monkeypatch.setattr(worker, "_end_with_parent", lambda: None)
            monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
            cell = comparison.cells[0]
            code = worker.main([str(comparison.path), cell.folder, "0", "1"])
            return code, outcome_of(comparison.place(cell, 0))

        return call

    def test_that_lost_another_one_leaves_the_run_to_go_on(self, fails_with, capsys):
        code, found = fails_with(ProcessLostError("another process of this run ended"))
        assert (code, found.status) == (ProcessLostError.exit_code, "waiting")
        assert "another process of this run ended" in capsys.readouterr().err

    def test_that_tells_what_failed_notes_it_and_the_others_do_not(self, fails_with, capsys):
        code, found = fails_with(DataError("no pictures"), tells=False)
        assert (code, found.status, capsys.readouterr().err) == (DataError.exit_code, "waiting", "")
        code, found = fails_with(DataError("no pictures"))
        assert (found.status, found.reason, found.exit_code) == ("failed", "no pictures", code)

    def test_that_hears_no_signal_ends_all_the_same(self, tmp_path):
        """As one does that waits for another in an exchange: the signal is remembered, and nobody looks."""
        script = (
            "import signal, time; from ganzoo.studies import worker; worker.SAVED = 0.1\n"
            "signal.signal(signal.SIGTERM, lambda *_: None); worker._end_with_parent(); time.sleep(60)"
        )
        told = {**os.environ, **Seat(number=1, size=2, port=1).environment()}
        ended = subprocess.run([sys.executable, "-c", script], stdin=subprocess.DEVNULL, check=False, env=told)
        assert ended.returncode == 128 + 15


def cluster(*nodes):
    """As Ray lists nodes: (cores, GPUs) of each."""
    listed = [
        {"Alive": True, "NodeName": f"node-{place}", "Resources": {"CPU": float(cores), "GPU": float(gpus)}}
        for place, (cores, gpus) in enumerate(nodes)
    ]
    return SimpleNamespace(nodes=lambda: listed, available_resources=lambda: {"CPU": 1.0})


@pytest.mark.parametrize(
    ("nodes", "jobs", "processes", "share", "at_once"),
    [
        ([(1, 0), (1, 0)], 1, 2, Share(cpus=1, gpus=0), 1),
        ([(4, 0), (4, 0)], 1, 2, Share(cpus=2, gpus=0), 2),
        ([(4, 0), (4, 0)], 2, 2, Share(cpus=1, gpus=0), 4),
        ([(64, 8), (64, 8)], 1, 8, Share(cpus=8, gpus=1), 2),
        ([(64, 8), (64, 8)], 1, 16, Share(cpus=8, gpus=1), 1),
        ([(64, 8), (64, 8)], 2, 4, Share(cpus=8, gpus=1), 4),
        ([(64, 8), (64, 8)], 1, 4, Share(cpus=16, gpus=1), 2),
    ],
    ids=["a node each", "a run per node", "two per node", "eight GPUs", "over two nodes", "half a node", "few a node"],
)
def test_processes_divide_the_smallest_node_and_have_a_gpu_each(nodes, jobs, processes, share, at_once):
    ray = cluster(*nodes)
    assert share_of_a_node(ray, jobs=jobs, gpu=True, processes=processes) == share
    assert slots(ray, share, processes) == at_once
    demand_room(ray, share, processes)


def test_more_processes_than_the_cluster_has_room_for():
    ray, share = cluster((1, 0), (1, 0)), Share(cpus=1, gpus=0)
    with pytest.raises(ResourceError, match="no room for a run of 3 processes") as caught:
        demand_room(ray, share, 3)
    assert caught.value.given == room_in_words(ray, share, 3)
    assert "a run needs 3 times 1 core, each of a node" in caught.value.given
    assert caught.value.allowed.startswith("runs of at most 2 processes")


class Actors:
    """Ray with actors on a placement group, which answer what is put into ``answers`` by number and method."""

    def __init__(self):
        self.exceptions = SimpleNamespace(RayError=OSError, ActorUnavailableError=TimeoutError)
        self.util = SimpleNamespace(placement_group=self.reserve, remove_placement_group=self.called.append)
        self.answers, self.options_of = {}, []

    @property
    def called(self):
        return self.__dict__.setdefault("_called", [])

    def reserve(self, bundles, strategy):
        self.called.append((bundles, strategy))
        return "group"

    def remote(self, kind):
        def options(**asked):
            self.options_of.append(asked)
            return SimpleNamespace(remote=lambda *given: Actor(self, given[-1]))

        return SimpleNamespace(options=options)

    def wait(self, asked, timeout):
        return (asked, []) if asked[0] in self.answers else ([], asked)

    def get(self, asked, timeout=None):
        answer = self.answers.pop(asked, None)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def kill(self, actor):
        self.called.append((actor.number, "kill"))


class Actor:
    def __init__(self, ray, number):
        self.ray, self.number = ray, number

    def __getattr__(self, method):
        def remote(*given):
            self.ray.called.append((self.number, method))
            return self.number, method

        return SimpleNamespace(remote=remote)


class TestOnRay:
    @pytest.fixture
    def ray(self, monkeypatch):
        module = SimpleNamespace(PlacementGroupSchedulingStrategy=lambda group, **where: (group, where))
        monkeypatch.setattr(ray_run, "import_module", lambda name: module)
        return Actors()

    @pytest.fixture
    def run(self, ray, comparison, job):
        comparison.place(job.cell, job.seed).mkdir(parents=True)
        run = RayRun(comparison, job, ray, Share(cpus=2, gpus=1.0))
        assert run.look() is None
        return run

    def test_all_are_placed_or_none(self, ray, run):
        assert ray.called[0] == ([{"CPU": 2, "GPU": 1.0}] * 2, "PACK")
        assert [options["scheduling_strategy"] for options in ray.options_of] == [
            ("group", {"placement_group_bundle_index": number}) for number in range(2)
        ]
        assert ray.called[1:] == [(0, "meeting"), (0, "start"), (0, "poll"), (1, "start"), (1, "end")]
        run.close()
        assert ray.called[-3:] == [(0, "kill"), (1, "kill"), "group"]

    def test_one_process_reserves_no_group(self, ray, comparison, job):
        alone = replace(comparison, asked={**comparison.asked, "processes": 1})
        comparison.place(job.cell, job.seed).mkdir(parents=True)
        run = RayRun(alone, job, ray, Share(cpus=2, gpus=0))
        assert run.look() is None
        run.close()
        assert ray.called == [(0, "start"), (0, "poll"), (0, "kill")]

    def test_without_a_node_that_is_lost_the_first_saves_and_is_waited_for(self, ray, run, monkeypatch):
        ray.answers = {(1, "end"): OSError("the node is gone")}
        assert run.look() is None
        assert (0, "stop") not in ray.called
        monkeypatch.setattr(ends, "GRACE", -1.0)
        assert run.look() is run.look() is None
        assert ray.called.count((0, "stop")) == 1
        ray.answers = {(0, "poll"): (None, PEER_GONE)}
        assert run.look() == "its actor of process 2 of 2 was lost (the node is gone)"
        assert [number for number, method in ray.called[1:] if method == "remove"] == [0]

    def test_without_the_first_nothing_is_waited_for(self, ray, run):
        ray.answers = {(0, "poll"): OSError("the node is gone")}
        assert run.look() == "its actor of process 1 of 2 was lost (the node is gone)"

    def test_what_another_one_noted_and_said_is_kept(self, ray, run, comparison, job):
        end = End(how="its process 2 of 2 ended with code 4", said="no pictures\n", failure=("no pictures", 4))
        ray.answers = {(1, "end"): end, (0, "poll"): (None, PEER_GONE)}
        assert run.look() is not None
        place = comparison.place(job.cell, job.seed)
        assert (outcome_of(place).reason, outcome_of(place).exit_code) == ("no pictures", 4)
        assert (place / "worker.log").read_text() == "no pictures\n"
