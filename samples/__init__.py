"""Samples in each family's own format, and the generators that make more of them."""
