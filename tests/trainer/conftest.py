"""Axolotl, imported by tests, reports nothing to its authors."""

import os

os.environ["AXOLOTL_DO_NOT_TRACK"] = "1"
