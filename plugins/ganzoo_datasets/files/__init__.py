"""Your own pictures, however they are kept: a layout finds them, a source holds them, pixels are read by one rule."""
