"""Where pictures are: in a folder, in an archive, or as rows of a file."""
