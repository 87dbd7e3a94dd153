"""Predictions in; their scores by every metric, and the summary of them, out."""
