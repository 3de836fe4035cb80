"""What extractors are held to."""
