"""Each fault of a regularizer is caught by the check meant for it, and sound ones pass all checks."""

from __future__ import annotations

import pytest
import torch
from ganzoo_regularizers.consistency import Consistency
from ganzoo_regularizers.dragan import Dragan
from ganzoo_regularizers.gradient_penalty import GradientPenalty
from ganzoo_regularizers.lecam import Lecam
from ganzoo_regularizers.r1 import R1
from kit.faulty_regularizers import FAULTS, Centered, Clip, Likeness, Mixed, Penalty, Sum

from ganzoo.errors import ConfigError
from ganzoo.registry import Registry
from ganzoo.testing import check_regularizer
from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.options import OPTIONS_CHECKS
from ganzoo.testing.regularizers.toys import PLAYERS, rows_of, toys_for, view_of
from ganzoo.testing.running import outcome
from ganzoo.testing.subject import subject_of

ENTRIES = Registry.load(plugins=False).entries("regularizer")


OWN = {check.name: check for check in CHECKED["regularizer"].checks if check not in OPTIONS_CHECKS}


@pytest.mark.parametrize(("options", "check", "finding"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
def test_fault_is_caught_by_the_check_meant_for_it(options, check, finding):
    found = outcome(OWN[check], subject_of("regularizer", options))
    assert found.status == "failed"
    assert finding in found.detail


@pytest.mark.parametrize("model", [Penalty, Centered, Likeness, Clip, Mixed])
def test_sound_regularizers_pass(model):
    check_regularizer(model).raise_if_failed()


@pytest.mark.parametrize(
    "options",
    [
        GradientPenalty(target=50, one_sided=True),
        R1(weight=0, every=16, lazy_adam=True),
        Lecam(start=3),
        Dragan(noise="gaussian", variance=0.01),
        Consistency(variant="icr", noise=1.0),
    ],
    ids=lambda options: type(options).__name__,
)
def test_unusual_options_of_sound_regularizers_pass(options):
    check_regularizer(options).raise_if_failed()


def test_every_check_of_regularizers_has_its_fault():
    assert OWN.keys() == {check for _, check, _ in FAULTS}


def test_an_expected_failure_is_one():
    why = {"duplicated-batch": "a sum is wanted here"}
    assert check_regularizer(Sum, expected_failures=why).ok
    assert not check_regularizer(Penalty, expected_failures=why).ok


@pytest.mark.parametrize("player", PLAYERS)
def test_a_view_is_a_step_as_it_really_is(player):
    toys = toys_for()
    view = view_of(player, 4, toys=toys)
    of_discriminator = player == "discriminator"
    assert view.network is toys.of(player)
    assert view.fake.requires_grad != of_discriminator
    assert all(parameter.requires_grad == of_discriminator for parameter in toys.critic.parameters())
    assert (view.real_output is None) != of_discriminator
    torch.testing.assert_close(view.generate(view.z, view.fake_labels), view.fake)
    torch.testing.assert_close(view.critic(view.fake, view.fake_labels), view.fake_output)


def test_real_data_is_judged_in_the_generators_step_where_the_tags_ask_for_it():
    output = view_of("generator", tags=frozenset({"needs_real_output"})).real_output
    assert output is not None
    assert not output.logits.requires_grad


def test_the_critic_is_ahead():
    view = view_of("discriminator", 64)
    assert view.real_output.logits.mean() > view.fake_output.logits.mean() + 0.1


@pytest.mark.parametrize("player", PLAYERS)
def test_rows_of_a_view_are_what_a_smaller_step_has(player):
    whole = view_of(player, 4, tags=frozenset({"needs_real_output"}))
    part = rows_of(whole, [2, 0, 2])
    torch.testing.assert_close(part.fake, part.generate(part.z, part.fake_labels))
    torch.testing.assert_close(part.real_output, part.critic(part.real, part.real_labels))
    assert part.real_labels.tolist() == [2, 0, 2]
    assert part.fake_labels.tolist() == [0, 1, 0]


def test_both_players_make_use_of_labels_and_insist_on_them():
    view = view_of("discriminator", 3)
    assert (view.critic(view.real, view.fake_labels).logits != view.real_output.logits).all()
    assert (view.generate(view.z, view.real_labels) != view.fake).any()
    for ask in (view.critic, view.plain_critic, view.generate):
        with pytest.raises(ConfigError, match="no labels"):
            ask(view.z if ask is view.generate else view.real, None)


def test_a_critic_of_slope_zero_is_flat():
    logits = view_of("discriminator", toys=toys_for(steepness=0.0)).real_output.logits
    assert logits.tolist() == [0.0, 0.0, 0.0]


def test_layouts_of_logits_come_from_the_same_judgments():
    logits = {
        layout: view_of("discriminator", 4, toys=toys_for(layout=layout)).real_output
        for layout in ("samples", "repeated", "patches", "maps")
    }
    one = logits["samples"].logits
    assert one.shape == (4,)
    torch.testing.assert_close(logits["repeated"].logits, one.view(4, 1, 1, 1).expand(4, 1, 2, 3))
    assert logits["patches"].logits.shape == (4, 1, 2, 3)
    assert [extra.shape for extra in logits["maps"].extra_logits] == [(4, 1, 2, 3)]
