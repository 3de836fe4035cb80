import pytest
import torch
from ganzoo_discriminators.patchgan import Patchgan
from pydantic import Field
from torch import nn

from ganzoo.catalog.patch_map import by_axis, field_in_words, patch_maps, ranks_of
from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.protocols import Discriminator, DiscriminatorOutput


class Strided(Options):
    depth: int | None = Field(default=None)

    def resolve(self, spec):
        return self.model_copy(update={"depth": self.depth or (2 if spec.shape[-1] < 64 else 3)})

    def build(self, spec):
        if spec.shape[-1] < 16:
            raise ConfigError("too small")
        return StridedNetwork(spec.shape[0], self.depth)


class StridedNetwork(Discriminator):
    def __init__(self, channels, depth):
        super().__init__()
        self.depth = depth
        self.body = nn.Sequential(*(nn.Conv2d(channels, channels, 2, stride=2) for _ in range(depth)))

    def forward(self, images, labels=None):
        assert images.is_meta
        return DiscriminatorOutput(logits=self.body(images).mean(1, keepdim=True))

    def receptive_field(self):
        return 2**self.depth


def test_field_and_map_by_size():
    maps = [
        (one.side, one.receptive_field, one.map_side, one.resolved) for one in patch_maps(Strided(), sides=(8, 32, 64))
    ]
    assert maps == [(8, None, None, {}), (32, 4, 8, {"depth": 2}), (64, 8, 8, {"depth": 3})]


def test_what_the_user_chose_is_not_decided_by_the_data():
    [one] = patch_maps(Strided(depth=1), sides=(32,))
    assert (one.receptive_field, one.map_side, one.resolved) == (2, 16, {})


def test_no_memory_and_no_random_numbers_are_taken():
    state = torch.get_rng_state()
    assert list(patch_maps(Strided(), channels=1, sides=(2**14,)))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("channels", [1, 3])
def test_channels(channels):
    assert next(patch_maps(Strided(), channels=channels)).map_side == 8


def test_fields_and_maps_of_other_data_per_axis():
    volumes = Patchgan(ndf=2, stride=(1, 2, 2), n_layers=1)
    assert ranks_of(volumes.tags()) == [3]
    [one] = patch_maps(volumes, rank=3, sides=(16,))
    assert (one.receptive_field, one.map_shape, one.resolved) == ((10, 16, 16), (13, 6, 6), {})
    assert (field_in_words(one), by_axis(one.map_shape)) == ("10×16×16", "13×6×6")
    [one] = patch_maps(Patchgan(), rank=1, sides=(256,))
    assert (field_in_words(one), one.map_shape) == ("70", (30,))
    assert ranks_of(Patchgan().tags()) == [2, 1, 3]
