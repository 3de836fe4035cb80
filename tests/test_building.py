"""One component by its name, for anyone's own loop."""

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError, UnknownNameError
from ganzoo.protocols import DataSpec

IMAGES = DataSpec(shape=(1, 8, 8), classes=("a", "b"), marginal=(0.5, 0.5))


class TestWhatIsBuilt:
    def test_a_loss(self):
        loss = ganzoo.build("loss", "margin-hinge", margin_real=0.5)
        value = loss.discriminator_loss(real=torch.tensor([0.2, 2.0]), fake=torch.tensor([-3.0]))
        assert float(value) == pytest.approx(0.15)

    @pytest.mark.parametrize("kind", ["disc", "discriminators", "discriminator"])
    def test_a_discriminator_by_any_word_for_its_kind(self, kind):
        network = ganzoo.build(kind, "patchgan_sn", spec=IMAGES, ndf=2, n_layers=1)
        assert network(torch.zeros(3, 1, 8, 8)).logits.shape == (3, 1, 2, 2)

    def test_a_generator_that_fits_it(self):
        network = ganzoo.build("generator", "dcgan", spec=IMAGES, ngf=2, latent=3)
        assert network(network.latent(2, generator=torch.Generator())).shape == (2, 1, 8, 8)

    def test_what_the_data_decide_is_decided(self):
        small, large = (
            ganzoo.build("discriminator", "patchgan-sn", spec=DataSpec(shape=(1, side, side))) for side in (32, 64)
        )
        assert small.blocks[0][0].out_channels == 32
        assert large.blocks[0][0].out_channels == 64

    def test_a_regularizer(self):
        assert ganzoo.build("reg", "gradient-penalty", target=0.5).target == 0.5

    def test_a_dataset_comes_as_options_to_be_opened(self, tmp_path):
        options = ganzoo.build("dataset", "synthetic", n=8)
        opened = options.open(image_size=8, channels=1, split="train", cache=tmp_path)
        assert (len(opened), opened.spec.shape) == (8, (1, 8, 8))


class TestWhatIsRefused:
    def test_an_option_nobody_knows(self):
        with pytest.raises(ConfigError) as caught:
            ganzoo.build("loss", "margin-hinge", margin_rael=0.5)
        assert caught.value.message == "margin-hinge.margin_rael: unknown key; did you mean 'margin_real'?"
        assert caught.value.hint == "see its options with: ganzoo info margin-hinge --kind loss"

    def test_every_wrong_option_at_once(self):
        with pytest.raises(ConfigError, match="2 problems") as caught:
            ganzoo.build("discriminator", "patchgan-sn", spec=IMAGES, ndf=0, dropout=1)
        assert "patchgan-sn.ndf = 0" in caught.value.message
        assert "patchgan-sn.dropout = 1" in caught.value.message

    @pytest.mark.parametrize("kind", ["discriminator", "generator"])
    def test_a_network_without_data(self, kind):
        with pytest.raises(ConfigError, match=f"{kind} 'dcgan' depends on the data") as caught:
            ganzoo.build(kind, "dcgan")
        assert "DataSpec" in caught.value.hint

    @pytest.mark.parametrize(("kind", "name"), [("loss", "hing"), ("los", "hinge")])
    def test_a_name_nobody_provides(self, kind, name):
        with pytest.raises(UnknownNameError, match="did you mean"):
            ganzoo.build(kind, name)

    def test_a_recipe(self):
        with pytest.raises(ConfigError, match="recipe 'patchgan-sn-hinge' is a configuration file"):
            ganzoo.build("recipe", "patchgan-sn-hinge")
