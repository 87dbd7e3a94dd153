"""`python -m recipebook`: runs commands/, which this package does not import, since commands import it."""

import runpy
import sys
from pathlib import Path

# In place of the folder that one stands in: a project may have converters/ and eval/ of its own.
sys.path[0] = str(Path(__file__).resolve().parents[1])

runpy.run_module("commands", run_name="__main__")
