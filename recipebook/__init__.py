"""Recipebook: one YAML recipe in, a trained, checked and evaluated Axolotl run out."""

__version__ = "0.1.0"
