"""ganzoo: the open zoo of GAN objectives and critics."""
