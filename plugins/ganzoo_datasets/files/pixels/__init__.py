"""From the bytes of one picture to a square of 8-bit values: all rules about pixels."""
