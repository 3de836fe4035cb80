"""The health of a training in words: runs that are made to fail, runs that do not, and rows made up by formula."""

from __future__ import annotations

import math
import shlex

import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.component import Component, Options
from ganzoo.config.layers import ConfigLayer, RunConfig, flatten, parse_assignments
from ganzoo.errors import DivergedError
from ganzoo.health.advice import advice
from ganzoo.health.monitor import Monitor, verdicts
from ganzoo.health.signs import WINDOW
from ganzoo.health.swing import swing
from ganzoo.planning.choice import choose
from ganzoo.protocols import Generator
from ganzoo.registry import Entry, Registry
from ganzoo.runs.run import load_run
from ganzoo.training.equilibrium import LossScale
from ganzoo.training.standing import standing


@pytest.fixture(scope="module")
def registry():
    return Registry.load(plugins=False)


def scale(name, **options):
    loss = ganzoo.build("loss", name, **options)
    tags = loss.tags() if hasattr(loss, "tags") else frozenset()
    return LossScale.of(loss, energy="needs_energy" in tags, compares="generator_needs_real" in tags)


class TestTheScaleOfALoss:
    @pytest.mark.parametrize(
        ("name", "level", "floor"),
        [
            ("bce", 2 * math.log(2), 0.0),
            ("minimax", 2 * math.log(2), 0.0),
            ("hinge", 2.0, 0.0),
            ("lsgan", 0.25, 0.0),
            ("relativistic", math.log(2), 0.0),
            ("f-gan", 0.0, -2 * math.log(2)),  # the Jensen-Shannon divergence is at most 2 ln 2
            ("ebgan", 10.0, 0.0),
            ("wgan", 0.0, None),
            ("began", None, None),
        ],
    )
    def test_known_losses(self, name, level, floor):
        found = scale(name, **({"margin": 10.0} if name == "ebgan" else {}))
        assert (found.level, found.floor) == (
            level if level is None else pytest.approx(level),
            floor if floor is None else pytest.approx(floor, abs=1e-6),
        )

    def test_a_smoothed_target_leaves_a_floor(self):
        """With targets 0.8 and 0, or as bce smooths them, no D gains all: the floor is what the best logit has."""
        found = scale("bce", label_smoothing=0.2)
        p = 0.8
        assert found.floor == pytest.approx(-(p * math.log(p) + (1 - p) * math.log(1 - p)), abs=2e-3)

    def test_a_loss_that_states_nothing_is_asked(self):
        """A loss of anyone, without equilibrium(): D(c, c) is least at c = 0."""

        class Own:
            def discriminator_loss(self, *, real, fake):
                return torch.nn.functional.softplus(-real).mean() + torch.nn.functional.softplus(fake).mean()

            def generator_loss(self, *, fake):
                return -fake.mean()

        found = LossScale.of(Own())
        assert (found.level, found.floor) == (pytest.approx(2 * math.log(2)), pytest.approx(0, abs=1e-6))
        assert found.advantage(math.log(2)) == pytest.approx(0.5)

    def test_the_pull_of_a_saturating_loss_is_its_sigmoid(self):
        assert scale("minimax").pull(real=3, fake=-6) == pytest.approx(2 / (1 + math.exp(6)))
        assert scale("hinge").pull(real=3, fake=-6) == 1
        assert scale("relativistic").pull(real=1, fake=1) == pytest.approx(1)


class TestOneBatch:
    @pytest.mark.parametrize("name", ["bce", "hinge", "lsgan", "relativistic", "f-gan"])
    def test_won_blind_and_normal(self, name):
        asked = scale(name)
        random = torch.Generator().manual_seed(0)
        same = torch.full((64,), 0.5 if name == "lsgan" else 0.0)
        far = torch.full((64,), 8.0)
        real, fake = (torch.ones(64), torch.zeros(64)) if name == "lsgan" else (far, -far)
        between = 0.5 * real + 0.25, 0.5 * fake + 0.25
        if name != "lsgan":
            noise = torch.randn(64, generator=random)
            between = noise + 0.5, noise - 0.5
        assert standing(real, fake, asked) == "D won"
        assert standing(same, same, asked) == "D blind"
        assert standing(*between, asked) == "normal"

    def test_a_loss_without_a_floor_is_judged_by_its_standard_errors(self):
        random = torch.Generator().manual_seed(0)
        logits = torch.randn(100, generator=random)
        asked = scale("wgan")
        assert standing(logits + 1e4, logits - 1e4, asked) == "normal"
        assert standing(logits, logits.flip(0) + 0.01, asked) == "D blind"
        assert standing(logits + 1, logits, asked) == "normal"


def made_up(count=100, every=10, **columns):
    """Rows whose columns are functions of their number."""
    return [{"step": every * (at + 1), **{name: f(at) for name, f in columns.items()}} for at in range(count)]


def healthy(**columns):
    return {
        "d/adversarial": lambda at: 0.9,
        "logits/real": lambda at: 0.5,
        "logits/fake": lambda at: -0.5,
        "grad_norm/g": lambda at: 1.0,
        **columns,
    }


def names(found):
    return [verdict.name for verdict in found]


class TestRows:
    def test_nothing_is_said_of_few_rows(self):
        won = healthy(**{"d/adversarial": lambda at: 0.001})
        assert verdicts([], loss=scale("bce")) == []
        assert verdicts(made_up(WINDOW - 1, **won), loss=scale("bce")) == []
        assert names(verdicts(made_up(WINDOW, **won), loss=scale("bce"))) == ["D won"]

    def test_a_verdict_begins_and_ends(self):
        """D wins in rows 41 to 80; half of a window decides."""
        rows = made_up(200, **healthy(**{"d/adversarial": lambda at: 0.001 if 40 <= at < 80 else 0.9}))
        [won] = verdicts(rows, loss=scale("bce"))
        assert won.name == "D won"
        assert won.since_step <= 410 < 800 < won.until_step <= 1000

    def test_live_and_afterwards_are_the_same(self):
        rows = made_up(150, **healthy(**{"d/adversarial": lambda at: 0.001 if at % 60 < 30 else 0.9}))
        monitor = Monitor(loss=lambda: scale("bce"))
        began = [verdict.name for row in rows for verdict in monitor.see(row)]
        assert monitor.verdicts == verdicts(rows, loss=scale("bce"))
        assert began == names(monitor.verdicts)

    def test_a_d_that_comes_to_its_equilibrium_is_not_blind(self):
        """It told apart before; at p_g = p_data the best D does not."""
        fading = healthy(
            **{
                "d/adversarial": lambda at: 2 * math.log(2) * (1 - math.exp(-at / 15)),
                "logits/real": lambda at: 2 * math.exp(-at / 15),
                "logits/fake": lambda at: -2 * math.exp(-at / 15),
            }
        )
        assert verdicts(made_up(100, **fading), loss=scale("bce")) == []
        assert names(verdicts(made_up(100, **fading)[-60:], loss=scale("bce"))) == ["D blind"]

    def test_samples_that_become_alike(self):
        fell = made_up(60, **{"samples/diversity": lambda at: 0.8 if at < 40 else 0.3})
        [verdict] = verdicts(fell)
        assert (verdict.name, verdict.since_step) == ("diversity falling", 410)
        assert verdicts(made_up(60, **{"samples/diversity": lambda at: 0.8 - 0.3 * (at == 40)})) == []

    def test_copies_count_beyond_those_among_real_pictures(self):
        def share(of_real):
            return made_up(5, **{"samples/copies": lambda at: 0.5, "samples/copies_real": lambda at: of_real})

        assert names(verdicts(share(0.0))) == ["memorizing"]
        assert verdicts(share(0.4)) == []

    def test_a_number_that_is_not_finite(self):
        rows = made_up(5, **healthy(**{"g/total": lambda at: math.nan if at == 4 else 1.0}))
        [verdict] = verdicts(rows)
        assert (verdict.name, verdict.since_step) == ("NaN", 50)
        [verdict] = verdicts(rows[:4], diverged="term adversarial of the discriminator is not finite")
        assert (verdict.name, verdict.since_step, verdict.until_step) == ("NaN", 40, None)

    def test_a_swing_in_which_players_overtake_each_other(self):
        def circling(lead):
            return made_up(
                80,
                **healthy(
                    **{
                        "logits/real": lambda at: math.sin(2 * math.pi * at / 20) + lead,
                        "logits/fake": lambda at: math.cos(2 * math.pi * at / 20),
                        "d/adversarial": lambda at: 1.2,
                    }
                ),
            )

        [verdict] = verdicts(circling(0), loss=scale("bce"))
        assert verdict.name == "oscillation"
        assert "period of some 200 steps" in verdict.evidence
        assert verdicts(circling(3), loss=scale("bce")) == [], "both sides swing, and D leads all the time"

    def test_the_autocorrelation_of_a_sine_and_of_noise(self):
        strength, period, deviation = swing([math.sin(2 * math.pi * at / 15) + 0.1 * at for at in range(60)])
        assert (strength, period) == (pytest.approx(1 - 15 / 60, abs=0.1), 15)
        assert deviation == pytest.approx(math.sqrt(0.5), rel=0.1)
        random = torch.Generator().manual_seed(0)
        noise = [swing(torch.randn(60, generator=random).tolist())[0] for _ in range(100)]
        assert max(noise) < 0.45
        assert swing([1.0] * 60) == (0.0, 0, 0.0)


IMAGES = {"name": "synthetic", "image_size": 16, "n": 64}
SMALL = {
    "loss": "bce",
    "discriminator": {"name": "dcgan", "ndf": 8},
    "generator": {"name": "dcgan", "ngf": 8, "latent": 8},
    "data": IMAGES,
    "train": {"batch_size": 8, "log_every": 1, "sample_every": 10, "checkpoint_every": 1000},
}
RING = {
    "loss": "bce",
    "discriminator": {"name": "mlp", "width": 64},
    "generator": {"name": "mlp", "width": 64},
    "data": {"name": "ring"},
    "metrics": {},
    "train": {"batch_size": 64, "log_every": 2, "sample_every": 20, "checkpoint_every": 1000},
}


SMALL_RING = {
    **RING,
    "discriminator": {"name": "mlp", "width": 32},
    "generator": {"name": "mlp", "width": 32, "latent": 8, "activation": "relu"},
}


def pictures():
    """Sixteen pictures of 4×4 blocks, uint8 (16, 8, 8): with a quarter held back, twelve are enough to judge."""
    drawn = torch.randint(0, 256, (16, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return drawn.repeat_interleave(2, 1).repeat_interleave(2, 2)


class Memory(Options):
    """A generator that can learn nothing but pictures by heart: the largest number of z picks one."""

    def build(self, spec):
        return MemoryNetwork()


class MemoryNetwork(Generator):
    def __init__(self):
        super().__init__()
        self.known = torch.nn.Parameter(0.1 * torch.randn(32, 1, 8, 8))

    def latent(self, n, *, generator):
        return torch.randn(n, len(self.known), generator=generator)

    def forward(self, z, labels=None):
        return torch.einsum("nk,kchw->nchw", (1000 * z).softmax(1), self.known.tanh())


def trained(base, out, registry, **train):
    """A whole run; ``train`` may hold other sections, too."""
    sections = {name: train.pop(name) for name in ("loss", "regularizers") if name in train}
    return ganzoo.run({**base, **sections, "train": {**base["train"], **train}}, out=out, registry=registry)


class TestRunsThatAreMadeToFail:
    def test_a_d_that_wins_against_a_saturating_loss(self, tmp_path, registry):
        run = trained(SMALL, tmp_path, registry, loss="minimax", g_lr=1e-5, d_lr=5e-3, steps=40)
        found = run.health()
        assert {"D won", "G's gradient gone"} <= set(names(found))
        [gone] = [verdict for verdict in found if verdict.name == "G's gradient gone"]
        assert gone.command.endswith("--loss hinge")
        said = run.directory.read_manifest()["warnings"]
        for name in ("D won", "G's gradient gone"):
            assert sum(text.startswith(f"{name} since step") for text in said) == 1, "once, at its start"
            assert f"WARNING {name} since step" in run.directory.log.read_text()

    @pytest.mark.parametrize(
        "setting",
        [
            pytest.param({"d_lr": 1e-9}, id="never-learns"),
            pytest.param(
                {"loss": "wgan", "regularizers": {"weight-clip": {"clip": 1e-6}}, "n_critic": 1}, id="clipped-dead"
            ),
        ],
    )
    def test_a_d_that_is_blind(self, tmp_path, registry, setting):
        run = trained(RING, tmp_path, registry, **setting, steps=50)
        assert "D blind" in names(run.health())

    def test_players_that_overtake_each_other(self, tmp_path, registry):
        """Clipped far too wide, with large steps: D and G circle."""
        unstable = {"loss": "wgan", "regularizers": {"weight-clip": {"clip": 0.1}}, "n_critic": 1}
        base = {**SMALL_RING, "train": {**RING["train"], "log_every": 1, "sample_every": 200}}
        rates = {"g_lr": 1e-2, "d_lr": 1e-3, "g_betas": [0.0, 0.99], "d_betas": [0.0, 0.99]}
        run = trained(base, tmp_path, registry, **unstable, **rates, steps=110)
        assert "oscillation" in names(run.health())

    def test_samples_that_become_alike(self, tmp_path, registry):
        """G takes large steps, with momentum, against a D that is slow: all samples go where D likes them best."""
        base = {**SMALL_RING, "train": {**RING["train"], "log_every": 4, "sample_every": 4}}
        rates = {"g_lr": 1e-2, "d_lr": 1e-3, "g_betas": [0.9, 0.99], "d_betas": [0.9, 0.99]}
        run = trained(base, tmp_path, registry, **rates, steps=60)
        assert "diversity falling" in names(run.health())

    def test_a_generator_that_learns_its_pictures_by_heart(self, tmp_path, registry):
        """What it knows in the end it has from D alone."""
        folder = tmp_path / "pictures"
        folder.mkdir()
        for number, picture in enumerate(pictures()):
            Image.fromarray(picture.numpy()).save(folder / f"{number}.png")
        component = Component(kind="generator", name="memory", target=f"{__name__}:Memory", summary="Pictures")
        entry = Entry(component=component, distribution="acme", version="1.0", entry_point="main")
        data = {"name": "pictures", "path": str(folder), "image_size": 8}
        config = {**SMALL, "generator": {"name": "memory"}, "discriminator": {"name": "mlp", "width": 64}, "data": data}
        rates = {"g_lr": 0.025, "d_lr": 0.005, "regularizers": {"r1": {"weight": 0.05}}, "ema": None}
        looks = {"batch_size": 16, "log_every": 10, "sample_every": 50}
        run = trained(config, tmp_path / "runs", Registry([*registry.entries(), entry]), **rates, **looks, steps=310)
        first, *_, last = [row["samples/copies"] for row in run.metrics() if "samples/copies" in row]
        assert first == 0 < last
        assert "memorizing" in names(run.health())

    def test_a_number_that_is_not_finite(self, tmp_path, registry):
        with pytest.raises(DivergedError):
            trained(RING, tmp_path, registry, d_lr=1e30, g_lr=1e30, steps=50)
        [path] = [path for path in tmp_path.iterdir() if path.is_dir()]
        [verdict] = load_run(path).health()
        assert (verdict.name, verdict.until_step) == ("NaN", None)


@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_is_said_of_a_healthy_run(tmp_path, registry, seed):
    config = {**SMALL, "seed": seed, "loss": "hinge", "discriminator": {"name": "patchgan-sn", "ndf": 8}}
    run = trained(config, tmp_path, registry, steps=40)
    assert run.health() == []
    looked = [row for row in run.metrics() if "samples/diversity" in row]
    assert [row["step"] for row in looked] == [10, 20, 30, 40]
    assert all(row["samples/diversity"] > 0 and 0 <= row["samples/copies"] <= 1 for row in looked)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("D won", "too fast"),
        ("D won", "no limit"),
        ("D blind", "too slow"),
        ("D blind", "too fast"),
        ("G's gradient gone", ""),
        ("G's gradient gone", "flat loss"),
        ("diversity falling", ""),
        ("oscillation", ""),
        ("memorizing", ""),
        ("NaN", ""),
    ],
)
@pytest.mark.parametrize("config", [{}, {"augment": {"ada": {}}, "train": {"g_betas": [0.9, 0.999], "steps": 10}}])
def test_every_command_can_be_run(registry, name, cause, config):
    """What it sets is a configuration, another one than before."""
    before = RunConfig.model_validate({"loss": {"name": "minimax"}, **config})
    command = advice(name, cause, config=before, again="ganzoo run").command
    words = shlex.split(command)[2:]
    values = {}
    sections = {"--reg": "regularizers", "--augment": "augment"}
    for flag, value in zip(words[::2], words[1::2], strict=True):
        if flag == "--set":
            values |= parse_assignments([value])
        elif flag == "--loss":
            values["loss.name"] = value
        else:
            values[f"{sections[flag]}.{value}"] = {}
    layers = [ConfigLayer("file", flatten(before.model_dump(mode="json"))), ConfigLayer("--set", values)]
    assert choose(registry, layers).config != before


def test_a_run_that_has_time_and_no_steps_is_told_to_take_half_of_it():
    config = RunConfig.model_validate({"augment": {"ada": {}}, "train": {"minutes": 30}})
    told = advice("memorizing", "", config=config, again="ganzoo run")
    assert told.command == "ganzoo run --set train.minutes=15", "and not train.steps=1"


def test_the_phrase_of_the_line():
    rows = made_up(30, **healthy(**{"d/adversarial": lambda at: 0.001}))
    assert [verdict.phrase for verdict in verdicts(rows, loss=scale("bce"))] == ["D won since step 10"]
