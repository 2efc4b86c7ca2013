"""The command `framekeep`: which verbs there are, and what its exit codes mean.

0: done. 1: something failed; the message says what to do next. 2: the command or the configuration is wrong.
130: interrupted by Ctrl-C, as shells expect (`run`, which only ends that way, answers 0).
Every verb's work lives in its own module and is imported only when it is asked for, so `status` starts at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence

from agent.errors import FramekeepError, UsageError
from agent.version import VERSION
from agent.wire.errors import WireError

EXIT_OK, EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

# verb: (module that has `add_arguments(parser)` and `run(arguments) -> exit code`, one-line help)
VERBS: dict[str, tuple[str, str]] = {
    "run": ("agent.run", "measure, until stopped"),
    "analyze": ("agent.analyze", "judge pictures or recordings and print what was seen; keeps and sends nothing"),
    "demo": ("agent.demo", "the whole path on this machine, from a camera or recording to a manager's table"),
    "enroll": ("agent.commands.enroll", "join an organisation with the code you were given"),
    "status": ("agent.commands.status", "what the agent is doing and what waits to be sent"),
    "pause": ("agent.commands.pause", "stop looking, at once; works offline"),
    "resume": ("agent.commands.resume", "look again"),
    "panel": ("agent.commands.panel", "open the privacy panel in the browser"),
    "outbox": ("agent.commands.outbox", "what was sent and what waits, word for word"),
    "config": ("agent.commands.config", "the settings in force and where each comes from"),
    "doctor": ("agent.doctor", "check this machine and say what to do about what is wrong"),
    "bench": ("agent.bench", "time the detectors and the start on this machine"),
    "erase": ("agent.commands.erase", "ask the service to forget you, and forget everything here"),
    "version": ("agent.commands.version", "the version of this program and of its models"),
}

# A frozen app has no `python -m`: it starts itself again under these names, which no help shows.
CHILDREN = {"_eyes": "agent.eyes", "_plot": "agent.plot"}

Verb = Callable[[argparse.Namespace], int]


def parser() -> argparse.ArgumentParser:
    """The list of verbs. What a verb takes is its own module's to say."""
    top = argparse.ArgumentParser(
        prog="framekeep",
        description="Measures attention on this laptop; only sealed five-minute summaries ever leave it.",
        epilog="`framekeep VERB --help` says more. Exit codes: 0 done, 1 failed, 2 wrong command or configuration (130: interrupted).",
    )
    top.add_argument("--version", action="version", version=f"framekeep {VERSION}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, (_, line) in VERBS.items():
        verbs.add_parser(name, help=line, add_help=False)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb. Returns the exit code; prints errors as one sentence on standard error."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in CHILDREN:
        child: Callable[[list[str]], int] = importlib.import_module(CHILDREN[arguments[0]]).main
        return child(arguments[1:])
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(arguments)
    except UsageError as error:
        return _complain(error, EXIT_USAGE)
    except (FramekeepError, WireError) as error:
        return _complain(error, getattr(error, "exit_code", EXIT_FAILURE))
    except BrokenPipeError:
        # The reader (`head`, say) has gone: there is nobody left to tell, and Python must not try at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _run(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "--help"
    if name not in VERBS:
        parser().parse_args([name, *arguments[1:]])  # prints the help or what is wrong, and exits
        return EXIT_USAGE
    module_name, line = VERBS[name]
    module = importlib.import_module(module_name)
    verb = argparse.ArgumentParser(prog=f"framekeep {name}", description=line[0].upper() + line[1:] + ".")
    module.add_arguments(verb)
    run: Verb = module.run
    return run(verb.parse_args(arguments[1:]))


def _complain(error: Exception, code: int) -> int:
    sys.stderr.write(f"framekeep: {error}\n")
    return code


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
