"""Marks a class."""

from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
class ganzoo_components:  # noqa: N801
    pass
