"""Prompts and a model in; its answers, and the likelihood of given answers, out."""
