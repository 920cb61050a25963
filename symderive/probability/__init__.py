"""Probability: information measures of arrays on a simplex."""
