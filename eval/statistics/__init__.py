"""Scores in; estimates, differences and ratios with intervals and p-values out. No files, no models."""
