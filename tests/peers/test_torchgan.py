"""Losses, penalties and minibatch discrimination beside torchgan's (``pip install --no-deps torchgan``)."""

from __future__ import annotations

import pytest
import torch
from ganzoo_discriminators.minibatch import KERNEL_SIZE, KERNELS, MinibatchDiscrimination
from ganzoo_losses.bce import Bce
from ganzoo_losses.began import BeganLoss
from ganzoo_losses.ebgan import Ebgan
from ganzoo_losses.lsgan import Lsgan
from ganzoo_losses.minimax import Minimax
from ganzoo_losses.wgan import Wgan
from ganzoo_regularizers.auxiliary_classifier import class_cross_entropy
from ganzoo_regularizers.critic_gradient import gradient_norms
from ganzoo_regularizers.pull_away import PullAway
from peer_package import modules_of
from torch.nn import functional as F

from ganzoo.protocols import DiscriminatorOutput

(peer,) = modules_of("torchgan", "losses.functional")
(peer_layer,) = modules_of("torchgan", "layers.minibatchdiscrimination")


@pytest.fixture(params=[(5,), (5, 1, 3, 2)], ids=["logits", "patches"])
def sides(request):
    drawn = torch.Generator().manual_seed(0)
    return tuple(3 * torch.randn(request.param, generator=drawn, dtype=torch.float64) for _ in range(2))


@pytest.mark.parametrize(
    ("loss", "d", "g"),
    [
        (Bce(), peer.minimax_discriminator_loss, peer.minimax_generator_loss),
        (
            Bce(label_smoothing=0.1),
            lambda r, f: peer.minimax_discriminator_loss(r, f, label_smoothing=0.1),
            peer.minimax_generator_loss,
        ),
        (Minimax(), peer.minimax_discriminator_loss, lambda f: peer.minimax_generator_loss(f, nonsaturating=False)),
        (Wgan(), peer.wasserstein_discriminator_loss, peer.wasserstein_generator_loss),
        (Lsgan(), peer.least_squares_discriminator_loss, peer.least_squares_generator_loss),
        (
            Lsgan(a=-1, b=1, c=0),
            lambda r, f: peer.least_squares_discriminator_loss(r, f, a=-1.0, b=1.0),
            lambda f: peer.least_squares_generator_loss(f, c=0.0),
        ),
    ],
    ids=["bce", "smoothed", "minimax", "wgan", "lsgan", "lsgan -1 1 0"],
)
def test_losses_of_logits_agree(loss, d, g, sides):
    real, fake = sides
    torch.testing.assert_close(loss.discriminator_loss(real=real, fake=fake), d(real, fake), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(loss.generator_loss(fake=fake), g(fake), rtol=1e-12, atol=1e-12)


def test_energy_losses_agree_on_energies(sides):
    real, fake = (side.abs() for side in sides)
    ebgan = Ebgan(margin=1.5)
    torch.testing.assert_close(
        ebgan.discriminator_loss(real=-real, fake=-fake), peer.energy_based_discriminator_loss(real, fake, 1.5)
    )
    torch.testing.assert_close(ebgan.generator_loss(fake=-fake), peer.energy_based_generator_loss(fake))
    began = BeganLoss(gamma=0.75, lambda_k=1e-3)
    began.k = torch.tensor(0.3)
    expected, _, _ = peer.boundary_equilibrium_discriminator_loss(real, fake, began.k.double())
    torch.testing.assert_close(began.discriminator_loss(real=-real, fake=-fake), expected)


def test_the_class_term_agrees():
    class_logits, labels = torch.randn(6, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 3, 0])
    output = DiscriminatorOutput(torch.zeros(6), class_logits=class_logits)
    torch.testing.assert_close(
        class_cross_entropy(output, labels), peer.auxiliary_classification_loss(class_logits, labels)
    )


@pytest.mark.parametrize("penalty", [peer.wasserstein_gradient_penalty, peer.dragan_gradient_penalty])
@pytest.mark.parametrize("batch", [1, 2, 9])
def test_its_gradient_norm_is_that_of_the_whole_batch(penalty, batch):
    """A critic of slope s pays (s√N − 1)² there, whatever N samples are alike; here (s − 1)² for every N."""
    slope = 0.7
    direction = F.normalize(torch.randn(12, dtype=torch.float64), dim=0)
    images = torch.randn(batch, 3, 2, 2, dtype=torch.float64, requires_grad=True)

    def critic(images, labels):
        return DiscriminatorOutput(slope * (images.flatten(1) @ direction))

    theirs = penalty(images, critic(images, None).logits).item()
    ours = (gradient_norms(critic, images, None) - 1).square().mean().item()
    assert theirs == pytest.approx((slope * batch**0.5 - 1) ** 2, abs=1e-12)
    assert ours == pytest.approx((slope - 1) ** 2, abs=1e-9)
    assert (abs(theirs - ours) < 1e-9) == (batch == 1)


def test_its_pulling_away_term_is_not_zero_for_orthogonal_encodings():
    """It counts each encoding with itself, and divides by lengths over the batch instead of over the features."""
    encodings = torch.eye(4, 6, dtype=torch.float64)
    assert peer.energy_based_pulling_away_term(encodings).item() == pytest.approx(1 / 3)

    class View:
        fake_output = DiscriminatorOutput(torch.zeros(4, dtype=torch.float64), features=(encodings,))

    assert PullAway().generator_terms(View)["pull_away"].item() == 0
    View.fake_output = DiscriminatorOutput(torch.zeros(4, dtype=torch.float64), features=(encodings + 1,))
    cosine = F.cosine_similarity(encodings[0] + 1, encodings[1] + 1, dim=0).item()
    assert PullAway().generator_terms(View)["pull_away"].item() == pytest.approx(cosine**2)


def test_minibatch_discrimination_agrees_but_for_the_offset():
    ours = MinibatchDiscrimination(7).double()
    theirs = peer_layer.MinibatchDiscrimination1d(7, KERNELS, KERNEL_SIZE).double()
    with torch.no_grad():
        theirs.T.copy_(ours.to_kernels.weight.T.reshape(7, KERNELS, KERNEL_SIZE))
    activations = torch.randn(6, 7, dtype=torch.float64)
    expected = theirs(activations)
    expected = torch.cat([expected[:, :7], expected[:, 7:] + ours.offset], dim=1)
    torch.testing.assert_close(ours(activations), expected, rtol=1e-12, atol=1e-12)
