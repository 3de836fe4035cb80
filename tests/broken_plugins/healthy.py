"""Nothing is wrong with this one."""

from ganzoo.component import Component, Options
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    return [
        Component(
            kind="loss", name="healthy", target=f"{__name__}:Healthy", summary="[fine] :smile:", aliases=("hale",)
        ),
        Component(kind="loss", name="hinge", target=f"{__name__}:Healthy", summary="a name ganzoo has as well"),
        Component(kind="loss", name="absent", target=f"{__name__}:Absent", summary="its class is gone"),
        Component(kind="loss", name="needy", target=f"{__name__}:Healthy", summary="needs more", requires=("no_such",)),
    ]


class Healthy(Options):
    """A loss without mathematics."""
