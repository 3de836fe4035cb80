"""Samples of a generator, what they look like, and how good they are."""
