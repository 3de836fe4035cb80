"""Pictures of losses and of runs, with matplotlib; everything else works without it."""
