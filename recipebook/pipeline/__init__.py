"""Stages in one run: the inputs, the opening and the training of each, in order."""
