"""Imports torch at the top."""

import torch  # noqa: F401

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    return [Component(kind="loss", name="heavy", target="nowhere:Nothing", summary="works, but slows every command")]
