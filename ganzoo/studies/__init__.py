"""What many runs tell together."""
