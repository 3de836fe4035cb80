"""The state of critics: all that changes and nothing that is frozen, loaded as a whole or not at all."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Self

import torch
from torch import Tensor, nn

from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.training.all_or_nothing import MISFITS, put_back, put_back_if_it_raises, tensors_of
from ganzoo.training.frozen_parts import Fingerprints, frozen_modules, frozen_names
from ganzoo.training.part_critic import part_critics
from ganzoo.training.state_fit import WEIGHTS, another_shape, demand_a_state


class SavedCritics(nn.Module):
    """A module of critics with further state: optimizer, averages, counters.

    Args:
        discriminators: the critics.
        trained: their parameters that learn; all others are in no state.
    """

    optimizer: torch.optim.Optimizer
    _warn: Callable[[str], None]

    def __init__(self, discriminators: nn.ModuleDict, trained: Sequence[nn.Parameter]) -> None:
        super().__init__()
        self.discriminators = discriminators
        self._trained = list(trained)
        known = {id(parameter) for parameter in trained}
        self._untrained = [one for one in discriminators.parameters() if id(one) not in known]
        # Their statistics are not saved, so they must not move when somebody calls train() on all.
        frozen = frozen_modules(discriminators, self._trained)
        self._resting = [module for _, module in frozen if not module.training]
        self._fingerprints = Fingerprints()
        self._frozen_then: Mapping[str, int] | None = None
        self._before: tuple[Callable[[], None], tuple[list[str], ...], list[int]] | None = None
        self._strict: bool | None = None  # of a load_state_dict of this module; a module that holds it does not tell
        self.register_load_state_dict_post_hook(_after_loading)  # type: ignore[no-untyped-call]

    @abstractmethod
    def _take(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`get_extra_state` gave; it may fail midway."""
        raise NotImplementedError

    @abstractmethod
    def _forget(self) -> None:
        """Drop an update that was begun."""
        raise NotImplementedError

    @abstractmethod
    def _shown_whole(self) -> AbstractContextManager[None]:
        """Inside the block critics have the buffers that the last whole update has left."""
        raise NotImplementedError

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy has no gradients, so an update that was begun in parts is none of its own."""
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._forget()

    def train(self, mode: bool = True) -> Self:
        """As for any module, but a frozen backbone that came in evaluation stays there."""
        super().train(mode)
        for module in self._resting:
            module.training = False
        return self

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        """What ``.to(…)`` calls: the optimizer's averages go where the weights go."""
        self._forget()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.optimizer.load_state_dict(self.optimizer.state_dict())
        return self

    def set_extra_state(self, state: Mapping[str, Any]) -> None:
        """Restore :meth:`get_extra_state`, all of it or nothing.

        Raises:
            CheckpointError: it is the state of other critics or parts; this one is as it was.
        """
        self._forget()  # An update that was begun belongs to what was there before.
        try:
            with put_back_if_it_raises(self.get_extra_state(), self._take):
                self._take(state)
        except (*MISFITS, CheckpointError) as error:
            raise CheckpointError(
                "the state does not match these critics",
                given=str(error).splitlines()[0] if str(error) else type(error).__name__,
                allowed="the state of an Adversary with the same critics, loss, regularizers, balance and optimizer",
                hint="load_state_dict(state, critics_only=True) takes the critics' weights alone",
            ) from error

    def state_dict(self, *args: Any, **keywords: Any) -> dict[str, Any]:  # type: ignore[override]
        """Critics, optimizer, parts, balance, pool and counters; what is frozen in a critic is not in it.

        Between two parts of a batch it is the state before the first one.
        """
        with self._shown_whole():
            state: dict[str, Any] = super().state_dict(*args, **keywords)
        prefix = keywords.get("prefix", args[1] if len(args) > 1 else "")
        for name in self._frozen_names():
            state.pop(f"{prefix}{name}", None)
        return state

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False, *, critics_only: bool = False
    ) -> Any:
        """Restore :meth:`state_dict`; with ``critics_only`` the critics' weights alone, to fine-tune them.

        Raises:
            CheckpointError: it is the state of other critics; these are as they were.
            ConfigError: with ``assign``, which would put weights in place that the optimizer does not know.
        """
        given = dict(state_dict)
        saved = dict.fromkeys(name.split(".")[1] for name in self.state_dict() if name.startswith(WEIGHTS))
        demand_a_state(given, self.discriminators, saved=saved, strict=strict)
        if critics_only:
            given["_extra_state"] = self.get_extra_state()
            del given["_extra_state"]["frozen"]
        self._strict = strict
        try:
            return super().load_state_dict(given, strict=strict, assign=assign)
        except CheckpointError as error:
            self._broken_off()
            raise (another_shape(given, self.discriminators) or error) from error.__cause__
        except RuntimeError as error:
            raise another_shape(given, self.discriminators) or CheckpointError(
                "the state does not match these critics",
                given=str(error).splitlines()[-1].strip(),
                allowed="the state of an Adversary with the same critics",
            ) from error
        finally:
            self._strict = None

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        *found: list[str],
    ) -> None:
        """Fill in what is frozen, since it is not in a state; a module that holds this one loads it by this alone."""
        if local_metadata.get("assign_to_params_buffers"):
            raise ConfigError(
                "a state is copied into the critics' weights: put in their place it would be unknown to the optimizer",
                given="assign=True",
                allowed="assign=False",
                hint="load the critics' weights before ganzoo.Adversary(critics)",
            )
        self._forget()
        frozen = self._frozen_names()
        own = dict(self.named_parameters()) | dict(self.named_buffers())
        for name in frozen:
            if name in own:
                state_dict.setdefault(f"{prefix}{name}", own[name].detach())
        extra = state_dict.get(f"{prefix}_extra_state")
        self._frozen_then = extra.get("frozen") if isinstance(extra, Mapping) else None
        missing, unexpected, errors = found
        faults = (errors,) if self._strict is False else (errors, missing, unexpected)
        self._before = self._as_it_is(without=frozen), faults, [*map(len, faults)]
        try:
            super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, *found)
        except Exception:
            self._before = None
            raise

    def _loaded(self) -> None:
        """Called by torch when the critics have been tried as well; it tells of misfits only at its end."""
        if self._before is None:
            return
        put_back_all, faults, counts = self._before
        self._before = None
        if new := [fault for of, count in zip(faults, counts, strict=True) for fault in of[count:]]:
            put_back_all()
            if self._strict is None:  # The module that holds it may have been told not to mind.
                self._warn(f"the state does not match these critics, and nothing of it was taken: {new[0]}")
        else:
            self._tell_of_frozen()

    def _frozen_names(self) -> list[str]:
        return frozen_names(self, self._trained, self._resting)

    def _frozen(self) -> dict[str, int]:
        """Critic → fingerprint of what is frozen in it; a state has this in place of the weights."""
        own = dict(self.named_parameters()) | dict(self.named_buffers())
        found: dict[str, dict[str, Tensor]] = {}
        for name in self._frozen_names():
            if name in own:
                found.setdefault(name.split(".")[1], {})[name] = own[name]
        return {critic: self._fingerprints.of(tensors) for critic, tensors in found.items()}

    def _tell_of_frozen(self) -> None:
        """Warn where a state goes on with other frozen weights than it was trained with."""
        if self._frozen_then is None:
            return
        now = self._frozen()
        for critic in self.discriminators:
            if self._frozen_then.get(critic) != now.get(critic):
                self._warn(
                    f"critic {critic} has other frozen weights than when the state was saved, or has them in another "
                    "precision, and a state has none of them: load those of then into it before "
                    "ganzoo.Adversary(critic), from its file or with the seed that it was made with"
                )

    def _as_it_is(self, *, without: Collection[str]) -> Callable[[], None]:
        """What gives critics back their present state, but for what is frozen."""
        tensors, extra = tensors_of(self, without=without), self.get_extra_state()
        drawn = [(part, part.get_extra_state()) for part in part_critics(self.discriminators)]

        def put_back_all() -> None:
            put_back(self, tensors)
            self._take(extra)
            for part, state in drawn:
                part.set_extra_state(state)

        return put_back_all

    def _broken_off(self) -> None:
        """A critic has refused its own state, so torch does not go on to :meth:`_loaded`."""
        if self._before is not None:
            put_back_all, *_ = self._before
            self._before = None
            put_back_all()


def _after_loading(critics: SavedCritics, keys: Any) -> None:
    """A function and not a method, so that a copy of critics calls itself."""
    critics._loaded()
