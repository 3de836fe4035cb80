"""What augmentations are held to."""
