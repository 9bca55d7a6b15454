"""Measurements. Each prints the ratio of two sides that ran turn by turn in one process."""
