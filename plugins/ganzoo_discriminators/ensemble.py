"""Several critics of signals as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from ganzoo_blocks.signal_shape import signal_shape
from pydantic import Field, ValidationError, model_validator
from torch import nn

from ganzoo.component import Options
from ganzoo.protocols import Discriminator, DiscriminatorOutput
from ganzoo_discriminators.multiscale_patchgan import MultiscalePatchgan
from ganzoo_discriminators.patchgan import Patchgan
from ganzoo_discriminators.patchgan_sn import PatchganSn
from ganzoo_discriminators.period import Period
from ganzoo_discriminators.scale import Scale
from ganzoo_discriminators.stft import Stft
from ganzoo_discriminators.stft_bands import StftBands
from ganzoo_discriminators.stft_complex import StftComplex

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec

MEMBERS: Mapping[str, type[Options]] = {
    "multiscale-patchgan": MultiscalePatchgan,
    "patchgan": Patchgan,
    "patchgan-sn": PatchganSn,
    "period": Period,
    "scale": Scale,
    "stft": Stft,
    "stft-bands": StftBands,
    "stft-complex": StftComplex,
}


class Ensemble(Options):
    """Several critics of signals as one, each with a weight; by default those of HiFi-GAN.

    Formula:
        D(x) = the maps of all members;  objective Σ_m w_m · L(D_m(x)), L added or averaged over the maps of member m

    A member is a critic of this package with options of its own. Its weight, 1 unless given, multiplies the loss of its
    maps on both sides and, with ``layer=all``, the distance of its features; with ``maps`` mean it is divided by the
    number of the member's maps. The loss itself is to add maps up, as it does by default. Penalties and statistics take
    all maps alike, and ``logits`` and the receptive field are those of the first member. Features are grouped by
    critic.

    An ``Adversary`` takes several critics by name as well. An ensemble is one critic: its gradient is clipped as a
    whole, it is one module, and it can be a member of an ``Adversary`` itself.

    Where implementations differ: HiFi-GAN and DAC add all losses up; audiocraft divides by the number of critics; Vocos
    averages over the periods, and over the transforms with a weight of 0.1. DAC moves each signal to mean 0 and a peak
    of 0.8 for all members: set ``level`` of each that has it.

    Raises:
        ConfigError: if the data are not signals, or a member does not take them.

    Source: Kong et al. 2020, arXiv:2010.05646; weights: Siuzdak 2023, arXiv:2306.00814.
    """

    critics: dict[str, dict[str, Any]] = Field(
        default={"period": {}, "scale": {}}, min_length=1, description="name of each member → its options"
    )
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default={}, description="name of a member → weight of its loss and features, 1 unless given"
    )
    maps: Literal["sum", "mean"] = Field(default="sum", description="add or average over the maps of each member")
    ndf: int | None = Field(default=None, ge=1, le=65_536, description="width of the first convolution of all members")

    @model_validator(mode="after")
    def _members_are_known(self) -> Self:
        if unknown := sorted(set(self.critics) - set(MEMBERS)):
            raise ValueError(f"critics: {unknown[0]} is not one of {', '.join(MEMBERS)}")
        if unknown := sorted(set(self.weights) - set(self.critics)):
            raise ValueError(f"weights: {unknown[0]} is not one of {', '.join(self.critics)}")
        for name, options in self.critics.items():
            try:
                MEMBERS[name].model_validate(options)
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(map(str, (name, *first["loc"])))
                raise ValueError(f"critics: {place}: {first['msg']}") from None
        return self

    def tags(self) -> frozenset[str]:
        """Those of all members, for signals."""
        tags = [member.tags() for member in self._members().values()]
        several = frozenset({"multiple_outputs"} if len(tags) > 1 else ())
        return (frozenset().union(*tags) - {"image", "volume"}) | several

    def build(self, spec: DataSpec) -> EnsembleNetwork:
        """The network for data of ``spec``."""
        signal_shape(spec, of="ensemble")
        members = {name: member.resolve(spec).build(spec) for name, member in self._members().items()}
        weights = {name: self.weights.get(name, 1.0) for name in members}
        return EnsembleNetwork(members, weights, averaged=self.maps == "mean")

    def _members(self) -> dict[str, Options]:
        width = {} if self.ndf is None else {"ndf": self.ndf}
        return {name: MEMBERS[name].model_validate({**options, **width}) for name, options in self.critics.items()}


class EnsembleNetwork(Discriminator):
    """The module behind :class:`Ensemble`. Labels are ignored."""

    def __init__(self, members: Mapping[str, Discriminator], weights: Mapping[str, float], *, averaged: bool) -> None:
        super().__init__()
        self.members, self.weights, self.averaged = nn.ModuleDict(members), dict(weights), averaged

    def forward(self, images: Tensor, labels: Tensor | None = None) -> DiscriminatorOutput:
        """The maps of all members, first those of the first, their features and weights."""
        said: dict[str, DiscriminatorOutput] = {name: member(images) for name, member in self.members.items()}
        maps = [logits for output in said.values() for logits in output.maps()]
        counts = [len(group) for output in said.values() for group in output.feature_groups()]
        weights = [self._weight(name, output) for name, output in said.items() for _ in output.maps()]
        return DiscriminatorOutput(
            logits=maps[0],
            features=tuple(feature for output in said.values() for feature in output.features),
            extra_logits=tuple(maps[1:]),
            feature_counts=tuple(counts) if len(maps) > 1 else (),
            map_weights=() if set(weights) == {1.0} else tuple(weights),
        )

    def receptive_field(self) -> int | tuple[int, ...] | None:
        """That of the first member."""
        first = next(iter(self.members.values()))
        assert isinstance(first, Discriminator)
        return first.receptive_field()

    def _weight(self, name: str, output: DiscriminatorOutput) -> float:
        return self.weights[name] / (len(output.maps()) if self.averaged else 1)
