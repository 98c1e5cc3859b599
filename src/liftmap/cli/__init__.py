"""The command line: one command a stage, with the names and arguments of the Python functions.

The top of the flow. One file holds a group of commands: a command says what it takes, calls the
function of its name and prints what that gives. Results go to standard output, progress and
messages to standard error; exit status 0 is done, 1 a check that failed (`check`, `audit
--attack`), 2 a mistake in what was asked for, 130 Ctrl-C, 143 SIGTERM. Starting is part of speed:
whatever a command needs, it imports when it is run.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from io import TextIOWrapper

import tyro

from liftmap import stopping
from liftmap.cli.audit_commands import audit
from liftmap.cli.check_command import check
from liftmap.cli.compare_commands import compare, plan, reanalyse
from liftmap.cli.dispatch import check_options, commands_page, known_command
from liftmap.cli.printing import say
from liftmap.cli.probe_command import probe
from liftmap.cli.sample_commands import sample, verify
from liftmap.cli.score_command import score
from liftmap.cli.select_command import select
from liftmap.cli.study_commands import analyse, report, study, testbed, train
from liftmap.cli.suite_command import suite
from liftmap.cli.track_command import track
from liftmap.cli.view_command import view
from liftmap.errors import LiftmapError, UnknownNameError

# What a command returns is the exit status; None is 0.
COMMANDS: dict[str, Callable[..., int | None]] = {
    "study": study,
    "sample": sample,
    "verify": verify,
    "audit": audit,
    "check": check,
    "train": train,
    "score": score,
    "analyse": analyse,
    "report": report,
    "compare": compare,
    "track": track,
    "suite": suite,
    "reanalyse": reanalyse,
    "plan": plan,
    "select": select,
    "probe": probe,
    "view": view,
    "testbed": testbed,
}

# tyro's own options, which write a shell's completion: --tyro-print-completion bash.
COMPLETION = "--tyro-"
SHELLS = ("bash", "zsh", "fish")


def main(arguments: list[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: The words after `liftmap`; None takes the process's own.

    Returns:
        The exit status.
    """
    # Tokenizers warn about forks that the verifier's pool makes; nothing is tokenised in them.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.getLogger("liftmap").setLevel(logging.INFO)
    for stream in (sys.stdout, sys.stderr):
        # What the terminal's encoding lacks is shown by its number.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with stopping.listening():
            return _run(arguments)
    except stopping.Terminated:
        status = 128 + signal.SIGTERM
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    stopping.said()
    say(stopping.message(status - 128))
    return status


def _run(arguments: list[str] | None) -> int:
    try:
        return _command(sys.argv[1:] if arguments is None else arguments)
    except LiftmapError as error:
        say(str(error), "liftmap:", "bold red")
        return 2
    except BrokenPipeError:
        # Whoever read our output has had enough. The interpreter would try to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"The system refuses: {where}{error.strerror or error}.", "liftmap:", "bold red")
        return 2
    except MemoryError:
        say("The memory of this machine is full. " + stopping.GOES_ON, "liftmap:", "bold red")
        return 2


def _command(words: list[str]) -> int:
    """Runs the command that the words begin with; gives the exit status.

    Raises:
        UnknownNameError: There is no such command or option.
    """
    if os.environ.get("NO_COLOR"):
        tyro._experimental_options["ansi_codes"] = False
    if not words or words[0] in ("-h", "--help", "help"):
        print(commands_page(COMMANDS))
        return 0 if words else 2
    if words[0] == "--version":
        from liftmap import __version__

        print(f"liftmap {__version__}")
        return 0
    if words[0].startswith(COMPLETION):
        if words[1:2] and words[1] not in SHELLS:
            raise UnknownNameError(
                "There is no completion for this shell.",
                seen=words[1],
                remedy=f"Say {', '.join(SHELLS)}.",
            )
        tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="liftmap", args=words)
    name = known_command(words[0], COMMANDS)
    command = COMMANDS[name]
    check_options(command, name, words[1:])
    status = tyro.cli(
        command,
        prog=f"liftmap {name}",
        args=words[1:],
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    return status or 0


if __name__ == "__main__":
    sys.exit(main())
