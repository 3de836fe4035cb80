"""The health of a training in words: verdicts on the rows of ``metrics.jsonl``, with thresholds that are stated."""
