"""Works until an update, and prints; then its loss, or its metric, raises."""

from ganzoo.component import Component, Options
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    return [
        Component(kind="loss", name="late", target=f"{__name__}:Late", summary="hinge, until update 13"),
        Component(kind="metric", name="moody", target=f"{__name__}:Moody", summary="raises at every second call"),
    ]


class Late(Options):
    """Fails in the loss of either player."""

    fails: bool = True
    player: str = "generator"

    def build(self, spec):
        return Counting(self.player if self.fails else "")


class Counting:
    """Counts its calls."""

    def __init__(self, player):
        self.player, self.calls = player, 0

    def state_dict(self):
        import torch

        return {"calls": torch.tensor(self.calls)}

    def load_state_dict(self, state):
        self.calls = int(state["calls"])

    def after_update(self, *, real, fake):
        pass

    def _count(self, player):
        print("a part prints")
        if player == self.player:
            self.calls += 1
            if self.calls == 4:
                raise ZeroDivisionError("the fourth call")

    def discriminator_loss(self, *, real, fake):
        self._count("discriminator")
        return (1 - real).relu().mean() + (1 + fake).relu().mean()

    def generator_loss(self, *, fake):
        self._count("generator")
        return -fake.mean()


class Moody(Options):
    """A metric that raises."""

    def build(self, spec):
        return self.Metric()

    class Metric:
        needs = frozenset({"images"})
        higher_is_better = None
        samples = 8

        def __init__(self):
            self.calls = 0

        def __call__(self, *, real, fake, random):
            self.calls += 1
            if self.calls == 3:  # the second look of the generator: the second call is for the floor
                raise KeyError("no value today")
            return {"value": float(self.calls)}
