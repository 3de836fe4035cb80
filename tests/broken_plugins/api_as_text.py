"""Gives the number as text."""

from ganzoo.hookspecs import hookimpl

GANZOO_API = "1"


@hookimpl
def ganzoo_components():
    return []
