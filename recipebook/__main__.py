"""`python -m recipebook`: runs commands/, which this package does not import, since commands import it."""

import runpy

runpy.run_module("commands", run_name="__main__")
