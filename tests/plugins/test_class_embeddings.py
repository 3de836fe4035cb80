"""d2d-ce and contrastive against sums written out by hand, and the critic whose embeddings they compare."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from ganzoo_discriminators.embedding import Embedding
from ganzoo_regularizers.contrastive import Contrastive
from ganzoo_regularizers.d2d_ce import D2dCe

from ganzoo.errors import ConfigError
from ganzoo.protocols import DataSpec, DiscriminatorOutput

BOTH = pytest.mark.parametrize("part", [D2dCe(), Contrastive()], ids=["d2d-ce", "contrastive"])


def view_of(embedding, proxies, labels):
    """Fakes alone; what is asked of them in G's step is asked of real data in D's."""
    output = DiscriminatorOutput(torch.zeros(len(labels)), embedding=embedding, proxies=proxies)
    return SimpleNamespace(real_output=output, fake_output=output, real_labels=labels, fake_labels=labels)


def drawn(n=6, width=3, seed=0):
    random = torch.Generator().manual_seed(seed)
    embedding, table = torch.randn(n, width, generator=random), torch.randn(3, width, generator=random)
    labels = torch.arange(n) % 3
    return embedding.double(), table.double()[labels], labels


def cosine(one, other):
    one, other = one.tolist(), other.tolist()
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(a * b for a, b in zip(one, other, strict=True)) / lengths


@pytest.mark.parametrize(
    ("temperature", "positive", "negative"), [(0.5, 0.98, 0.02), (0.25, 0.3, -0.4), (1.0, 1.0, -1.0)]
)
def test_d2d_ce_is_the_sum_written_out(temperature, positive, negative):
    e, v, y = drawn()
    terms = []
    for i in range(6):
        near = math.exp(min(cosine(e[i], v[i]) - positive, 0) / temperature)
        apart = [math.exp(max(cosine(e[i], e[j]) - negative, 0) / temperature) for j in range(6) if y[j] != y[i]]
        terms.append(-math.log(near / (near + sum(apart))))
    part = D2dCe(temperature=temperature, margin_positive=positive, margin_negative=negative)
    wanted = sum(terms) / 6
    assert part.discriminator_terms(view_of(e, v, y))["d2d_ce_real"].item() == pytest.approx(wanted, rel=1e-12)
    assert part.generator_terms(view_of(e, v, y))["d2d_ce_fake"].item() == pytest.approx(wanted, rel=1e-12)


def test_d2d_ce_by_hand():
    """Four samples of two classes on their own axes, proxies opposite: p = −1.98 / ½, and two of the other class."""
    e = torch.tensor([[1.0, 0], [2, 0], [0, 3], [0, 1]], dtype=torch.float64)
    value = D2dCe().generator_terms(view_of(e, -e, torch.tensor([0, 0, 1, 1])))["d2d_ce_fake"]
    assert value.item() == pytest.approx(math.log(1 + 2 * math.exp(3.96)), rel=1e-12)


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_contrastive_is_the_sum_written_out(temperature):
    e, v, y = drawn(seed=1)
    terms = []
    for i in range(6):
        own = math.exp(cosine(e[i], v[i]) / temperature)
        others = {j: math.exp(cosine(e[i], e[j]) / temperature) for j in range(6) if j != i}
        alike = sum(value for j, value in others.items() if y[j] == y[i])
        terms.append(-math.log((own + alike) / (own + sum(others.values()))))
    value = Contrastive(temperature=temperature).generator_terms(view_of(e, v, y))["contrastive_fake"]
    assert value.item() == pytest.approx(sum(terms) / 6, rel=1e-12)


def test_contrastive_by_hand():
    """All alike, classes of 1 and 3: ln 4 once, and ln 4/3 three times."""
    ones = torch.ones(4, 2, dtype=torch.float64)
    value = Contrastive().generator_terms(view_of(ones, ones, torch.tensor([0, 1, 1, 1])))["contrastive_fake"]
    assert value.item() == pytest.approx((math.log(4) + 3 * math.log(4 / 3)) / 4, rel=1e-12)


@BOTH
def test_a_batch_of_one_class_has_nothing_to_learn_and_lengths_do_not_count(part):
    e, v, y = drawn()
    [alone] = part.generator_terms(view_of(e, v, torch.zeros_like(y))).values()
    assert alone.item() == pytest.approx(0, abs=1e-12)
    [one], [other] = (part.generator_terms(view_of(scale * e, v / scale, y)).values() for scale in (1.0, 7.0))
    torch.testing.assert_close(one, other)


@BOTH
def test_what_cannot_be_compared_is_refused(part):
    e, v, y = drawn()
    for view, said in (
        (view_of(None, None, y), "returns none"),
        (view_of(e[:1], v[:1], y[:1]), "there is one"),
    ):
        with pytest.raises(ConfigError, match=said):
            part.generator_terms(view)


def test_the_critic_learns_to_place_classes():
    """Solid gray of three levels: after 30 steps of Adam each sample is nearest to the proxy of its class."""
    spec = DataSpec(shape=(1, 8, 8), classes=("a", "b", "c"), marginal=(1 / 3,) * 3, conditional=True)
    torch.manual_seed(0)
    critic = Embedding(ndf=4, embedding=8).build(spec)
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-2)
    labels = torch.arange(12) % 3
    images = (labels - 1.0).reshape(-1, 1, 1, 1) * 0.8 + 0.1 * torch.randn(12, 1, 8, 8)
    for _ in range(30):
        output = critic(images, labels)
        [term] = D2dCe().generator_terms(view_of(output.embedding, output.proxies, labels)).values()
        optimizer.zero_grad()
        term.backward()
        optimizer.step()
    critic.eval()
    table = torch.nn.functional.normalize(critic.proxies(torch.arange(3)), dim=1)
    found = (torch.nn.functional.normalize(critic(images, labels).embedding, dim=1) @ table.T).argmax(1)
    assert torch.equal(found, labels)
    assert torch.equal(critic(images, labels).logits, critic(images, labels.roll(1)).logits)
