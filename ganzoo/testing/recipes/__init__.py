"""What recipes are held to."""
