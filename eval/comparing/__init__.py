"""Evaluated runs side by side: the comparison, the leaderboard, and what may be compared at all."""
