"""Evaluation of a finished run: predictions in; scores, a summary with its statistics and a report out."""
