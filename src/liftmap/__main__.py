"""`liftmap` and `python -m liftmap`: listens to Ctrl-C, then imports and runs the command line."""

import atexit
import signal
import sys

from liftmap.stopping import listen


def main() -> int:
    """Runs the command that the process was started with; gives the exit status."""
    # To the end of the process: ending takes time too, once torch has been loaded.
    listen()
    for number in (signal.SIGINT, signal.SIGTERM):
        # The last thing to be run: in what is left the interpreter would let a signal change the
        # exit status.
        atexit.register(signal.signal, number, signal.SIG_IGN)
    from liftmap.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
