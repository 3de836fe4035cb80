import pytest
import torch
from ganzoo_example import ganzoo_components
from ganzoo_example.global_pool import GlobalPool
from ganzoo_example.smooth_hinge import SmoothHinge
from torch.nn import functional as F

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, Loss


@pytest.mark.parametrize("width", [0.25, 1.0, 3.0])
def test_the_loss_equals_torchs_huber_form_of_it(width: float) -> None:
    logits = torch.linspace(-5, 5, 41, dtype=torch.float64)
    shortfall = [F.relu(1 - v) for v in (logits, -logits.flip(0))]
    expected = sum(F.smooth_l1_loss(s, torch.zeros_like(s), beta=width) for s in shortfall)
    loss = SmoothHinge(width=width)
    assert isinstance(loss, Loss)
    assert torch.allclose(loss.discriminator_loss(real=logits, fake=logits.flip(0)), expected, rtol=1e-12)


def test_values_at_zero_logits() -> None:
    zero = torch.zeros(4, 1, 3, 3, dtype=torch.float64)
    assert SmoothHinge().discriminator_loss(real=zero, fake=zero) == 1
    assert SmoothHinge().generator_loss(fake=zero) == 0


def test_gradients_push_real_up_and_fake_down() -> None:
    real, fake = torch.zeros(3, requires_grad=True), torch.zeros(3, requires_grad=True)
    SmoothHinge().discriminator_loss(real=real, fake=fake).backward()
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all()


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 64, 48), (3, 7, 7)])
def test_the_discriminator_gives_one_logit_an_image(shape: tuple[int, int, int]) -> None:
    network = GlobalPool(ndf=4).build(DataSpec(shape=shape))
    images = torch.randn(5, *shape)
    output = network(images)
    assert output.logits.shape == (5,)
    assert len(output.features) == 3
    alone = torch.cat([network(image[None]).logits for image in images])
    assert torch.allclose(output.logits, alone, atol=1e-6)


def test_vectors_are_refused() -> None:
    with pytest.raises(ConfigError, match="judges images"):
        GlobalPool().build(DataSpec(shape=(2,)))


def test_records_carry_the_tags_of_the_default_options() -> None:
    options = {"smooth-hinge": SmoothHinge(), "global-pool": GlobalPool()}
    assert {record.name: record.tags for record in ganzoo_components()} == {n: o.tags() for n, o in options.items()}
