"""One page about a run or a comparison, in one file that needs nothing else."""
