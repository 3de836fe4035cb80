"""What critics are shown and when they are skipped: joined samples, wrong conditions, a critic that wins."""

from __future__ import annotations

import pytest
import torch
from test_adversary import Critic, data, made, sgd
from torch import nn
from torch.nn import functional as F

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec


def rows(n, width=3, seed=0):
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def linear(width):
    return made(lambda: nn.Linear(width, 1)).double()


class TestPac:
    def test_a_critic_judges_joined_samples_and_its_penalty_is_of_them(self):
        """As CTGAN: one α and one norm for each pac; N/k logits. By hand: w of the joined row, in the order of rows."""
        critic = linear(6)
        adversary = ganzoo.Adversary(
            critic, loss="wgan", regularizers={"gradient-penalty": {"weight": 10.0}}, pac=2, optimizer=sgd
        )
        weight, bias = critic.weight.detach().clone(), critic.bias.detach().clone()
        real, fake = rows(4), rows(4, seed=1)

        def judged(side):
            return sum(float(torch.cat([side[i], side[i + 1]]) @ weight[0] + bias) for i in (0, 2)) / 2

        assert adversary.generator_loss(fake).total.item() == pytest.approx(-judged(fake), rel=1e-9)
        logs = adversary.update(fake=fake, real=real)
        assert logs["critic/adversarial"].item() == pytest.approx(judged(fake) - judged(real), rel=1e-9)
        penalty = 10 * (float(weight.norm()) - 1) ** 2
        assert logs["critic/gradient_penalty"].item() == pytest.approx(penalty, rel=1e-9)

    def test_pictures_are_joined_along_their_channels_with_their_conditions(self):
        seen = []

        class Watching(Critic):
            def forward(self, images):
                seen.append(images.detach().clone())
                return super().forward(images)

        adversary = ganzoo.Adversary(made(lambda: Watching(channels=8)), pac=2, passes="two")
        fake, condition = data(0).requires_grad_(), data(5)[:, :1]
        adversary.generator_loss(fake, condition=condition).total.backward()
        parts = [fake[2], condition[2], fake[3], condition[3]]
        assert torch.equal(seen[0][1], torch.cat(parts).detach())
        assert fake.grad.abs().flatten(1).sum(1).all()

    def test_a_batch_that_is_not_a_multiple_is_a_message(self):
        """CTGAN has an assert here, of which its users ask."""
        adversary = ganzoo.Adversary(linear(6), pac=2)
        for call in (lambda: adversary.update(fake=rows(3), real=rows(3)), lambda: adversary.generator_loss(rows(3))):
            with pytest.raises(ConfigError, match="judge 2 samples at once") as caught:
                call()
            assert "a batch of 3" in str(caught.value)

    def test_a_preset_makes_critics_for_joined_samples(self):
        small = {"patch": {"name": "patchgan-sn", "ndf": 4}}
        adversary = ganzoo.adversary("cyclegan", shape=(3, 16, 16), pac=2, discriminators=small)
        adversary.update(fake=data(0), real=data(1))
        critic = ganzoo.build("discriminator", "mlp", spec=DataSpec(shape=(6,)))
        ganzoo.Adversary(critic, regularizers={"r1": {}}, shape=(3,), pac=2).update(
            fake=rows(4).float(), real=rows(4).float()
        )

    @pytest.mark.parametrize("given", [{"pac": 2}, {"mismatch": True}], ids=str)
    def test_labels_are_refused(self, given):
        labels = torch.zeros(4, dtype=torch.int64)
        with pytest.raises(ConfigError, match="labels cannot be told"):
            ganzoo.Adversary(linear(6), **given).update(
                fake=rows(4), real=rows(4), real_labels=labels, fake_labels=labels
            )


class TestMismatch:
    def test_real_data_with_the_condition_of_a_neighbor_is_a_fake(self):
        """By hand: the mean over N fakes and N mismatched reals is half of each, as GAN-CLS has it."""
        critic = linear(4)
        adversary = ganzoo.Adversary(critic, loss="bce", mismatch=True, optimizer=sgd)
        weight, bias = critic.weight.detach()[0].clone(), critic.bias.detach().clone()
        real, fake, condition = rows(3), rows(3, seed=1), rows(3, 1, seed=2)

        def judged(side, place):
            return torch.cat([side, condition[place]]) @ weight + bias

        def mean(losses):
            return float(sum(losses) / 3)

        matched = mean(F.softplus(-judged(real[i], i)) for i in range(3))
        made_up = mean(F.softplus(judged(fake[i], i)) for i in range(3))
        wrong = mean(F.softplus(judged(real[i], i - 1)) for i in range(3))
        logs = adversary.update(fake=fake, real=real, condition=condition)
        assert logs["critic/adversarial"].item() == pytest.approx(matched + (made_up + wrong) / 2, rel=1e-9)

    def test_the_generator_does_not_hear_of_it(self):
        with_it, without = (ganzoo.Adversary(linear(4), mismatch=mismatch) for mismatch in (True, False))
        given = {"fake": rows(3), "condition": rows(3, 1, seed=2)}
        assert torch.equal(with_it.generator_loss(**given).total, without.generator_loss(**given).total)

    @pytest.mark.parametrize("condition", [None, torch.zeros(1, 1, dtype=torch.float64)], ids=["none", "of one"])
    def test_without_a_wrong_condition_it_is_refused(self, condition):
        adversary = ganzoo.Adversary(linear(4), mismatch=True)
        with pytest.raises(ConfigError, match="condition of the sample before"):
            adversary.update(fake=rows(1), real=rows(1), condition=condition)


class TestSkipBelow:
    def adversary(self, skip_below, **given):
        critic = made(lambda: Critic(norm=True, spectral=True))
        return ganzoo.Adversary(critic, loss="bce", skip_below=skip_below, pool=3, **given)

    def test_a_critic_that_wins_is_not_stepped_and_nothing_moves(self):
        adversary = self.adversary(
            100.0, regularizers={"lecam": {}, "spectral-regularization": {}}, augment={"ada": {}}, shape=(3, 16, 16)
        )
        before = adversary.state_dict()
        counts = before["_extra_state"].pop("counts")
        kept = str(before)
        logs = adversary.update(fake=data(0), real=data(1))
        after = adversary.state_dict()
        assert after["_extra_state"].pop("counts") == counts | {"step": 1}
        assert str(after) == kept
        assert float(logs["skipped"]) == 1
        assert logs["critic/adversarial"] > 0

    def test_one_that_does_not_goes_on_as_without(self):
        with_it, without = self.adversary(1e-3), self.adversary(None)
        for step in range(2):
            logs = dict(with_it.update(fake=data(step), real=data(step + 5)))
            plain = without.update(fake=data(step), real=data(step + 5))
            assert float(logs.pop("skipped")) == 0
            assert logs == plain
        assert str(with_it.state_dict()) == str(without.state_dict())

    def test_it_is_the_loss_of_the_whole_batch_that_decides(self):
        """Of the last part alone the critic would have won."""
        critic = nn.Linear(1, 1, bias=False)
        nn.init.ones_(critic.weight)
        ones = torch.ones(2, 1)
        for first, skipped in ((0.0, 0), (5.0, 1)):  # losses: 2, then 0; their mean is 1
            adversary = ganzoo.Adversary(critic, skip_below=0.9, optimizer=sgd)
            assert "skipped" not in adversary.update(fake=-first * ones, real=first * ones, part=(0, 2))
            logs = adversary.update(fake=-5 * ones, real=5 * ones, part=(1, 2))
            assert float(logs["skipped"]) == skipped
            assert adversary.get_extra_state()["counts"]["update"] == 1 - skipped

    @pytest.mark.parametrize(
        "given", [{"skip_below": float("nan")}, {"pac": 0}, {"pac": True}, {"mismatch": "yes"}], ids=str
    )
    def test_a_setting_that_is_not_one(self, given):
        (name,) = given
        with pytest.raises(ConfigError, match=name):
            ganzoo.Adversary(linear(3), **given)
