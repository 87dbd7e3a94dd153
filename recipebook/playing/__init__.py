"""A model plays episodes: it answers, its commands run in a box, and it reads what they print."""
