"""Prompts and a model in; its answers, and how likely it finds given ones, out."""
