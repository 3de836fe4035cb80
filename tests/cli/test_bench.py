"""``ganzoo bench``: what it prints, and what it refuses in words."""

from __future__ import annotations

import re

import pytest
from peer_libraries import LINES

from ganzoo.benchmarking import benchmark, names
from ganzoo.benchmarking.fresh import Fresh
from ganzoo.benchmarking.names import PEERS
from ganzoo.cli import bench_page
from ganzoo.cli.bench import usual

TINY = "--size 8 --batch 4 --rounds 2 --clock cpu --set data.n=16 --disc.ndf 2 --gen.ngf 2 --gen.latent 3 --device cpu"


@pytest.fixture
def quick(monkeypatch):
    """Without new processes and without the trial of the machine, which have tests of their own."""
    memory = Fresh(first_step_seconds=3.25, peak_bytes=400 * 2**20, before_bytes=300 * 2**20)
    monkeypatch.setattr(benchmark, "measure_fresh", lambda question: memory)
    monkeypatch.setattr(benchmark, "peak_gflop_per_second", lambda *_, **__: 100.0)


def test_the_figures_on_a_page_of_80_columns(ganzoo, quick, tmp_path):
    outcome = ganzoo(f"bench {TINY} --reg r1 --against plain --against hand", width=80)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[:2] == ["hinge + patchgan-sn + dcgan + r1", "synthetic 3×8×8, batch 4, fp32, cpu"]
    rows = [line.split()[0] for line in lines if re.match(r"(ganzoo|plain|hand) +\d", line)]
    assert rows == ["ganzoo", "plain", "hand"]
    assert len(re.findall(r"400 MiB +3\.2 s$", outcome.out, re.MULTILINE)) == 3
    assert re.search(r"^ganzoo / plain +[\d.]+ \([\d.]+–[\d.]+\) times as fast", outcome.out, re.MULTILINE)
    assert re.search(r"^  penalties and other regularizers +[\d.]+ +[\d.]+%$", outcome.out, re.MULTILINE)
    assert "processor time" in outcome.out
    assert list(tmp_path.iterdir()) == []


def test_where_nobody_looks_at_a_terminal_it_says_now_and_then_what_it_is_at(ganzoo, quick, monkeypatch):
    assert ganzoo(f"bench {TINY}").err == "counting operations\n"
    monkeypatch.setattr("ganzoo.cli.bench.PAUSE", 0)
    told = ganzoo(f"bench {TINY}").err.splitlines()
    assert told[:3] == ["counting operations", "measuring the peak of this machine", "warming up"]
    assert "2 rounds of 2" in told


def test_json(ganzoo, quick):
    found = ganzoo(f"bench {TINY} --json").json
    assert list(found["contestants"]) == ["ganzoo", "plain"]
    assert found["settings"]["batch_size"] == 4
    assert found["settings"]["clock"] == "cpu"
    assert found["breakdown_milliseconds"].keys() == bench_page.PARTS.keys()


@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        ("--against plian", "nothing called 'plian' to compare with; did you mean", "ganzoo bench --against plain"),
        ("--against torchgun", "did you mean 'torchgan'", "ganzoo bench --against torchgan"),
        ("--against sun", "nothing called 'sun' to compare with", "ganzoo bench --against plain"),
        (
            "--against plain --against torchgan --against torch-mimicry",
            "torchgan and torch-mimicry train networks of their own",
            "ganzoo bench --against torchgan",
        ),
        ("--example x.py", "no library is compared with", "ganzoo bench --against lightning --example x.py"),
        ("--against torchgan --example x.py", "torchgan needs no example", "ganzoo bench --against torchgan"),
        ("--against lightning", "given:   no --example", None),
        ("--against lightning --example x.py", "given:   --example x.py, which is not a file", None),
        (
            "--against torchgan --size 8 --reg r1 --reg r2 --batch 8 --disc.ndf 2 --json",
            "given:   --reg r1 --reg r2 --size 8 --set discriminator.ndf=2\n",
            "ganzoo bench --batch 8 --against torchgan --json",
        ),
        (
            "--against lightning --example 'my example.py' --against-precision bf16 --data digits",
            "given:   --data digits --against-precision bf16\n",
            "ganzoo bench --against lightning --example 'my example.py'",
        ),
        ("--rounds 1", "--rounds must be greater than or equal to 2", "ganzoo bench --help"),
        ("--batch 0", "train.batch_size = 0", None),
        ("--disc autoencoder --loss ebgan --reg pull-away --size 16 --batch 1", "cannot work on a single sample", None),
        ("--size 9000", "data.image_size = 9000", None),
        ("--loss hing", "hing", None),
        (
            "--set train.unroll_steps=1 --set data.n=16 --size 8 --disc.ndf 2",
            "--against plain",
            "--set train.unroll_steps=0",
        ),
        ("--clock sun", "--clock", "--clock wall"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_words(ganzoo, line, said, hint):
    outcome = ganzoo(f"bench {line}")
    assert outcome.code == 2
    assert outcome.out == ""
    assert said in outcome.err
    if hint:
        assert f"  next:    {hint}\n" in outcome.err.replace("root ", "ganzoo ")


@pytest.mark.parametrize("peer", PEERS)
def test_another_library(ganzoo, quick, peers, peer):
    found = ganzoo(f"bench {LINES[peer]} --against plain --batch 4 --rounds 2 --clock cpu --json").json
    assert list(found["contestants"]) == ["ganzoo", peer, "plain"]
    assert list(found["ratios"]) == [peer, "plain"]
    assert found["settings"]["discriminator"].endswith(f" of {peer}")
    assert (found["settings"]["batch_size"], found["settings"]["device"]) == (4, "cpu")
    assert all(figures["gflop_per_step"] > 0 for figures in found["contestants"].values())
    assert f"memory and start of each hold the import of {peer}" in found["remarks"][0]


def test_another_library_on_the_page(ganzoo, quick, peers):
    outcome = ganzoo(f"bench {LINES['lightning']} --batch 4 --rounds 2", width=80)
    assert outcome.code == 0
    assert outcome.out.startswith("bce + ")
    assert re.search(r"^lightning +\d", outcome.out, re.MULTILINE)
    assert re.search(r"^ganzoo / lightning +[\d.]+ \(", outcome.out, re.MULTILINE)


@pytest.mark.parametrize("peer", PEERS)
def test_a_library_that_is_not_installed_is_asked_for(ganzoo, monkeypatch, peer):
    monkeypatch.setattr(names, "find_spec", lambda package: None)
    outcome = ganzoo(f"bench {LINES[peer]}")
    assert outcome.code == 2
    assert f"--against {peer} trains with {peer}, which is not installed" in outcome.err
    assert re.search(rf"next:    python -m pip install (--no-deps )?{peer}\n", outcome.err)


def test_sizes_are_those_of_the_data_where_these_are_named():
    assert usual(data=None, config=None).values["data.image_size"] == 64
    assert usual(data="digits", config=None).values == {"data.name": "synthetic"}
    assert usual(data=None, config="sngan").values == {"data.name": "synthetic"}


def test_data_that_set_names_have_no_size_that_nobody_asked_for(ganzoo, quick):
    found = ganzoo("bench --set data.name=ring --disc mlp --gen mlp --batch 4 --rounds 2 --device cpu --json").json
    assert found["settings"]["shape"] == [2]


def test_what_is_not_measured_is_not_made_up():
    unknown = {"peak_memory_mib": None, "first_step_seconds": None}
    known = {"images_per_second": 1.0, "gflop_per_step": 1.0, "share_of_peak": 0.5}
    seconds = {"lower_quartile": 0.001, "median": 0.002, "upper_quartile": 0.003}
    row = bench_page._row("ganzoo", {"seconds_per_step": seconds, **known, **unknown})
    assert row.split()[-2:] == ["–", "–"]
