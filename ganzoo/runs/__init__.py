"""Runs: started, resumed, watched, and kept in their folders."""
