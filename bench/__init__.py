"""Benchmarks: whole commands in processes of their own, as ratios in one run; nothing is asserted."""
