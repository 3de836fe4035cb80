"""The checks of losses, each with the sentence that it holds them to."""

from __future__ import annotations

from collections.abc import Iterator

from ganzoo.testing.check import Check
from ganzoo.testing.losses.any_options import any_options_train
from ganzoo.testing.losses.execution import (
    can_be_pickled,
    compiles_in_one_graph,
    is_deterministic,
    reads_no_value,
    stays_on_the_device,
    survives_autocast,
)
from ganzoo.testing.losses.gradients import (
    discriminator_is_alive,
    generator_is_alive,
    gradient_is_right,
    is_saturating,
    pulls_the_right_way,
    second_gradient_is_right,
    stays_finite,
)
from ganzoo.testing.losses.state import state_survives, without_state
from ganzoo.testing.losses.statements import (
    agrees_with_its_author,
    diagnostics_are_scalars,
    equilibrium_is_the_best_answer,
    without,
    without_reference,
)
from ganzoo.testing.losses.values import (
    is_a_mean,
    is_scalar,
    keeps_the_protocol,
    leaves_its_inputs,
    order_does_not_matter,
    shape_does_not_matter,
    takes_unequal_batches,
)
from ganzoo.testing.options import OPTIONS_CHECKS, no_hypothesis
from ganzoo.testing.tags import tag_checks

LOSS = "ganzoo.protocols:Loss"
STATE = "ganzoo.protocols:StatefulLoss"


def _checks() -> Iterator[Check]:
    says = {
        "protocol": (
            keeps_the_protocol,
            "Both methods take ``real`` and ``fake`` by keyword, so that they cannot be confused.",
        ),
        "scalar": (is_scalar, "Both return a scalar to *minimize*: a tensor without axes, of the logits' own type."),
        "finite": (
            stays_finite,
            "Value and gradient are finite for logits up to ±10⁴, unless it carries ``exponential``.",
        ),
        "gradient-signs": (
            pulls_the_right_way,
            "Near zero D is pushed to raise real and to lower fake logits, and G to raise those of its fakes.",
        ),
        "discriminator-alive": (discriminator_is_alive, "Where D is wrong by far, it has a gradient on both sides."),
        "permutation": (order_does_not_matter, "The order of samples does not matter."),
        "shapes": (
            shape_does_not_matter,
            "Logits may have any shape: (N,), (N, 1) and (N, 1, h, w) mean the same, contiguous or not.",
        ),
        "duplicated-batch": (is_a_mean, "The value is a mean: a batch with every sample twice has the same value."),
        "unequal-batches": (
            takes_unequal_batches,
            "Real and fake may be of different number, unless it carries ``paired``: then that is a ConfigError.",
        ),
        "inputs-unmodified": (leaves_its_inputs, "Logits are never changed in place."),
        "gradcheck": (gradient_is_right, "The gradient is that of the value, and can be differentiated once more."),
        "double-backward": (
            second_gradient_is_right,
            "The gradient is that of the value, and can be differentiated once more.",
        ),
        "autocast": (survives_autocast, "Inside autocast, float32 logits give the value that they give outside."),
        "compile": (compiles_in_one_graph, "``torch.compile`` makes one graph of it."),
        "no-host-sync": (reads_no_value, "No value of a tensor is read, which would stop a GPU."),
        "device": (stays_on_the_device, "Whatever it makes is on the device of the logits."),
        "deterministic": (is_deterministic, "The same logits give the same value, and no random number is drawn."),
        "pickle": (can_be_pickled, "It can be pickled."),
    }
    for name, (run, sentence) in says.items():
        yield Check(name=name, run=run, cites=LOSS, sentence=sentence, every_choice=name != "compile")


LOSS_CHECKS = (
    *OPTIONS_CHECKS,
    *_checks(),
    Check(
        name="generator-alive",
        run=generator_is_alive,
        cites=LOSS,
        sentence="Where D has won by far, G still has a gradient, unless it carries ``saturating``.",
        skip=is_saturating,
        every_choice=True,
    ),
    Check(
        name="options-build",
        run=any_options_train,
        cites=LOSS,
        sentence="Whatever options are allowed, both values are finite near zero, and both players learn from them.",
        skip=no_hypothesis,
    ),
    Check(
        name="reference-values",
        run=agrees_with_its_author,
        cites=LOSS,
        sentence="It is the formula that its docstring states.",
        skip=without_reference,
    ),
    Check(
        name="equilibrium",
        run=equilibrium_is_the_best_answer,
        cites=LOSS,
        sentence='``equilibrium() -> {"d": float, "g": float}``, the values at p_g = p_data.',
        skip=without("equilibrium"),
        every_choice=True,
    ),
    Check(
        name="diagnostics",
        run=diagnostics_are_scalars,
        cites=LOSS,
        sentence=(
            "``diagnostics(*, real, fake) -> dict[str, Tensor]``: finite scalars of detached logits, asked for on"
            " logged steps only."
        ),
        skip=without("diagnostics"),
        every_choice=True,
    ),
    Check(
        name="state",
        run=state_survives,
        cites=STATE,
        sentence="Its state changes in ``after_update`` only, and is part of every checkpoint.",
        skip=without_state,
    ),
    *tag_checks("loss"),
)
AT_LEAST = 26
