"""From a plan to a set-up: which optimizer, which passes, which device."""

import pytest
import torch

from ganzoo.component import Component, RegularizerOptions
from ganzoo.config.layers import ConfigLayer, flatten, parse_assignments
from ganzoo.config.schema import RuntimeConfig, TrainConfig
from ganzoo.errors import PluginError, ResourceError
from ganzoo.planning.choice import choose
from ganzoo.planning.plan import make_plan
from ganzoo.registry import Entry, Registry
from ganzoo.runs.assembly import assemble, make_optimizer, make_runtime
from ganzoo.training.setup import Schedule

TINY = ("data=synthetic", "data.n=16", "data.image_size=8", "disc.ndf=2", "gen.ngf=2", "gen.latent=3")
CPU = torch.device("cpu")


def setup_of(*assignments, registry=None):
    layers = [ConfigLayer("x", parse_assignments([*TINY, "train.batch_size=4", *assignments]))]
    return assemble(make_plan(choose(registry or Registry.load(plugins=False), layers)))


def test_networks_that_share_weights_are_refused():
    """The generator would learn nothing of its own by them, since they are frozen while it learns."""
    layers = [ConfigLayer("x", parse_assignments([*TINY, "train.batch_size=4"]))]
    plan = make_plan(choose(Registry.load(plugins=False), layers))
    plan.generator.register_parameter("shared", next(plan.discriminator.parameters()))
    with pytest.raises(PluginError, match=r"patchgan-sn.* and .*dcgan.* share weights"):
        assemble(plan)


class TestPasses:
    @pytest.mark.parametrize(
        ("assignments", "passes"),
        [
            ((), "one"),
            (("train.passes=two",), "two"),
            (("train.spectral_norm=per-forward",), "two"),
            (("disc=dcgan",), "two"),
            (("disc=dcgan", "train.passes=one"), "one"),
            (("disc=dcgan", "disc.norm=instance"), "one"),
        ],
    )
    def test_real_and_fake_go_together_where_that_is_equal(self, assignments, passes):
        assert setup_of(*assignments).game.passes == passes


class TestOptimizers:
    @pytest.mark.parametrize(
        ("name", "kind", "expected"),
        [
            ("adam", torch.optim.Adam, {"betas": (0.1, 0.9)}),
            ("adamw", torch.optim.AdamW, {"betas": (0.1, 0.9)}),
            ("rmsprop", torch.optim.RMSprop, {}),
            ("sgd", torch.optim.SGD, {"momentum": 0.1}),
        ],
    )
    def test_each_kind(self, name, kind, expected):
        weight = torch.nn.Parameter(torch.ones(2))
        optimizer = make_optimizer(TrainConfig(optimizer=name), [weight], 0.5, (0.1, 0.9), CPU)
        assert isinstance(optimizer, kind)
        assert type(optimizer).__name__ == kind.__name__
        (group,) = optimizer.param_groups
        assert (group["lr"], group["initial_lr"], group["params"]) == (0.5, 0.5, [weight])
        assert {key: group[key] for key in expected} == expected

    def test_each_player_has_its_own_rate_and_betas(self):
        state = setup_of(
            "train.g_lr=1e-3", "train.d_lr=2e-3", "train.g_betas=[0.1, 0.2]", "train.d_betas=[0.3, 0.4]"
        ).state
        groups = state.g_optimizer.param_groups[0], state.d_optimizer.param_groups[0]
        assert [(group["lr"], tuple(group["betas"])) for group in groups] == [(1e-3, (0.1, 0.2)), (2e-3, (0.3, 0.4))]
        assert groups[0]["params"] == list(state.generator.parameters())
        assert groups[1]["params"] == list(state.discriminator.parameters())

    def test_no_average_where_none_is_wanted(self):
        assert setup_of("train.ema=null").state.ema is None
        assert setup_of().state.ema is not None


class TestTheSchedule:
    def test_is_what_is_configured(self):
        wanted = {
            "steps": 9,
            "accumulate": 2,
            "n_critic": 3,
            "clip_grad_norm": 0.5,
            "lr_schedule": "cosine",
            "label_draw": "uniform",
            "spectral_norm": "per-forward",
            "ema": 0.75,
            "log_every": 7,
        }
        found = setup_of("seed=11", *(f"train.{key}={value}" for key, value in wanted.items())).schedule
        wanted.pop("label_draw")  # is the sampler's
        assert found == Schedule(batch_size=4, seed=11, **wanted)

    def test_the_order_of_the_data_is_that_of_the_seed(self):
        orders = [setup_of(f"seed={seed}").batches.batch(0).index.tolist() for seed in (0, 11, 11)]
        assert orders[0] != orders[1] == orders[2]


class TestTheSampler:
    @pytest.mark.parametrize(("draw", "alike"), [("marginal", False), ("uniform", True)])
    def test_fakes_are_of_classes_as_configured(self, draw, alike):
        setup = setup_of("disc=acgan", "data.n=25", "data.modes=2", f"train.label_draw={draw}")
        assert len(setup.sampler.frequencies) == 2
        assert (len(set(setup.sampler.frequencies)) == 1) == alike


class TestRegularizers:
    def test_weight_and_cadence_arrive(self):
        (part,) = setup_of("reg.gradient-penalty.weight=3", "reg.gradient-penalty.every=4").game.regularizers
        assert (part.name, part.weight, part.every) == ("gradient-penalty", 3, 4)

    def test_one_that_builds_something_else(self):
        component = Component(kind="regularizer", name="idle", target=f"{__name__}:Idle", summary="…")
        entry = Entry(component=component, distribution="acme", version="2.0", entry_point="main")
        registry = Registry([*Registry.load(plugins=False).entries(), entry])
        with pytest.raises(PluginError, match=r"regularizer idle of acme 2\.0 does not build a Regularizer"):
            setup_of("reg=idle", registry=registry)


class Idle(RegularizerOptions):
    """Options that build themselves, and are no regularizer."""


class TestRuntime:
    def test_what_is_configured(self):
        runtime = make_runtime(RuntimeConfig(device="cpu", precision="bf16", threads=2, deterministic=False))
        assert (runtime.device, runtime.precision, runtime.threads, runtime.deterministic) == (CPU, "bf16", 2, False)
        assert make_runtime(RuntimeConfig(device="cpu")).threads == 0

    def test_penalties_have_a_precision_of_their_own(self):
        setup = setup_of("runtime.precision=bf16", "runtime.penalty_precision=fp32")
        images = setup.batches.batch(0).data
        plain, trained, critic = (
            judge(images, None).logits
            for judge in (setup.state.discriminator.eval(), setup.game.discriminate, setup.game.critic)
        )
        assert torch.equal(critic, plain)
        assert not torch.equal(trained, plain)

    def test_networks_are_moved_where_they_are_computed(self):
        state = setup_of().state
        for network in (state.generator, state.discriminator, state.ema):
            weights = [weight for weight in network.parameters() if weight.ndim == 4 and min(weight.shape) > 1]
            assert weights
            assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)

    def test_a_device_that_is_not_there(self):
        with pytest.raises(ResourceError, match="device 'cuda:99' is not available") as caught:
            make_runtime(RuntimeConfig(device="cuda:99"))
        assert caught.value.exit_code == 6


@pytest.mark.parametrize(("optimizer", "lr"), [("adam", 0.08), ("adamw", 0.08), ("sgd", 0.1), ("rmsprop", 0.1)])
def test_the_correction_for_lazy_terms_is_adams_alone(optimizer, lr):
    config = {
        "data": {"name": "ring", "n": 100},
        "regularizers": {"r1": {"every": 4, "lazy_adam": True}},
        "train": {"optimizer": optimizer, "d_lr": 0.1, "steps": 1},
    }
    plan = make_plan(choose(Registry.load(plugins=False), [ConfigLayer("file", flatten(config))]))
    assert assemble(plan).state.d_optimizer.param_groups[0]["lr"] == pytest.approx(lr)
