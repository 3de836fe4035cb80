"""``python -m ganzoo`` is the command ``ganzoo``."""

import os


def main() -> None:
    """Run the command line, kept from what other distributions announce to pydantic.

    pydantic looks for plugins of its own in the metadata of every distribution that is installed, and one that cannot
    be read would end every command. To have them nevertheless, set the variable to nothing.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from ganzoo.cli import main as command

    command()


if __name__ == "__main__":
    main()
