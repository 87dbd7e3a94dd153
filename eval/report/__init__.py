"""A run's figures in; report.html and the words and charts that every page shares out."""
