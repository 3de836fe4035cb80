"""Fails when it is asked."""

from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components():
    raise ValueError("no components today,\nnor tomorrow")
