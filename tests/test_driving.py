"""Runs that wait for room, and runs that are stopped: what is said of both."""

import signal
from types import SimpleNamespace

import pytest

from ganzoo.errors import Interrupted
from ganzoo.runs.interruption import Stop
from ganzoo.studies import ray_engine
from ganzoo.studies.comparison import FILE, Cell, Comparison
from ganzoo.studies.driving import Job, drive, saved_in_words
from ganzoo.studies.outcome import outcome_of
from ganzoo.studies.ray_cluster import Share
from ganzoo.studies.ray_engine import RayRuns


@pytest.fixture
def comparison(tmp_path):
    """Two runs of one cell."""
    (tmp_path / FILE).write_text("")
    cell = Cell(name="hinge", folder="hinge", parts={"loss": "hinge"}, config={"data": {"name": "ring"}})
    asked = {"seeds": 2, "budget": {"kind": "steps", "amount": 10}}
    return Comparison(path=tmp_path, asked=asked, words="10 steps", cells=(cell,))


class Cluster:
    """As Ray is seen by an engine: its actors are never placed unless ``answers``, and answer at most once."""

    def __init__(self, *nodes, answers=()):
        self.exceptions = SimpleNamespace(RayError=OSError, ActorUnavailableError=TimeoutError)
        self._nodes, self._answers, self.killed = nodes, list(answers), 0

    def nodes(self):
        return [{"Alive": True, "NodeName": name, "Resources": {"CPU": float(cores)}} for name, cores in self._nodes]

    def available_resources(self):
        return {"CPU": 0.0}

    def remote(self, *_):
        return self

    def options(self, **_):
        return self

    @property
    def take(self):
        return self

    start = stop = poll = take

    def wait(self, asked, timeout):
        return (asked, []) if self._answers else ([], asked)

    def get(self, _):
        return self._answers.pop()

    def kill(self, _):
        self.killed += 1


def stopped_after(engine, comparison, looks):
    """What is told until somebody stops it, and the error."""
    stop, told, room = Stop(), [], engine.has_room

    def counted():
        stop.signal_number = signal.SIGINT if len(seen) == looks else None
        seen.append(1)
        return room()

    seen, engine.has_room = [], counted
    with pytest.raises(Interrupted) as caught:
        drive(
            comparison,
            engine=engine,
            tell=lambda job, status, done, total: told.append((str(job), status)),
            after=lambda: None,
            stop=stop,
        )
    return told, caught.value.message


def test_without_a_node_it_says_once_what_a_run_needs_and_what_there_is(comparison):
    engine = RayRuns(comparison, Cluster(("alpha", 0)), Share(cpus=2, gpus=0))
    told, message = stopped_after(engine, comparison, looks=4)
    assert told == [
        (
            "hinge, seed 0",
            "waits: a run needs 2 cores of a node; the cluster has no node with a core; free are 0 cores",
        )
    ]
    assert message.startswith("stopped with 0 of 2 runs done")


def test_where_others_have_the_room_it_says_so_too(comparison, monkeypatch):
    monkeypatch.setattr(ray_engine, "PLACED", -1)
    engine = RayRuns(comparison, Cluster(("alpha", 2)), Share(cpus=2, gpus=0))
    told, message = stopped_after(engine, comparison, looks=4)
    assert told == [
        ("hinge, seed 0", "started"),
        (
            "hinge, seed 1",
            "waits: a run needs 2 cores of a node; the cluster has alpha 2 cores; free are 0 cores",
        ),
    ]
    assert message == "stopped with 0 of 2 runs done; those that had begun saved a checkpoint"


def test_runs_that_do_not_save_in_time_are_named(comparison, monkeypatch):
    monkeypatch.setattr(ray_engine, "SAVED", 0.0)
    cluster = Cluster(("alpha", 1), answers=[(None, None)])
    engine = RayRuns(comparison, cluster, Share(cpus=1, gpus=0))
    job = Job(cell=comparison.cells[0], seed=0)
    engine.start(job)
    assert engine.ended() == {}, "it has been placed, and trains"
    assert engine.stop() == [job]
    assert cluster.killed == 1
    assert saved_in_words(engine.killed) == (
        "those that had begun saved a checkpoint, but hinge, seed 0 did not in time and lost the steps since the one "
        "before"
    )


def test_a_run_that_no_node_has_taken_is_given_up_at_once(comparison):
    cluster = Cluster(("alpha", 1))
    engine = RayRuns(comparison, cluster, Share(cpus=1, gpus=0))
    engine.start(Job(cell=comparison.cells[0], seed=0))
    assert engine.stop() == []
    assert cluster.killed == 1


class Ending:
    """An engine whose runs end at once, all in the same way, and leave nothing."""

    def __init__(self, how):
        self.how, self.begun = how, []

    def has_room(self):
        return True

    def start(self, job):
        self.place(job).mkdir(parents=True, exist_ok=True)
        self.begun.append(job)

    def ended(self):
        over, self.begun = self.begun, []
        return dict.fromkeys(over, self.how)

    def running(self):
        return len(self.begun)

    def lacks(self):
        return None

    def close(self):
        """Nothing is held."""


@pytest.mark.parametrize(
    ("how", "code"), [("its process ended with code 6", 6), ("its process was killed by signal 9", None)]
)
def test_what_a_run_could_not_write_down_is_told_by_how_its_process_ended(comparison, how, code):
    """On a full disk a run cannot say why it failed; the driver writes, later, what it has seen."""
    engine = Ending(how)
    engine.place = lambda job: comparison.place(job.cell, job.seed)
    drive(comparison, engine=engine, tell=lambda *_: None, after=lambda: None, stop=Stop())
    outcomes = [outcome_of(comparison.place(comparison.cells[0], seed)) for seed in comparison.seeds]
    assert [(one.status, one.exit_code) for one in outcomes] == [("failed", code)] * 2
    assert all(f"{how} 3 times" in one.reason for one in outcomes)
