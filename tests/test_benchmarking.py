"""What ``ganzoo bench`` measures, with clocks that the tests turn: no test here looks at how long anything takes."""

from __future__ import annotations

import itertools
import json

import pytest
import torch

from ganzoo import allocator
from ganzoo.benchmarking import benchmark, contestants, fresh, timing, work
from ganzoo.benchmarking.benchmark import BenchOptions, bench
from ganzoo.benchmarking.breakdown import PARTS, Stopwatch, breakdown
from ganzoo.benchmarking.contestant import Contestant
from ganzoo.benchmarking.contestants import RIVALS, Entered, GanzooLoop, entered
from ganzoo.benchmarking.figures import ratio, seconds_of, spread
from ganzoo.benchmarking.fresh import Fresh, Question, measure_fresh, status_bytes
from ganzoo.benchmarking.machine import machine
from ganzoo.benchmarking.names import LOOPS
from ganzoo.benchmarking.rounds import Turn, take_turns
from ganzoo.config.layers import ConfigLayer, flatten
from ganzoo.errors import ConfigError
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Registry

REGISTRY = Registry.load(plugins=False)
VALUES = {
    "discriminator.ndf": 2,
    "generator.ngf": 2,
    "generator.latent": 3,
    "data.name": "synthetic",
    "data.n": 16,
    "data.image_size": 8,
    "train.batch_size": 4,
    "train.log_every": 2,
    "runtime.device": "cpu",
}


def tiny_plan(**values):
    return make_plan(choose(REGISTRY, [ConfigLayer("test", VALUES | values)]))


class Worker(Contestant):
    """A contestant that takes a known time on clocks that it turns by itself."""

    def __init__(self, clocks, name, turns):
        self.clocks, self.name, self.turns = clocks, name, iter(turns)

    def step(self):
        wall, cpu = next(self.turns)
        self.clocks.order.append(self.name)
        self.clocks.now = self.clocks.now[0] + wall, self.clocks.now[1] + cpu


class Clocks:
    def __init__(self):
        self.now, self.order = (0.0, 0.0), []

    def pair(self):
        return (lambda: self.now[0]), (lambda: self.now[1])


def worked(*, rounds, steps=1, untimed=0, repeat=True, **turns):
    """The rounds of workers whose steps took so long, and the order in which they came."""
    clocks = Clocks()
    workers = {name: Worker(clocks, name, taken) for name, taken in turns.items()}
    told = []
    timed = take_turns(
        workers,
        rounds=rounds,
        steps=steps,
        untimed=untimed,
        warmup=1,
        repeat=repeat,
        clocks=clocks.pair(),
        tell=told.append,
    )
    return timed, "".join(clocks.order), told


QUIET = (1.0, 1.0)


def test_contestants_take_turns_in_every_order_and_the_warm_up_does_not_count():
    timed, order, told = worked(rounds=3, a=[(9.0, 9.0)] + [QUIET] * 3, b=[(2.0, 2.0)] * 4)
    assert order == "abbaabba"
    assert timed.rounds == [{"a": Turn(1.0, 1.0), "b": Turn(2.0, 2.0)}] * 3
    assert (timed.disturbed, timed.repeated, told) == (0, 0, [1, 2, 3])


def test_a_turn_may_be_several_steps():
    timed, order, _ = worked(rounds=2, steps=3, a=[(1.0, 1.0)] * 9)
    assert order == "a" * 9
    assert seconds_of(timed.rounds, "a", clock="wall", steps=3) == [1.0, 1.0]


def test_a_turn_begins_with_a_step_that_finds_what_others_left_and_is_not_timed():
    timed, order, _ = worked(rounds=2, steps=2, untimed=1, a=[(9.0, 9.0), QUIET, QUIET] * 3, b=[QUIET] * 9)
    assert order == "aaabbbbbbaaaaaabbb"
    assert seconds_of(timed.rounds, "a", clock="wall", steps=2) == [1.0, 1.0]


class Unasked(Worker):
    """Its loop calls back, and cannot be asked for a step."""

    def steps(self, count, done):
        for number in range(count):
            super().step()
            done(number + 1)

    def step(self):
        raise AssertionError("asked for one step")


def test_a_loop_that_calls_back_is_timed_in_the_same_way():
    clocks = Clocks()
    worker = contestants.WithMemory(
        Unasked(clocks, "a", [(9.0, 9.0), (1.0, 2.0), (1.0, 2.0)] * 3), free=allocator.NEVER
    )
    timed = take_turns({"a": worker}, rounds=2, steps=2, untimed=1, warmup=1, clocks=clocks.pair())
    assert timed.rounds == [{"a": Turn(2.0, 4.0)}] * 2


def test_a_round_that_others_disturbed_is_taken_again():
    waited = (1.5, 1.0)
    timed, _, told = worked(rounds=3, a=[QUIET, QUIET, waited, QUIET, QUIET], b=[QUIET] * 5)
    assert timed.rounds == [{"a": Turn(*QUIET), "b": Turn(*QUIET)}] * 3
    assert (timed.disturbed, timed.repeated, told) == (0, 1, [1, 2, 3, 4])


def test_on_a_busy_machine_the_least_disturbed_rounds_count_and_it_is_told():
    waits = [(1.0 + 0.2 * number, 1.0) for number in (0, 5, 3, 4, 0, 1, 2)]
    timed, _, _ = worked(rounds=3, a=waits)
    assert [row["a"].wall for row in timed.rounds] == pytest.approx([1.0, 1.2, 1.4])
    assert (timed.disturbed, timed.repeated) == (2, 3)


def test_where_processor_time_is_counted_nothing_is_taken_again():
    timed, order, _ = worked(rounds=2, repeat=False, a=[QUIET, (5.0, 1.0), QUIET])
    assert (len(order), timed.disturbed, timed.repeated) == (3, 1, 0)


def test_a_threaded_step_is_compared_with_itself():
    """Two threads make more processor time than passes: what counts is a change of that."""
    timed, _, _ = worked(rounds=2, a=[(1.0, 2.0)] * 3, b=[QUIET] * 3)
    assert timed.disturbed == 0


def test_figures():
    rounds = [{"a": Turn(one, 1.0), "b": Turn(other, 2.0)} for one, other in ((2.0, 1.0), (4.0, 4.0), (9.0, 3.0))]
    assert ratio(rounds, "a", "b", clock="wall") == {
        "lower_quartile": 1.5, "median": 2.0, "upper_quartile": 2.5, "of_least_seconds": 2.0
    }  # fmt: skip
    assert ratio(rounds, "a", "b", clock="cpu")["median"] == 0.5
    assert spread([4.0, 1.0, 2.0]) == {"least": 1.0, "lower_quartile": 1.5, "median": 2.0, "upper_quartile": 3.0}


class Product(Contestant):
    """Operations are known: 2·8·16·4 of one product."""

    def step(self):
        torch.ones(8, 16) @ torch.ones(16, 4) + 1


def test_operations_are_counted():
    assert work.work_of_step(Product(), steps=3).gflop == pytest.approx(2 * 8 * 16 * 4 / 1e9)


def test_the_peak_is_the_best_rate():
    """By a clock on which everything takes a second, the largest trial is the fastest."""
    seconds = itertools.count()
    peak = work.peak_gflop_per_second(torch.device("cpu"), torch.float32, clock=lambda: float(next(seconds)))
    assert peak == pytest.approx(2 * 8 * 32**2 * 128**2 * 9 / 1e9)


def test_the_largest_block_is_of_those_that_the_allocator_learns_from():
    """64 kB come out of the product; a tensor that the system gives by itself does not count."""

    class Large(Product):
        def step(self):
            torch.ones(128, 2) @ torch.ones(2, 128)
            torch.empty(2**23)

    assert work.work_of_step(Large(), steps=1).largest == 4 * 128 * 128


def test_loops_by_hand_have_memory_as_they_would_alone_and_leave_ganzoos_behind(monkeypatch):
    plan, asked = tiny_plan(), []
    who = dict.fromkeys(contestants.entered(plan, ("plain", "hand")), plan)
    free = timing.kept_free(who, {one.label: work.Work(gflop=1.0, largest=1000) for one in who})
    assert free == {"ganzoo": allocator.NEVER, "plain": 2000, "hand": 2000}
    monkeypatch.setattr(allocator, "give_back_above", asked.append)
    turns = contestants.WithMemory(Product(), free=free["plain"])
    with turns.active():
        assert asked == [2000]
    assert asked == [2000, allocator.NEVER]


@pytest.mark.parametrize("variable", allocator.VARIABLES)
def test_nobody_has_memory_of_his_own_where_the_user_chose_an_allocator(monkeypatch, tmp_path, variable):
    monkeypatch.setenv(variable, "1")
    monkeypatch.setattr(allocator, "give_back_above", lambda free: pytest.fail("the user has chosen"))
    who = {one: tiny_plan() for one in contestants.entered(tiny_plan(), ("plain",))}
    timing.timed(who, tmp_path, work={}, rounds=2, steps=1, repeat=False)


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ({}, 1),
        ({"regularizers.r1.every": 4}, 4),
        ({"regularizers.r1.every": 4, "regularizers.lecam": {}, "regularizers.r2.every": 6}, 12),
    ],
)
def test_a_turn_holds_each_lazy_term_as_often_as_it_acts(values, steps):
    assert work.steps_of_a_round(tiny_plan(**values)) == steps


@pytest.mark.parametrize(
    "values", [{}, {"regularizers.r1": {}}, {"discriminator.norm": "none", "discriminator.name": "patchgan"}], ids=str
)
def test_the_careful_loop_computes_as_much_as_ganzoo_and_the_plain_one_more(tmp_path, values):
    plan = tiny_plan(**values)
    counted = {}
    for one in entered(plan, ("plain", "hand")):
        with one.built(one.plan(plan), tmp_path) as contestant:
            counted[one.label] = work.work_of_step(contestant, steps=1).gflop
    assert counted["hand"] == counted["ganzoo"] > 0
    assert counted["plain"] > counted["ganzoo"]


def test_stopwatch_counts_each_moment_once():
    now = itertools.count()
    watch = Stopwatch(clock=lambda: float(next(now)))
    with watch.part("rest"), watch.part("penalty"), watch.part("data"):  # at 0, 1 and 2
        pass  # they end at 3, 4 and 5
    assert {part: seconds for part, seconds in watch.seconds.items() if seconds} == {
        "rest": 2.0, "penalty": 2.0, "data": 1.0
    }  # fmt: skip


def ticking():
    """A clock that goes on by one at every look."""
    now = itertools.count()
    looks = []

    def clock():
        looks.append(next(now))
        return float(looks[-1])

    return clock, looks


def test_the_parts_add_up_to_the_step_and_change_nothing_of_it(tmp_path):
    values = {"regularizers.r1": {}, "augment.diffaugment": {}, "train.n_critic": 2, "loss.name": "relativistic"}
    plain, watched = tiny_plan(**values), tiny_plan(**values)
    loop = GanzooLoop(plain, folder=tmp_path)
    with loop.active():
        for _ in range(3):
            loop.step()
    loop.rows.close()
    clock, looks = ticking()
    untouched = torch.Tensor.backward
    parts = breakdown(watched, folder=tmp_path, steps=2, warmup=1, clock=clock)
    assert torch.Tensor.backward is untouched
    assert tuple(parts) == PARTS
    assert all(seconds > 0 for seconds in parts.values())
    between = 2  # from the end of one step to the beginning of the next, where no part is open
    assert 2 * sum(parts.values()) <= looks[-1]
    assert looks[-1] - 2 * sum(parts.values()) > between
    for one, other in ((plain.generator, watched.generator), (plain.discriminator, watched.discriminator)):
        assert all(map(torch.equal, one.state_dict().values(), other.state_dict().values()))


def test_a_part_that_is_not_there_takes_nothing(tmp_path):
    clock, _ = ticking()
    parts = breakdown(tiny_plan(), folder=tmp_path, steps=1, warmup=0, clock=clock)
    assert (parts["penalty"], parts["augmentation"]) == (0, 0)
    # Two looks for each call; one network in one pass is called once.
    assert parts["data"] == parts["discriminator_forward"] == parts["discriminator_backward"] == 1
    assert parts["generator_forward"] == parts["optimizer"] == 2


def test_status_is_read_as_linux_writes_it(tmp_path):
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmHWM:\t  2048 kB\n")
    assert status_bytes("VmHWM", status=status) == 2 * 2**20
    assert status_bytes("VmRSS", status=status) is None
    assert status_bytes("VmHWM", status=tmp_path / "missing") is None


def question(plan, **changed):
    values = flatten(plan.config.model_dump(mode="json"))
    return Question(**{"values": values, "loop": "hand", "plugins": False, "threads": 1, "steps": 2} | changed)


def test_a_new_process_tells_of_its_first_step_and_its_memory():
    told = measure_fresh(question(tiny_plan()))
    assert told.trouble == ""
    assert told.first_step_seconds > 0
    assert told.peak_bytes >= told.before_bytes > 2**20


def test_a_process_that_fails_says_why():
    told = measure_fresh(question(tiny_plan(), values={"loss.name": "hing"}))
    assert told.first_step_seconds is None
    assert told.trouble.startswith("a process of its own ended with exit code 1: ")


@pytest.mark.parametrize("loop", ["ganzoo", *LOOPS])
def test_what_the_new_process_does(loop):
    told = []
    fresh.answer(question(tiny_plan(), loop=loop), tell=told.append)
    first, memory = told
    assert first == "first step"
    assert memory.keys() == {"peak_bytes", "before_bytes"}


@pytest.fixture
def in_this_process(monkeypatch):
    """New processes cost seconds each, and are tried above; the peak is tried above too."""
    asked = []

    def measured(question):
        asked.append(question)
        if question.loop == "reused":
            return Fresh(trouble="it ran out of memory")
        return Fresh(first_step_seconds=2.0, peak_bytes=3 * 2**20, before_bytes=2**20)

    monkeypatch.setattr(benchmark, "measure_fresh", measured)
    monkeypatch.setattr(benchmark, "peak_gflop_per_second", lambda *_, **__: 100.0)
    return asked


def test_everything_that_is_found_out(in_this_process):
    plan = tiny_plan(**{"regularizers.r1.every": 2})
    before = {name: value.clone() for name, value in plan.generator.state_dict().items()}
    wanted = BenchOptions(
        rivals=("plain", "hand", "reused"), rivals_precision="bf16", rounds=2, clock="cpu", plugins=False
    )
    said = []
    result = json.loads(json.dumps(bench(plan, wanted, tell=said.append)))
    assert list(result) == [
        "ganzoo", "machine", "settings", "contestants", "ratios", "peak_gflop_per_second", "breakdown_milliseconds",
        "rounds", "remarks",
    ]  # fmt: skip
    labels = ["ganzoo", "plain bf16", "hand bf16", "reused bf16"]
    assert list(result["contestants"]) == labels
    assert list(result["ratios"]) == labels[1:]
    for figures in result["contestants"].values():
        assert list(figures) == [
            "precision", "images_per_second", "seconds_per_step", "gflop_per_step", "gflop_per_second", "share_of_peak",
            "peak_memory_mib", "step_memory_mib", "first_step_seconds",
        ]  # fmt: skip
        assert figures["images_per_second"] == pytest.approx(4 / figures["seconds_per_step"]["median"])
        assert figures["share_of_peak"] == pytest.approx(figures["gflop_per_second"] / 100)
    ours = result["contestants"]["ganzoo"]
    assert (ours["peak_memory_mib"], ours["step_memory_mib"], ours["first_step_seconds"]) == (3.0, 2.0, 2.0)
    assert result["contestants"]["reused bf16"]["peak_memory_mib"] is None
    assert result["remarks"] == ["reused bf16: it ran out of memory"]
    assert result["settings"]["steps_per_turn"] == 2
    assert result["settings"]["regularizers"] == ["r1"]
    assert result["peak_gflop_per_second"] == {"fp32": 100.0, "bf16": 100.0}
    assert result["rounds"].keys() == {"kept", "disturbed", "repeated"}
    assert said[0] == "counting operations"
    asked = [(one.loop, one.values["runtime.precision"], one.steps) for one in in_this_process]
    assert asked == [("ganzoo", "fp32", 3), ("plain", "bf16", 3), ("hand", "bf16", 3), ("reused", "bf16", 3)]
    assert all(torch.equal(value, before[name]) for name, value in plan.generator.state_dict().items())


def test_a_lazy_penalty_has_its_own_share_of_the_mean_step(in_this_process, monkeypatch):
    """Two turns of three steps hold four rounds' worth: the fourth step alone would make its share too small."""
    asked = []

    def looked_at(plan, *, steps, **_):
        asked.append(steps)
        return dict.fromkeys(PARTS, 1.0)

    monkeypatch.setattr(benchmark, "breakdown", looked_at)
    bench(tiny_plan(**{"regularizers.r1.every": 3}), BenchOptions(rounds=4))
    bench(tiny_plan(), BenchOptions(rounds=4))
    assert asked == [6, 4]


@pytest.mark.parametrize(
    ("values", "rival", "hint"),
    [
        ({"train.unroll_steps": 1}, "plain", "--set train.unroll_steps=0"),
        (
            {"schedules.train.g_lr": {"steps": [0, 9], "values": [1e-3, 1e-4]}},
            "hand",
            "--set schedules=none",
        ),
        (
            {"train.updates": "simultaneous", "train.fakes": "shared", "loss.name": "minimax"},
            "hand",
            "--set train.updates=alternating",
        ),
        ({"train.accumulate": 2}, "reused", "--set train.accumulate=1"),
    ],
)
def test_what_no_loop_by_hand_does_is_refused(values, rival, hint):
    with pytest.raises(ConfigError) as caught:
        entered(tiny_plan(**values), (rival,))
    assert caught.value.hint == hint
    assert f"--against {rival}" in str(caught.value)


def test_every_name_is_a_loop():
    assert tuple(RIVALS) == LOOPS


def test_a_rival_in_the_same_precision_needs_no_second_name():
    assert [one.label for one in entered(tiny_plan(), ("plain", "plain"), precision="fp32")] == ["ganzoo", "plain"]


def test_a_plan_that_is_measured_is_that_of_its_contestant():
    plan = Entered(label="x", loop="hand", precision="bf16").plan(
        tiny_plan(**{"runtime.compile": True}), compiled=False
    )
    assert (plan.config.runtime.precision, plan.config.runtime.compile) == ("bf16", False)


def test_bf16_units_are_read_from_the_processor(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name\t: A processor\nflags\t\t: fpu avx512_bf16 amx_bf16 sse\n")
    facts = machine(cpuinfo=cpuinfo)
    assert (facts["processor"], facts["bf16_units"]) == ("A processor", ["amx_bf16", "avx512_bf16"])
    assert machine(cpuinfo=tmp_path / "missing")["bf16_units"] == []
    assert facts["cores"] >= 1


@pytest.mark.parametrize(("device", "name"), [("cuda:1", "GPU 1"), ("cpu", "GPU 0")])
def test_the_gpu_that_is_named_is_the_one_that_is_measured(monkeypatch, device, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=0: f"GPU {getattr(device, 'index', device)}")
    assert machine(torch.device(device))["gpu"] == name
