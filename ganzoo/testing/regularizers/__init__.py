"""What regularizers are held to."""
