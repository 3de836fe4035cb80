"""``ganzoo.Adversary`` as other people use it: their critics, their wrappers, their mistakes."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import torch
from test_adversary import Critic, Decoder, data, made, sgd, trained
from torch import distributed, nn
from torch.distributed import fsdp
from torch.distributed.device_mesh import init_device_mesh
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec


def everything(adversary):
    return str(adversary.state_dict())


class Returning(nn.Module):
    """A critic of somebody else, in one of the forms that critics have."""

    def __init__(self, form):
        super().__init__()
        self.inner, self.form = made(Critic), form

    def forward(self, images):
        out = self.inner(images)
        return self.form(out.logits, out.features[0])


FORMS = {
    "tensor": (lambda logits, features: logits, 1, False),
    "(logits, features)": (lambda logits, features: (logits, features), 1, True),
    "(logits, [features])": (lambda logits, features: (logits, [features]), 1, True),
    "[logits, logits]": (lambda logits, features: [logits, logits], 2, False),
    "[(logits, [features])] * 2": (lambda logits, features: [(logits, [features])] * 2, 2, True),
    "([logits] * 2, [[features]] * 2)": (lambda logits, features: ([logits] * 2, [[features]] * 2), 2, True),
}


class TestCriticsOfOthers:
    @pytest.mark.parametrize("form", FORMS)
    def test_every_form_of_a_verdict_is_understood(self, form):
        returns, maps, has_features = FORMS[form]
        matching = {"weight": 2.0} if has_features else None
        adversary = ganzoo.Adversary(Returning(returns), regularizers={}, feature_matching=matching, optimizer=sgd)
        fake, real = data(0).requires_grad_(), data(1)
        terms = adversary.generator_loss(fake, real=real)
        terms.total.backward()
        expected, critic = data(0).requires_grad_(), made(Critic)
        out = critic(expected)
        total = -maps * out.logits.mean()
        if has_features:
            total = total + 2 * maps * (out.features[0] - critic(real).features[0].detach()).abs().mean()
        total.backward()
        torch.testing.assert_close(terms.total, total)
        torch.testing.assert_close(fake.grad, expected.grad)
        logs = adversary.update(fake=fake, real=real)
        value = F.relu(1 - critic(real).logits).mean() + F.relu(1 + critic(fake).logits).mean()
        torch.testing.assert_close(logs["critic/adversarial"], maps * value.detach())

    @pytest.mark.parametrize(
        ("form", "words"),
        [
            (lambda logits, features: [features, logits], "maps of unlike channels"),
            (lambda logits, features: [[features, logits]], "list of lists"),
            (lambda logits, features: {"logits": logits}, "dict"),
            (lambda logits, features: [], "something else"),
            (lambda logits, features: (logits, features, logits), "maps of unlike channels"),
        ],
        ids=["features-with-logits-last", "lists-of-features", "dict", "empty", "three"],
    )
    def test_what_is_ambiguous_is_refused(self, form, words):
        with pytest.raises(ConfigError, match=words):
            ganzoo.Adversary(Returning(form)).generator_loss(data(0))

    @pytest.mark.parametrize(
        ("form", "words"),
        [
            (lambda logits, features: (logits, logits.mean(1, keepdim=True)), "features are of one channel"),
            (lambda logits, features: (logits.mean((1, 2, 3)), logits.mean((1, 2, 3))), "features are of one channel"),
            (lambda logits, features: [logits.mean((2, 3)), features.mean((2, 3))], "maps of unlike channels"),
            (lambda logits, features: [logits.mean((2, 3)), features], "maps of unlike channels"),
            (lambda logits, features: [logits, features.flatten(1)], "maps of unlike channels"),
        ],
        ids=["two maps", "two scores", "vectors", "a score and a map", "a map and a vector"],
    )
    def test_features_that_look_like_logits_and_logits_that_look_like_features(self, form, words):
        with pytest.raises(ConfigError, match=words) as caught:
            ganzoo.Adversary(Returning(form)).generator_loss(data(0))
        assert "[a, b]" in caught.value.hint or "(a, [b])" in caught.value.hint

    def test_flattened_maps_of_several_critics_have_unlike_lengths(self):
        """As those of HiFi-GAN's published code."""

        def flattened(logits, features):
            return [logits.flatten(1), logits[..., ::2].flatten(1)]

        def with_features(logits, features):
            return flattened(logits, features), [[features], [features]]

        for form in (flattened, with_features):
            ganzoo.Adversary(Returning(form)).update(fake=data(0), real=data(1))

    @pytest.mark.parametrize("every", [1, 2])
    def test_weights_that_nothing_trains_are_told_once(self, every, caplog):
        class Twice(Critic):
            """The second map is flattened, so nothing says that it is one; a penalty of another part comes later."""

            def __init__(self):
                super().__init__()
                self.forgotten = nn.Linear(3, 4)

            def forward(self, images):
                return super().forward(images).logits, self.forgotten(images.mean((2, 3)))

        adversary = ganzoo.Adversary(made(Twice), regularizers={"r1": {"every": every}})
        for step in range(4):
            adversary.update(fake=data(step), real=data(step + 9))
            told = [line for line in caplog.messages if "critic.forgotten.weight" in line]
            assert len(told) == (step + 1 >= every)

    def test_feature_matching_takes_the_place_of_nothing_that_the_loss_suggests(self):
        adversary = ganzoo.Adversary(made(Critic), "wgan-gp", feature_matching={})
        names = {part.name for step in adversary._steps.values() for part in step.objective.regularizers}
        assert names == {"gradient-penalty", "feature-matching"}
        with pytest.raises(ConfigError, match="given twice"):
            ganzoo.Adversary(made(Critic), regularizers={"feature-matching": {}}, feature_matching={})
        with pytest.raises(ConfigError, match="not a mapping"):
            ganzoo.Adversary(made(Critic), feature_matching=2.0)

    def test_numbers_are_numbers(self):
        for words in ({"weight": True}, {"clip_grad_norm": "a"}, {"skip_below": float("nan")}):
            with pytest.raises(ConfigError, match=f"{next(iter(words))} is not a n"):
                ganzoo.Adversary(made(Critic), **words)
        critics = {"weight": made(Critic)}
        assert ganzoo.Adversary(critics, critic_weights={"weight": 2.0}).settings.critic_weights == {"weight": 2.0}

    def test_an_optimizer_as_in_the_file_of_a_preset_is_refused_with_what_to_write(self):
        with pytest.raises(ConfigError, match="not a function") as caught:
            ganzoo.Adversary(made(Critic), optimizer={"name": "adam", "lr": 1e-4})
        assert "lambda parameters" in caught.value.hint

    def test_a_critic_whose_logits_do_not_depend_on_the_fakes_is_named(self):
        class Deaf(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Conv2d(3, 1, 3)

            def forward(self, images):
                return self.layer(images.detach())

        with pytest.raises(ConfigError, match="do not depend on the fakes"):
            ganzoo.Adversary(Deaf()).generator_loss(data(0))

    def test_compiled_critics_and_their_penalties(self):
        critic = made(Critic)
        compiled = torch.compile(copy.deepcopy(critic), backend="aot_eager")
        one, two = (
            ganzoo.Adversary(each, regularizers={"r1": {"weight": 1.0}}, optimizer=sgd) for each in (critic, compiled)
        )
        seen = [
            (float(each.generator_loss(data(0)).total), each.update(fake=data(0), real=data(1))) for each in (one, two)
        ]
        assert seen[0][0] == pytest.approx(seen[1][0], rel=1e-5)
        for name, value in seen[0][1].items():
            torch.testing.assert_close(value, seen[1][1][name])


class Rows(nn.Module):
    """A critic whose logits are not one row for each sample."""

    def __init__(self, form):
        super().__init__()
        self.layer, self.form = nn.Conv2d(3, 1, 3), form

    def forward(self, videos):
        frames = videos.transpose(1, 2).flatten(0, 1)
        return self.form(self.layer(frames).mean((1, 2, 3)))


class TestRows:
    """Real and fake are told apart by their place in the batch."""

    @pytest.mark.parametrize(
        ("form", "passes", "several"),
        [
            (lambda logits: logits, "auto", True),
            (lambda logits: [logits[::2], logits], "auto", True),
            *(
                (form, passes, False)
                for form in (lambda logits: logits[None], torch.mean)
                for passes in ("auto", "two")
            ),
        ],
        ids=["frames", "frames of a second map", "across", "across in two", "a mean", "a mean in two"],
    )
    def test_logits_of_which_it_is_not_clear_whose_they_are(self, form, passes, several):
        videos = data(0, 8).unflatten(0, (4, 2)).transpose(1, 2)
        adversary = ganzoo.Adversary(Rows(form), passes=passes)
        with pytest.raises(ConfigError, match="rows of logits") as caught:
            adversary.update(fake=videos, real=videos)
        assert ('passes="two"' in caught.value.hint) == several

    def test_in_two_passes_a_sample_may_have_several(self):
        videos = data(0, 8).unflatten(0, (4, 2)).transpose(1, 2)
        adversary = ganzoo.Adversary(Rows(lambda logits: 10 + 0 * logits), passes="two")
        adversary.update(fake=videos, real=videos)


@pytest.fixture(scope="class")
def one_process(tmp_path_factory):
    store = tmp_path_factory.mktemp("group") / "store"
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    distributed.destroy_process_group()


@pytest.mark.skipif(not distributed.is_available(), reason="torch was built without torch.distributed")
class TestSharded:
    """With R1 a sharded critic fails in torch; without, averages over processes would be taken of parts."""

    @pytest.mark.parametrize("form", ["FSDP", "fully_shard", "a part of it", "DTensor"])
    def test_a_critic_of_which_each_process_has_a_part_is_refused(self, form, one_process):
        critic = made(Critic)
        if form == "FSDP":
            with pytest.warns(UserWarning, match="world size is 1"):
                critic = fsdp.FullyShardedDataParallel(critic, device_id=torch.device("cpu"))
        elif form == "DTensor":
            whole = torch.distributed.tensor.distribute_tensor(critic.last.weight.detach(), one_process)
            critic.last.weight = nn.Parameter(whole)
        else:
            fsdp.fully_shard(critic if form == "fully_shard" else critic.last, mesh=one_process)
        with pytest.raises(ConfigError, match="critic patch is sharded") as caught:
            ganzoo.Adversary({"patch": critic})
        assert caught.value.hint is not None

    @pytest.mark.parametrize("call", ["update", "generator_loss"])
    def test_so_is_one_that_was_wrapped_afterwards(self, call, one_process):
        adversary = ganzoo.Adversary(made(Critic))
        fsdp.fully_shard(adversary, mesh=one_process)
        with pytest.raises(ConfigError, match="is sharded"):
            adversary.update(fake=data(0), real=data(1)) if call == "update" else adversary.generator_loss(data(0))


class TestNames:
    @pytest.mark.parametrize("name", ["a/b", "a.b", "", 3])
    def test_names_that_state_and_logs_cannot_carry(self, name):
        with pytest.raises(ConfigError, match="name of a critic"):
            ganzoo.Adversary({name: made(Critic)})

    @pytest.mark.parametrize(
        "given",
        [
            {"maps": "add"},
            {"precision": "fp16"},
            {"passes": "three"},
            {"pool": -1},
            {"pool": True},
            {"clip_grad_norm": 0.0},
            {"weight": float("nan")},
        ],
        ids=str,
    )
    def test_a_setting_that_is_not_one(self, given):
        (name,) = given
        with pytest.raises(ConfigError, match=name):
            ganzoo.Adversary(made(Critic), **given)

    @pytest.mark.parametrize("start", [0, 5])
    def test_what_is_frozen_or_trainable_since_then_is_told(self, start):
        adversary = ganzoo.Adversary(made(OnFeatures), start=start)
        critic = adversary.discriminators["critic"]
        critic.requires_grad_(True)
        with pytest.raises(ConfigError, match=r"critic.backbone.0.weight .*, and 3 more"):
            adversary.update(fake=data(0), real=data(1))
        critic.requires_grad_(False)
        with pytest.raises(ConfigError, match="all parameters of the critics have been frozen"):
            adversary.update(fake=data(0), real=data(1))
        critic.head.weight.requires_grad_(True)  # a part of it may rest for a while
        adversary.update(fake=data(0), real=data(1))

    def test_nothing_to_train(self):
        with pytest.raises(ConfigError, match="nothing to train"):
            ganzoo.Adversary(made(Critic).requires_grad_(False))


class TestData:
    def test_bytes_are_refused_and_not_taken_for_numbers(self):
        adversary = ganzoo.Adversary(made(Critic), loss="relativistic")
        pictures = torch.randint(0, 255, (4, 3, 16, 16), dtype=torch.uint8)
        with pytest.raises(ConfigError, match="floating-point"):
            adversary.update(fake=data(0), real=pictures)
        with pytest.raises(ConfigError, match="floating-point"):
            adversary.generator_loss(data(0), real=pictures)

    @pytest.mark.parametrize("pair", ["loss", "features"])
    def test_unequal_batches_are_refused_where_pairs_are_compared(self, pair):
        given = {"loss": "relativistic"} if pair == "loss" else {"regularizers": {}, "feature_matching": {}}
        adversary = ganzoo.Adversary(made(Critic), **given)
        with pytest.raises(ConfigError):
            adversary.generator_loss(data(0, 3), real=data(1, 4))

    def test_fake_labels_alone_are_enough_for_a_generator_without_real_data(self):
        class Labeled(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer, self.of_label = nn.Conv2d(3, 1, 3), nn.Embedding(4, 1)

            def forward(self, images, labels):
                return self.layer(images).mean((1, 2, 3)) + self.of_label(labels)[:, 0]

        critic = made(Labeled)
        labels = torch.arange(4)
        total = ganzoo.Adversary(critic).generator_loss(data(0), fake_labels=labels).total
        torch.testing.assert_close(total, -critic(data(0), labels).mean())

    def test_the_pool_keeps_no_labels_so_it_refuses_them(self):
        adversary = ganzoo.Adversary(made(Critic), pool=2)
        labels = torch.zeros(4, dtype=torch.int64)
        with pytest.raises(ConfigError, match="pool"):
            adversary.update(fake=data(0), real=data(1), real_labels=labels, fake_labels=labels)

    def test_the_pool_refuses_samples_of_another_shape(self):
        adversary = ganzoo.Adversary(made(Critic), pool=8)
        adversary.update(fake=data(0), real=data(1))
        before = everything(adversary)
        with pytest.raises(ConfigError, match="pool"):
            adversary.update(fake=data(0)[..., :12], real=data(1)[..., :12])
        assert everything(adversary) == before


class Breaking(Critic):
    """Fails when it is told to, in the pass on fakes: statistics have moved by then."""

    def __init__(self):
        super().__init__(norm=True, spectral=True)
        self.error, self.calls = None, 0

    def forward(self, images):
        out = super().forward(images)
        self.calls += 1
        if self.error is not None and self.calls % 2 == 0:
            raise self.error("out of memory")
        return out


OF_PARTS = {"pool": 3, "regularizers": {"lecam": {}, "spectral-regularization": {}}, "passes": "two"}
"""Whose parts move between two parts of a batch."""


def in_two_parts(adversary, first):
    for index in range(2):
        adversary.update(fake=data(first + 2 * index), real=data(first + 2 * index + 1), part=(index, 2))


class TestErrors:
    @pytest.mark.parametrize("when", ["real", "fake"])
    def test_an_update_that_fails_moves_nothing(self, when):
        class Failing(Critic):
            fails, calls = False, 0

            def forward(self, images):
                out = super().forward(images)
                self.calls += 1
                if self.fails and self.calls % 2 == (when == "real"):
                    raise RuntimeError("out of memory")
                return out

        adversary = ganzoo.Adversary(
            made(lambda: Failing(norm=True, spectral=True)), pool=3, regularizers={"lecam": {}}
        )
        adversary.update(fake=data(0), real=data(1))
        before = everything(adversary)
        critic = adversary.discriminators["critic"]
        critic.fails, critic.calls = True, 0
        with pytest.raises(RuntimeError, match="out of memory"):
            adversary.update(fake=data(2), real=data(3))
        assert everything(adversary) == before
        critic.fails = False
        adversary.update(fake=data(2), real=data(3))

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_nor_does_one_that_fails_in_a_later_part(self, error):
        adversary, expected = (ganzoo.Adversary(made(Breaking), **OF_PARTS) for _ in range(2))
        for each in (adversary, expected):
            in_two_parts(each, 0)
        before = everything(adversary)
        adversary.update(fake=data(2), real=data(3), part=(0, 2))
        adversary.discriminators["critic"].error = error
        with pytest.raises(error):
            adversary.update(fake=data(4), real=data(5), part=(1, 2))
        adversary.discriminators["critic"].error = None
        assert everything(adversary) == before
        with pytest.raises(ConfigError, match="does not follow"):
            adversary.update(fake=data(4), real=data(5), part=(1, 2))
        assert everything(adversary) == before
        for each in (adversary, expected):
            in_two_parts(each, 2)
        assert everything(adversary) == everything(expected)

    def test_an_optimizer_that_fails_leaves_statistics_and_no_gradients(self):
        adversary = ganzoo.Adversary(made(lambda: Critic(norm=True)), pool=3)
        adversary.update(fake=data(0), real=data(1))
        before = everything(adversary)

        def fails(*_):
            raise RuntimeError("out of memory")

        hook = adversary.optimizer.register_step_pre_hook(fails)
        with pytest.raises(RuntimeError, match="out of memory"):
            adversary.update(fake=data(2), real=data(3))
        hook.remove()
        assert everything(adversary) == before
        assert all(parameter.grad is None for parameter in adversary.parameters())

    def test_a_step_counts_where_a_part_fails_that_is_told_of_it(self):
        class Loss:
            def discriminator_loss(self, *, real, fake):
                return (fake - real).mean()

            def generator_loss(self, *, fake):
                return -fake.mean()

            def after_update(self, *, real, fake):
                raise ArithmeticError("told")

            def state_dict(self):
                return {}

            def load_state_dict(self, state):
                pass

        adversary = ganzoo.Adversary(made(Critic), loss=Loss(), regularizers={})
        with pytest.raises(ArithmeticError, match="told"):
            adversary.update(fake=data(0), real=data(1))
        assert adversary.get_extra_state()["counts"]["update"] == 1

    @pytest.mark.parametrize("part", [(2, 2), (0, 0), (-1, 2), 1])
    @pytest.mark.parametrize("start", [0, 5])
    def test_a_part_that_is_not_one_is_refused_before_the_start_too(self, part, start):
        adversary = ganzoo.Adversary(made(Critic), start=start)
        with pytest.raises(ConfigError, match="part"):
            adversary.update(fake=data(0), real=data(1), part=part)
        with pytest.raises(ConfigError, match="part"):
            adversary.generator_loss(data(0), part=part)
        assert adversary.get_extra_state()["counts"]["step"] == 0

    def test_every_counts_whole_batches(self):
        adversary = ganzoo.Adversary(made(Critic), every=2, optimizer=sgd)
        acted = []
        for _ in range(4):
            logs = [adversary.update(fake=data(0), real=data(1), part=(index, 2)) for index in range(2)]
            acted.append([bool(each) for each in logs])
        assert acted == [[True, True], [False, False]] * 2


class TestPrecision:
    def test_half_gradients_do_not_vanish_before_the_scaler_scales_them(self):
        """A gradient of 1e-9 is 0 in float16, and 6.5e-5 is not: what a GradScaler is for."""
        critic = nn.Conv2d(3, 1, 1, bias=False)
        with torch.no_grad():
            critic.weight.fill_(1e-6)
        adversary = ganzoo.Adversary(critic)
        fake = torch.zeros(4, 3, 16, 16, dtype=torch.float16, requires_grad=True)
        (65536 * adversary.generator_loss(fake).total).backward()
        assert fake.grad.dtype == torch.float16
        torch.testing.assert_close(
            fake.grad.float(), torch.full_like(fake, -65536e-6 / 1024).float(), rtol=1e-2, atol=0
        )

    def test_the_adaptive_weight_in_half_precision_is_that_in_full(self):
        weight = torch.full((1,), 0.5, requires_grad=True)
        critic = nn.Conv2d(3, 1, 1, bias=False)
        with torch.no_grad():
            critic.weight.fill_(1e-5)
        found = []
        for dtype in (torch.float32, torch.float16):
            adversary = ganzoo.Adversary(critic, balance="last-layer", balance_options={"epsilon": 1e-12})
            fake = (weight * data(0)).to(dtype)
            reference = 1e-3 * (fake.float() - data(1)).square().mean()
            found.append(adversary.generator_loss(fake, reference=reference, last_layer=weight).balance.item())
        assert found[1] == pytest.approx(found[0], rel=2e-2)

    def test_the_adaptive_weight_of_large_pictures_does_not_overflow_in_half_precision(self):
        """The gradient at a weight is a sum over all pixels, of which there are more than float16 can count."""
        critic = nn.Conv2d(1, 1, 1, bias=False)
        found = []
        for dtype in (torch.float32, torch.float16):
            weight = torch.ones((), dtype=dtype, requires_grad=True)
            fake = weight * torch.full((1, 1, 300, 300), 0.9, dtype=dtype)
            adversary = ganzoo.Adversary(critic, balance="last-layer")
            found.append(
                adversary.generator_loss(fake, reference=fake.float().mean(), last_layer=weight).balance.item()
            )
        assert found[1] == pytest.approx(found[0], rel=1e-2)

    @pytest.mark.parametrize("within", [True, False])
    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    @pytest.mark.parametrize("penalty", ["r1", "gradient-penalty"])
    def test_penalties_are_in_full_precision_under_autocast_too(self, penalty, dtype, within):
        """Fakes that come out of autocast are of half precision, and the square of a small slope is 0 in it."""

        def logs(precision, fake):
            adversary = ganzoo.Adversary(made(Critic), precision=precision, regularizers={penalty: {}}, optimizer=sgd)
            with torch.autocast("cpu", dtype, enabled=within):
                adversary.generator_loss(fake.detach().requires_grad_()).total.backward()
                return adversary.update(fake=fake, real=data(1))[f"critic/{penalty.replace('-', '_')}"]

        torch.testing.assert_close(logs("autocast", data(0).to(dtype)), logs("fp32", data(0)), rtol=2e-2, atol=1e-4)

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
    def test_critics_that_were_moved_to_another_precision(self, dtype):
        adversary = ganzoo.Adversary(made(Critic), regularizers={"lecam": {}}, pool=2, balance="balancer")
        fake = data(0).requires_grad_()
        adversary.generator_loss(fake, real=data(1), reference=fake.square().mean())
        adversary.update(fake=fake, real=data(1))
        adversary.to(dtype)
        fake = data(0).to(dtype).requires_grad_()
        terms = adversary.generator_loss(fake, real=data(1).to(dtype), reference=fake.square().mean())
        terms.total.backward()
        assert fake.grad.dtype == dtype
        assert fake.grad.any()
        adversary.update(fake=fake, real=data(1).to(dtype))
        assert all(parameter.dtype == dtype for parameter in adversary.parameters())


class OnFeatures(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).requires_grad_(False).eval()
        self.head = nn.Conv2d(4, 1, 3)

    def forward(self, images):
        return self.head(self.backbone(images))


class TestHeldByAnotherModule:
    def test_a_frozen_backbone_stays_in_evaluation(self):
        """A trainer calls ``model.train()``, and the statistics of a backbone are not in the state."""
        adversary = ganzoo.Adversary(made(OnFeatures))
        whole = nn.ModuleDict({"adversary": adversary}).train()
        backbone = adversary.discriminators["critic"].backbone
        before = copy.deepcopy(backbone.state_dict())
        trained(whole["adversary"], steps=range(2))
        assert not backbone[1].training
        assert adversary.discriminators["critic"].head.training
        assert all(torch.equal(before[name], value) for name, value in backbone.state_dict().items())
        whole.eval()
        whole.train()
        assert not backbone.training

    def test_one_in_training_has_statistics_that_move_and_they_are_saved(self):
        adversary, again = (ganzoo.Adversary(made(OnFeatures).train()) for _ in range(2))
        trained(adversary, steps=range(2))
        moved = adversary.discriminators["critic"].backbone[1].running_mean
        assert moved.any()
        again.load_state_dict(adversary.state_dict())
        assert torch.equal(again.discriminators["critic"].backbone[1].running_mean, moved)

    def test_another_backbone_than_that_of_a_state_is_told(self, caplog):
        source = ganzoo.Adversary(made(OnFeatures))
        state = source.state_dict()
        ganzoo.Adversary(made(OnFeatures)).load_state_dict(state)
        other = ganzoo.Adversary(made(OnFeatures, seed=1))
        other.load_state_dict(state, critics_only=True)
        assert caplog.text == ""
        other.load_state_dict(state)
        assert "critic critic has other frozen weights" in caplog.text

    def test_so_is_one_that_lost_the_frozen_layers_that_it_was_fine_tuned_from(self, caplog):
        """FreezeD: those of a trained critic, which no state has any more."""

        def frozen():
            critic = made(Critic, seed=1)
            critic.first.requires_grad_(False)
            return ganzoo.Adversary(critic)

        tuned = frozen()
        tuned.load_state_dict(ganzoo.Adversary(made(Critic)).state_dict(), critics_only=True)
        assert caplog.text == ""
        frozen().load_state_dict(tuned.state_dict())
        assert "other frozen weights" in caplog.text

    def test_what_a_backbone_holds_and_does_not_save_is_no_part_of_a_state(self):
        def adversary():
            critic = made(OnFeatures)
            critic.backbone[0].register_buffer("grid", torch.zeros(2), persistent=False)
            return ganzoo.Adversary(critic)

        adversary().load_state_dict(adversary().state_dict())

    def test_without_the_backbone_the_whole_can_be_loaded_strictly(self):
        whole, again = (nn.ModuleDict({"adversary": ganzoo.Adversary(made(OnFeatures, seed))}) for seed in (0, 0))
        trained(whole["adversary"], steps=range(2))
        again.load_state_dict(whole.state_dict())
        assert everything(again["adversary"]) == everything(whole["adversary"])

    @pytest.mark.parametrize("how", ["deepcopy", "pickle"])
    def test_copies_go_their_own_way(self, how):
        given = {"pool": 2, "balance": "gradient-normalization", "augment": {"diffaugment": {}}, "shape": (3, 16, 16)}
        adversary = ganzoo.Adversary(made(Critic), **given)
        trained(adversary, steps=range(2))
        copied = copy.deepcopy(adversary) if how == "deepcopy" else pickle.loads(pickle.dumps(adversary))
        before = everything(adversary)
        trained(copied, steps=range(2, 4))
        assert everything(adversary) == before
        trained(adversary, steps=range(2, 4))
        assert str(adversary.state_dict()) == str(copied.state_dict())

    @pytest.mark.parametrize("how", ["deepcopy", "state"])
    def test_between_two_parts_it_is_what_the_last_whole_update_has_left(self, how):
        """Gradients are in no state and no copy, so whoever goes on from them begins with the first part."""
        adversary, expected = (ganzoo.Adversary(made(Breaking), balance="balancer", **OF_PARTS) for _ in range(2))
        for each in (adversary, expected):
            in_two_parts(each, 0)
        before = everything(adversary)
        fake = data(2).requires_grad_()
        adversary.generator_loss(fake, reference=fake.square().mean(), part=(0, 2))
        adversary.update(fake=data(2), real=data(3), part=(0, 2))
        assert everything(adversary) == before
        if how == "state":
            other = ganzoo.Adversary(made(Breaking, seed=1), balance="balancer", **OF_PARTS)
            other.load_state_dict(adversary.state_dict())
        else:
            other = copy.deepcopy(adversary)
            assert everything(adversary) == everything(other) == before
        with pytest.raises(ConfigError, match="does not follow"):
            other.update(fake=data(4), real=data(5), part=(1, 2))
        in_two_parts(other, 2)
        in_two_parts(expected, 2)
        assert everything(other) == everything(expected)
        adversary.update(fake=data(4), real=data(5), part=(1, 2))  # which has its gradients still
        assert everything(adversary) == everything(expected)

    def test_a_part_does_not_go_on_with_what_was_there_before_a_state(self):
        adversary = ganzoo.Adversary(made(Critic))
        state = copy.deepcopy(adversary.state_dict())
        adversary.update(fake=data(0), real=data(1), part=(0, 2))
        adversary.generator_loss(data(0), part=(0, 2))
        adversary.load_state_dict(state)
        with pytest.raises(ConfigError, match="does not follow"):
            adversary.update(fake=data(2), real=data(3), part=(1, 2))
        with pytest.raises(ConfigError, match="does not follow"):
            adversary.generator_loss(data(2), part=(1, 2))

    def test_a_state_of_before_the_first_update(self):
        source, target = (ganzoo.Adversary(made(Critic, seed), pool=2) for seed in (0, 1))
        trained(target, steps=range(2))
        file = io.BytesIO()
        torch.save(source.state_dict(), file)
        file.seek(0)
        target.load_state_dict(torch.load(file, weights_only=True))
        trained(source, steps=range(2))
        trained(target, steps=range(2))
        assert str(source.state_dict()) == str(target.state_dict())

    def test_a_look_without_gradients_counts_nothing(self):
        """Validation asks for the loss as well, and must not move the ramp or a running mean."""
        adversary = ganzoo.Adversary(made(Critic), ramp=10, balance="gradient-normalization")
        adversary.generator_loss(data(0))
        before = everything(adversary)
        with torch.no_grad():
            adversary.generator_loss(data(1))
        assert everything(adversary) == before

    def test_accelerate(self):
        accelerate = pytest.importorskip("accelerate")
        accelerator = accelerate.Accelerator(cpu=True)
        decoder, expected = made(Decoder), made(Decoder)
        adversary, other = (ganzoo.Adversary(made(Critic)) for _ in range(2))
        decoder, adversary = accelerator.prepare(decoder, adversary)
        totals = trained(adversary, steps=range(3), decoder=decoder)
        assert totals == trained(other, steps=range(3), decoder=expected)


class TestPartsThatDoNotTakeTheData:
    """Without ``shape=`` they are built for images, and only the data say that they are none."""

    @pytest.mark.parametrize(
        ("parts", "said"),
        [
            ({"augment": "diffaugment"}, "augmentation diffaugment works on images only"),
            ({"augment": "ada"}, "augmentation ada works on images only"),
            ({"regularizers": {"consistency": {}}}, "regularizer consistency .* flips and shifts images"),
        ],
        ids=["diffaugment", "ada", "consistency"],
    )
    @pytest.mark.parametrize("shape", [(5,), (2, 9), (1, 6, 7, 8)], ids=["vectors", "signals", "volumes"])
    def test_they_are_refused_before_the_start_too(self, parts, said, shape):
        class Mean(nn.Module):
            """Takes anything, so that nothing else refuses it."""

            def __init__(self):
                super().__init__()
                self.bias = nn.Parameter(torch.zeros(()))

            def forward(self, x):
                return x.flatten(1).mean(1) + self.bias

        adversary, x = ganzoo.Adversary(Mean(), start=9, **parts), torch.randn(4, *shape)
        for call in (lambda: adversary.update(fake=x, real=x), lambda: adversary.generator_loss(x, real=x)):
            with pytest.raises(ConfigError, match=said):
                call()
        pictures = torch.randn(4, 3, 8, 8)
        adversary.update(fake=pictures, real=pictures)

    def test_conditions_and_joined_samples_count_as_channels(self):
        adversary, x = ganzoo.Adversary(nn.Conv2d(5, 1, 3), augment="ada"), data(0)
        with pytest.raises(ConfigError, match="5 channels"):
            adversary.update(fake=x, real=x, condition=x[:, :2])
        with pytest.raises(ConfigError, match="6 channels"):
            ganzoo.Adversary(nn.Conv2d(6, 1, 3), augment="ada", pac=2).generator_loss(x)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda critic: critic,
        lambda critic: ganzoo.CropCritic(critic, size=16),
        lambda critic: nn.Sequential(nn.Identity(), critic),
    ],
    ids=["alone", "of crops", "in a module of the user's"],
)
def test_real_and_fake_are_apart_where_a_critic_of_the_zoo_couples_them(wrapped):
    def logs(passes):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            spec = DataSpec(shape=(3, 16, 16))
            critic = ganzoo.build("discriminator", "dcgan", spec=spec, ndf=4, norm="none", minibatch="stddev")
        return ganzoo.Adversary(wrapped(critic), passes=passes).update(fake=0.1 * data(0), real=data(1))

    auto, one, two = (logs(passes)["critic/adversarial"] for passes in ("auto", "one", "two"))
    assert auto == two
    assert auto != one


class TestWhatCriticsBorrow:
    """Weights that a critic uses and does not hold, such as an encoder of the generator's."""

    class Borrower(nn.Module):
        def __init__(self, encoder, *, norm=False):
            super().__init__()
            self.borrowed = [encoder]  # in a list, so that torch does not count it as the critic's
            self.judge = made(lambda: Critic(channels=4, norm=norm))

        def forward(self, images):
            return self.judge(self.borrowed[0](images)).logits

    @pytest.mark.parametrize("parts", [1, 2])
    @pytest.mark.parametrize("regularizers", [{}, {"r1": {"weight": 0.1}}], ids=["plain", "r1"])
    def test_they_get_no_gradient_and_keep_the_one_they_have(self, regularizers, parts):
        encoder = nn.Conv2d(3, 4, 3, padding=1)
        adversary = ganzoo.Adversary(self.Borrower(encoder), regularizers=regularizers, optimizer=sgd)
        for given in (None, torch.ones_like(encoder.weight)):
            encoder.weight.grad = given
            for index in range(parts):
                fake = data(index).requires_grad_()
                adversary.generator_loss(fake, part=(index, parts)).total.backward()
                assert fake.grad.abs().sum() > 0
            for index in range(parts):
                adversary.update(fake=data(index), real=data(1), part=(index, parts))
            assert encoder.bias.grad is None
            assert encoder.weight.grad is given
            assert given is None or torch.equal(given, torch.ones_like(given))
            assert encoder.weight.requires_grad
            assert encoder.bias.requires_grad

    def left_alone(self, encoder, adversary, steps=1):
        """Nothing is left on the encoder by either call, and no hook of it fires."""
        fired = []
        for parameter in encoder.parameters():
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(fired.append)
        for step in range(steps):
            adversary.generator_loss(data(step).requires_grad_()).total.backward()
            adversary.update(fake=data(step), real=data(step + 1))
            assert all(parameter.grad is None for parameter in encoder.parameters())
        assert not fired

    def test_also_if_activations_are_checkpointed(self):
        encoder = nn.Conv2d(3, 4, 3, padding=1)
        critic = self.Borrower(nn.Identity())
        critic.borrowed = [lambda images: checkpoint(encoder, images, use_reentrant=False)]
        adversary = ganzoo.Adversary(critic, optimizer=sgd)
        adversary.update(fake=data(0), real=data(1))
        self.left_alone(encoder, adversary)

    def test_also_if_they_are_trained_or_used_from_a_later_step_on(self):
        encoder, later = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        critic = self.Borrower(encoder.requires_grad_(False))
        adversary = ganzoo.Adversary(critic, optimizer=sgd)
        self.left_alone(encoder, adversary)
        encoder.requires_grad_()
        critic.borrowed = [nn.Sequential(encoder, later)]
        self.left_alone(critic.borrowed[0], adversary)

    def test_also_if_they_are_no_parameters(self):
        scale = torch.ones(1, requires_grad=True)
        critic = self.Borrower(nn.Identity())
        critic.borrowed = [lambda images: scale * images.mean(1, keepdim=True).expand(-1, 4, -1, -1)]
        adversary = ganzoo.Adversary(critic, optimizer=sgd)
        adversary.generator_loss(data(0).requires_grad_()).total.backward()
        adversary.update(fake=data(0), real=data(1))
        assert scale.grad is None

    @pytest.mark.parametrize("module", [False, True])
    def test_what_a_loss_could_learn_is_no_loan(self, module, caplog):
        class Learned(nn.Module if module else object):
            def __init__(self):
                super().__init__()
                self.slope = nn.Linear(1, 1)

            def discriminator_loss(self, *, real, fake):
                return self.slope((fake.mean() - real.mean()).view(1, 1)).sum()

            def generator_loss(self, *, fake):
                return self.slope(-fake.mean().view(1, 1)).sum()

        loss = Learned()
        adversary = ganzoo.Adversary(made(Critic), loss=loss, regularizers=())
        adversary.generator_loss(data(0).requires_grad_()).total.backward()
        assert loss.slope.weight.grad is None
        adversary.update(fake=data(0), real=data(1))
        assert loss.slope.weight.grad is not None  # for whoever has an optimizer for it
        assert caplog.text == ""

    def test_the_critic_learns_as_from_features_that_somebody_else_computed(self):
        encoder = nn.Conv2d(3, 4, 3, padding=1)
        borrower, judge = self.Borrower(encoder), made(lambda: Critic(channels=4))
        adversary, apart = (ganzoo.Adversary(one, regularizers={}, optimizer=sgd) for one in (borrower, judge))
        for step in range(3):
            adversary.update(fake=data(step), real=data(step + 1))
            apart.update(fake=encoder(data(step)), real=encoder(data(step + 1)).detach())
        learned = zip(borrower.judge.parameters(), judge.parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in learned)

    def test_it_is_said_once_since_layers_in_a_list_are_never_trained(self, caplog):
        adversary = ganzoo.Adversary(self.Borrower(nn.Conv2d(3, 4, 3, padding=1)), optimizer=sgd)
        for _ in range(2):
            adversary.generator_loss(data(0).requires_grad_()).total.backward()
            adversary.update(fake=data(0), real=data(1))
        told = [record.getMessage() for record in caplog.records if "do not hold" in record.getMessage()]
        assert len(told) == 1
        assert "(4, 3, 3, 3) and 1 more" in told[0]
        assert "nn.ModuleList" in told[0]

    def test_a_critic_that_holds_all_it_uses_hears_nothing(self, caplog):
        adversary = ganzoo.Adversary(made(Critic), regularizers={"r1": {"weight": 0.1}}, optimizer=sgd)
        adversary.generator_loss(data(0).requires_grad_()).total.backward()
        adversary.update(fake=data(0), real=data(1))
        assert "do not hold" not in caplog.text
