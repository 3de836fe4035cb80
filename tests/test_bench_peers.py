"""Other libraries beside ganzoo: the same networks, pictures and updates; real ones where they are installed."""

from __future__ import annotations

import sys

import pytest
import torch
from peer_libraries import EXAMPLE
from torch.optim.optimizer import register_optimizer_step_post_hook

from ganzoo.benchmarking import fresh, names, timing
from ganzoo.benchmarking.contestants import GanzooLoop, entered
from ganzoo.benchmarking.fresh import Question
from ganzoo.benchmarking.names import PEERS, Asked
from ganzoo.benchmarking.peers.match import KINDS, match
from ganzoo.errors import ConfigError
from ganzoo.registry import Registry

REGISTRY = Registry.load(plugins=False)


def asked(peer, **changed):
    return Asked(**{"peer": peer, "batch": 4, "example": str(EXAMPLE) if PEERS[peer].example else None} | changed)


@pytest.fixture(params=PEERS)
def matched(request, peers):
    return match(REGISTRY, asked(request.param))


def weights(network):
    return {name.removeprefix("network."): value for name, value in network.state_dict().items()}


def alike(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_both_begin_with_the_same_weights_as_often_as_they_are_made(matched, tmp_path):
    for _ in range(2):
        peer, plan = matched.start(tmp_path), matched.untrained()
        for role in ("discriminator", "generator"):
            assert alike(weights(getattr(plan, role)), weights(getattr(peer, role)))


def test_both_move_their_own_networks_alone(matched, tmp_path):
    peer, first = matched.start(tmp_path), matched.untrained()
    loop = GanzooLoop(matched, folder=tmp_path)
    with peer.active():
        peer.step()
    assert alike(weights(matched.generator), weights(first.generator))
    with loop.active():
        loop.step()
    loop.rows.close()
    for role in ("discriminator", "generator"):
        assert not alike(weights(getattr(peer, role)), weights(getattr(first, role)))
        assert not alike(weights(getattr(matched, role)), weights(getattr(first, role)))
        assert not alike(weights(getattr(matched, role)), weights(getattr(peer, role)))


def settings(optimizer):
    [group] = optimizer.param_groups
    return round(group["lr"], 7), group["betas"], group["eps"], group["weight_decay"]


def test_a_step_has_as_many_updates(matched, tmp_path):
    """Of optimizers with the same settings, on either side."""
    moved = []
    handle = register_optimizer_step_post_hook(lambda one, *_: moved.append(settings(one)))
    try:
        peer, loop = matched.start(tmp_path), GanzooLoop(matched, folder=tmp_path)
        with peer.active():
            peer.steps(3)
        theirs = len(moved)
        for _ in range(3):
            loop.step()
        loop.rows.close()
    finally:
        handle.remove()
    assert theirs == len(moved) - theirs == 3 * (1 + matched.config.train.n_critic)
    assert len(set(moved)) == 1


def test_each_step_is_heard_of(matched, tmp_path):
    heard, peer = [], matched.start(tmp_path)
    with peer.active():
        peer.steps(3, heard.append)
    assert heard == [1, 2, 3]


def test_both_see_the_same_pictures(matched, tmp_path):
    peer = matched.start(tmp_path)
    batches = iter(peer.batches)
    seen = torch.cat([next(batches)[0] for _ in range(1024 // 4)])
    ours = matched.dataset.read(torch.arange(len(matched.dataset))) / 127.5 - 1
    assert seen.shape == ours.shape
    assert torch.equal(seen.flatten(1).sum(1).sort().values, ours.flatten(1).sum(1).sort().values)


def test_turns_and_operations_are_those_of_any_contestant(matched, tmp_path):
    peer = matched.asked.peer
    who = dict.fromkeys(entered(matched, (peer, "plain")), matched)
    work = timing.work_of(who, tmp_path, steps=1)
    assert list(work) == ["ganzoo", peer, "plain"]
    assert all(one.gflop > 0 for one in work.values())
    turns = timing.timed(who, tmp_path, work=work, rounds=2, steps=1, repeat=False)
    assert all(turn.wall > 0 for row in turns.rounds for turn in row.values())


def test_a_new_process_trains_the_same(matched):
    """Here in this one."""
    for loop in ("ganzoo", matched.asked.peer, "plain"):
        told = []
        question = Question(values={}, loop=loop, plugins=False, threads=1, steps=2, match=vars(matched.asked))
        fresh.answer(question, tell=told.append)
        assert told[0] == "first step"


def test_a_batch_may_hold_more_than_all_pictures(peers, tmp_path):
    plan = match(REGISTRY, asked("torchgan", batch=1100))
    peer = plan.start(tmp_path)
    with peer.active():
        peer.step()
    assert len(plan.dataset) == 1100


def test_a_batch_is_that_of_the_example(peers):
    found = {name: match(REGISTRY, asked(name, batch=None)).config.train.batch_size for name in PEERS}
    assert found == {"torchgan": 64, "torch-mimicry": 64, "lightning": 32}


def test_what_was_pretended_is_gone(matched):
    assert "torch_mimicry" not in sys.modules
    if "torchvision" in sys.modules:
        assert sys.modules["torchvision"].__spec__ is not None


def test_every_library_has_a_contestant():
    assert KINDS.keys() == PEERS.keys()


def test_one_picture_cannot_be_normalized(peers):
    with pytest.raises(ConfigError, match="normalize over the batch") as caught:
        match(REGISTRY, asked("lightning", batch=1))
    assert (caught.value.given, caught.value.allowed) == ("--batch 1", "at least 2")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import somewhere_else", "ModuleNotFoundError: No module named 'somewhere_else'"),
        ("1 / 0", "ZeroDivisionError"),
        ("class Gan: ...", "AttributeError: module 'example_of_lightning' has no attribute 'GAN'"),
    ],
)
def test_another_file_is_not_the_example(peers, tmp_path, content, said):
    path = tmp_path / "example.py"
    path.write_text(content)
    with pytest.raises(ConfigError, match="the example of lightning cannot be imported") as caught:
        match(REGISTRY, asked("lightning", example=str(path)))
    assert said in str(caught.value)
    assert caught.value.given == f"--example {path}"
    assert caught.value.hint.startswith("curl -O https://")


def test_a_library_that_cannot_be_imported_says_why(monkeypatch, tmp_path):
    """As one that is older than torch."""
    package = tmp_path / "torchgan_of_long_ago"
    package.mkdir()
    (package / "__init__.py").write_text("import torch; torch.no_such_name")
    monkeypatch.syspath_prepend(tmp_path)
    library = names.Library(package=package.name, install="torchgan")
    monkeypatch.setattr(names, "PEERS", {"torchgan": library})
    monkeypatch.setattr("ganzoo.benchmarking.peers.importing.PEERS", names.PEERS)
    names.check_there(asked_for := Asked(peer="torchgan"))
    with pytest.raises(ConfigError) as caught:
        match(REGISTRY, asked_for)
    assert "trains with torchgan, which cannot be imported: AttributeError: " in caught.value.message
    assert caught.value.hint == "python -m pip install torchgan"
