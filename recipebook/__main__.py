"""`python -m recipebook`."""

import sys

from recipebook.cli import main

sys.exit(main())
