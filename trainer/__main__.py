"""Axolotl's trainer, started without the libraries that training never calls: `python -m trainer axolotl.yaml`.

`axolotl train axolotl.yaml` does the same. transformers imports scikit-learn, and SciPy with it, for the metrics of
assisted decoding and of GLUE; told that it is not installed, it goes without, which saves a tenth of the start.
"""

import runpy
import sys

UNUSED = ("sklearn",)

if __name__ == "__main__":
    # The import system reads None as "not there".
    sys.modules.update(dict.fromkeys(UNUSED))  # type: ignore[arg-type]
    runpy.run_module("axolotl.cli.train", run_name="__main__", alter_sys=True)
