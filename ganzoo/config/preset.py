"""What the file of a preset may say."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

NamedOptions = dict[str, Any]
"""``name`` and options of a component."""


class OptimizerConfig(BaseModel):
    """The optimizer of the critics."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["adam", "adamw"] = Field(default="adam", description="which of the two")
    lr: float = Field(default=2e-4, gt=0, description="learning rate")
    betas: tuple[float, float] = Field(default=(0.5, 0.9), description="β₁ and β₂")
    eps: float = Field(default=1e-8, gt=0, description="ε")
    weight_decay: float = Field(default=0.0, ge=0, description="decay of weights")


class PresetConfig(BaseModel):
    """Arguments of :class:`ganzoo.Adversary`, with critics and optimizer by their names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(default=1, description="of this format")
    discriminators: dict[str, NamedOptions] = Field(min_length=1, description="critic → name and options")
    condition: bool = Field(default=False, description="whether critics see a condition beside the data")
    loss: NamedOptions = Field(description="name and options")
    generator_loss: NamedOptions | None = Field(default=None, description="where the generator's side is another's")
    regularizers: dict[str, NamedOptions] = Field(default_factory=dict, description="name → options")
    feature_matching: NamedOptions | None = Field(default=None, description="options of feature-matching")
    augment: dict[str, NamedOptions] = Field(default_factory=dict, description="name → options")
    optimizer: OptimizerConfig = Field(default_factory=OptimizerConfig, description="of the critics")
    start: int = Field(default=0, ge=0, description="step of the critics' first update")
    generator_start: int | None = Field(default=None, ge=0, description="step of the generator's first push")
    ramp: int = Field(default=0, ge=0, description="steps over which the push grows")
    every: int = Field(default=1, ge=1, description="critics are updated in every k-th step")
    clip_grad_norm: float | None = Field(default=None, gt=0, description="largest norm of each critic's gradient")
    weight: float = Field(default=1.0, description="of all that is added to the generator's loss")
    critic_weights: dict[str, float] = Field(default_factory=dict, description="critic → weight")
    balance: Literal["none", "last-layer", "gradient-normalization", "balancer"] = Field(
        default="none", description="how the push is balanced"
    )
    balance_options: dict[str, float] = Field(default_factory=dict, description="of the balance")
    maps: Literal["sum", "mean"] = Field(default="sum", description="over the maps of a critic")
    passes: Literal["auto", "one", "two"] = Field(default="auto", description="real and fake together or apart")
    pool: int = Field(default=0, ge=0, description="how many earlier fakes are kept")
    pac: int = Field(default=1, ge=1, description="how many samples critics judge at once")
    mismatch: bool = Field(default=False, description="whether real data with wrong conditions are fakes too")
    skip_below: float | None = Field(default=None, description="critics are not stepped while their loss is below it")
