"""Raises an error that cannot be printed."""


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError("not even this")


raise UnprintableError
