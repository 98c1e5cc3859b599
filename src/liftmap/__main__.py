"""`python -m liftmap`: the command line."""

import sys

from liftmap.cli import main

sys.exit(main())
