"""Configurations of other tools to recipes."""
