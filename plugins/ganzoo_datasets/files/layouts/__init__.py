"""How people arrange pictures, one layout a file: each finds the pictures, and the class, group and split of each."""
