"""First-party discriminators."""
