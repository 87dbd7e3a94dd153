"""`python -m recipebook`: runs commands/, which this package does not import, since commands import it."""

import runpy
import signal
import sys
from pathlib import Path

# Until the command answers Ctrl-C itself (commands/_interrupts.py), it ends this without a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

# In place of the folder that one stands in: a project may have converters/ and eval/ of its own.
sys.path[0] = str(Path(__file__).resolve().parents[1])

runpy.run_module("commands", run_name="__main__")
