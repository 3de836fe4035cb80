"""What several processes cannot train together, said before anything is written."""

from __future__ import annotations

from ganzoo.errors import ConfigError
from ganzoo.planning.plan import Plan
from ganzoo.training.shared_batch_norm import shares
from ganzoo.training.team import Team


def demand_fit(plan: Plan, team: Team) -> None:
    """Refuse what would not be the training of one process, and was not asked for.

    Raises:
        ConfigError: names the part, and what to do.
    """
    if team.alone:
        return
    config, size = plan.config, team.size
    train = config.train
    parts = size * train.accumulate
    if train.batch_size % parts:
        larger = parts * -(-train.batch_size // parts)
        raise ConfigError(
            f"a batch of {train.batch_size} cannot be divided among {size} processes with {train.accumulate} "
            "micro-batches each",
            given=f"train.batch_size = {train.batch_size}",
            allowed=f"multiples of {parts}",
            hint=f"--batch-size {larger}",
        )
    alone = not train.sync_batch_norm and train.batch_size == parts
    if alone and (shares(plan.discriminator) or shares(plan.generator)):
        larger = 2 * parts
        raise ConfigError(
            "a BatchNorm that looks at the rows of its own process needs two of them",
            given=f"train.batch_size = {train.batch_size} in {parts} parts",
            allowed=f"multiples of {parts} from {larger}, or train.sync_batch_norm=true",
            hint=f"--batch-size {larger}",
        )
    for section, network in (("discriminator", plan.discriminator), ("generator", plan.generator)):
        tags, name = plan.options[section].tags(), plan.entries[section].name
        own_way = "batch_coupled_train" in tags and not shares(network)
        if "batch_coupled_always" in tags or own_way:
            raise ConfigError(
                f"{section} {name} lets the samples of a batch influence each other, and several processes would see "
                "only their own part of it",
                given=f"{size} processes",
                allowed="networks that judge each sample by itself, or couple samples by torch.nn.BatchNorm alone",
                hint=f"--set {section}.minibatch=none where {name} has that option, or train it in one process",
            )
    if config.runtime.compile:
        raise ConfigError(
            "runtime.compile was not tried with several processes",
            given=f"{size} processes",
            hint="--set runtime.compile=false",
        )
    if train.rollbacks:
        raise ConfigError(
            "several processes cannot go back to a checkpoint by themselves",
            given=f"train.rollbacks = {train.rollbacks}",
            allowed="0",
            hint="--set train.rollbacks=0",
        )
    if config.runtime.device.partition(":")[2]:
        raise ConfigError(
            "with several processes each takes the GPU of its own number",
            given=f"runtime.device = {config.runtime.device}",
            allowed="auto, cpu, cuda",
            hint="--device cuda",
        )
