"""The commands as a program; `python -m recipebook` runs it."""

import sys

from commands import main

sys.exit(main())
