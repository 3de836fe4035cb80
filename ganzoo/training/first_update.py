"""Why a player's first update is not finite: no learning rate has acted yet, so some part is at fault."""

from __future__ import annotations

from collections.abc import Callable

from ganzoo.errors import DivergedError, GanzooError
from ganzoo.protocols import Player
from ganzoo.training.game import Game, Named, Terms
from ganzoo.training.non_finite import NonFinite, is_finite, watched
from ganzoo.training.uncompiled import eager

CHECK_DATA = "ganzoo data PATH, which shows what is read"


def explained(error: DivergedError, game: Game, player: Player, again: Callable[[], Terms]) -> DivergedError:
    """The error of a first update, with the part at fault in place of advice about learning rates.

    Args:
        error: what was raised; the gradients are still those it speaks of.
        game: what was played.
        player: whose update it was.
        again: computes the terms once more.
    """
    network = getattr(game, player)
    lost = [name for name, value in network.named_parameters() if value.grad is not None and not is_finite(value.grad)]
    try:
        networks = {"generator": game.generator, "discriminator": game.discriminator}
        with watched(networks) as places, eager():
            terms = again()
        known = game.team.any(bool(places))
    except (GanzooError, RuntimeError, MemoryError):
        return error  # that the update failed is what is to be told, even if it cannot be explained
    if player == "generator" and not (places and places[0].network == "generator"):
        return error  # the discriminator has moved by then, perhaps too far
    if places:
        return _of_network(error, game, places[0])
    if known:  # in the samples of another process, which does not speak
        error.hint = "train it in one process, which says what is at fault"
        return error
    suspects = _of_terms(game, terms)
    if not suspects:
        suspects = [game.in_words(player), game.in_words("discriminator"), game.in_words("loss")]
        error.given = f"{error.given}; the gradient is not finite at {', '.join(lost[:3])}"
    names, commands = dict.fromkeys(one.words for one in suspects), dict.fromkeys(one.command for one in suspects)
    return DivergedError(
        f"{error.message}, the first of this player: no learning rate has acted yet, and all networks give finite "
        f"numbers, so the fault is in {' or '.join(names)}",
        given=error.given,
        allowed=error.allowed,
        hint=", ".join(filter(None, commands)) or None,
    )


def _of_network(error: DivergedError, game: Game, place: NonFinite) -> DivergedError:
    named = game.in_words("generator" if place.network == "generator" else "discriminator")
    if not place.module:
        return DivergedError(
            f"{named.words} is given numbers that are not finite in the first update",
            given=error.given,
            allowed="finite data, and augmentations that keep them so",
            hint=CHECK_DATA,
        )
    return DivergedError(
        f"{named.words} gives numbers that are not finite in the first update, when no learning rate has acted yet",
        given=f"{place}; {error.given}",
        allowed="finite numbers from the weights that it is built with",
        hint=named.command,
    )


def _of_terms(game: Game, terms: Terms) -> list[Named]:
    """The parts whose terms are not finite, though what the networks give is."""
    names = [name for name, value in terms.scalars.items() if not is_finite(value)]
    found = [game.in_words("loss")] if "adversarial" in names else []
    begins = {part.name.replace("-", "_"): part.in_words() for part in game.regularizers}
    return found + [named for start, named in begins.items() if any(name.startswith(start) for name in names)]
