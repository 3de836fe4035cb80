"""What datasets are held to."""
