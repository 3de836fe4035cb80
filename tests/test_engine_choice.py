"""Where a comparison is computed, and what of a node each run reserves."""

from types import SimpleNamespace

import pytest

from ganzoo.errors import ConfigError, ResourceError
from ganzoo.studies.comparison import Comparison
from ganzoo.studies.engine_choice import EngineChoice, check_engine, check_installed, choose_engine, write_choice
from ganzoo.studies.ray_cluster import Share, share_of_a_node, slots


@pytest.fixture
def comparison(tmp_path):
    return Comparison(path=tmp_path, asked={}, words="", cells=())


@pytest.fixture
def ray(monkeypatch):
    """As if Ray were installed."""
    monkeypatch.setattr("ganzoo.studies.engine_choice.find_spec", lambda name: object())


@pytest.mark.usefixtures("ray")
class TestWhereItIsComputed:
    def test_as_it_was_begun_unless_said(self, comparison):
        assert choose_engine(comparison, None, None) == EngineChoice()
        begun = EngineChoice(engine="ray", address="10.0.0.1:6379")
        write_choice(comparison, begun)
        assert choose_engine(comparison, None, None) == begun
        assert choose_engine(comparison, "ray", "10.0.0.2:6379").address == "10.0.0.2:6379"
        assert choose_engine(comparison, "local", None).engine == "local"

    @pytest.mark.parametrize(("engine", "address"), [("local", None), (None, "10.0.0.2:6379")])
    def test_runs_that_were_left_elsewhere_are_not_computed_twice(self, comparison, engine, address):
        left = EngineChoice(engine="ray", address="10.0.0.1:6379", keeper="0001-x")
        write_choice(comparison, left)
        assert choose_engine(comparison, "ray", None) == left
        with pytest.raises(ConfigError, match=r"left running on the Ray cluster 10\.0\.0\.1:6379"):
            choose_engine(comparison, engine, address)

    def test_a_local_comparison_leaves_no_file(self, comparison):
        write_choice(comparison, EngineChoice())
        assert not list(comparison.path.iterdir())

    @pytest.mark.parametrize(
        ("engine", "address", "words"), [("dask", None, "no such engine"), ("local", "10.0.0.1:6379", "Ray cluster")]
    )
    def test_what_is_refused(self, engine, address, words):
        with pytest.raises(ConfigError, match=words):
            check_engine(engine, address)


def test_an_engine_that_is_not_installed(ganzoo_without_ray):
    with pytest.raises(ConfigError) as caught:
        check_installed("ray")
    assert caught.value.hint == "python -m pip install 'ganzoo[ray]'"


@pytest.fixture
def ganzoo_without_ray(monkeypatch):
    monkeypatch.setattr("ganzoo.studies.engine_choice.find_spec", lambda name: None)


def cluster(*nodes):
    """As Ray lists nodes: (cores, GPUs) of each."""
    listed = [
        {"Alive": True, "NodeName": f"node-{place}", "Resources": {"CPU": float(cores), "GPU": float(gpus)}}
        for place, (cores, gpus) in enumerate(nodes)
    ]
    return SimpleNamespace(nodes=lambda: listed)


@pytest.mark.parametrize(
    ("nodes", "jobs", "gpu", "share", "at_once"),
    [
        ([(0, 0), (4, 0), (4, 0)], 1, True, Share(cpus=4, gpus=0), 2),
        ([(4, 0), (4, 0)], 2, True, Share(cpus=2, gpus=0), 4),
        ([(4, 0), (9, 0)], 2, True, Share(cpus=2, gpus=0), 6),
        ([(1, 0)], 8, True, Share(cpus=1, gpus=0), 1),
        ([(2, 0), (8, 2)], 1, True, Share(cpus=8, gpus=1), 1),
        ([(2, 0), (8, 1)], 2, True, Share(cpus=4, gpus=0.5), 2),
        ([(2, 0), (8, 1)], 1, False, Share(cpus=2, gpus=0), 5),
    ],
    ids=["whole nodes", "halves", "a larger node", "few cores", "nodes with GPUs alone", "half a GPU", "no GPU wanted"],
)
def test_runs_divide_the_smallest_node(nodes, jobs, gpu, share, at_once):
    ray = cluster(*nodes)
    assert share_of_a_node(ray, jobs=jobs, gpu=gpu) == share
    assert slots(ray, share) == at_once


def test_a_cluster_without_cores():
    with pytest.raises(ResourceError, match="no node of the Ray cluster has a core") as caught:
        share_of_a_node(cluster((0, 0)), jobs=1, gpu=True)
    assert caught.value.given == "node-0: 0"
