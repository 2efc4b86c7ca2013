"""`framekeep-sync`: serve, admin, sign, bench, version. Exit codes: 0 ok, 1 failure, 2 usage or configuration."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sync_service.admin import add_admin
from sync_service.errors import ServiceError
from sync_service.sign import add_sign
from sync_service.version import VERSION

DEFAULT_PORT = 8642


def default_data() -> Path:
    """Where data goes without --data: FRAMEKEEP_SYNC_DATA, /var/lib for root, else the user's own data folder."""
    if named := os.environ.get("FRAMEKEEP_SYNC_DATA"):
        return Path(named)
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "framekeep-sync"
    if os.geteuid() == 0:
        return Path("/var/lib/framekeep-sync")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "framekeep-sync"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "framekeep-sync"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; answers the exit code."""
    options = _parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        return int(options.run(options))
    except ServiceError as error:
        sys.stderr.write(f"framekeep-sync: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="framekeep-sync", description="Framekeep's sync service.")
    parser.add_argument("--verbose", action="store_true", help="say more in the log (stderr)")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")

    serve = verbs.add_parser("serve", help="run the whole service on this machine")
    _add_data(serve)
    serve.add_argument("--port", type=port_number, default=DEFAULT_PORT, help="0: any free one (default: %(default)s)")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on; put a TLS proxy before any other")
    serve.add_argument(
        "--trust-proxy",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="address or network of the TLS proxy, whose X-Forwarded-For says who calls; may be given more than once",
    )
    serve.set_defaults(run=_serve)

    add_admin(verbs, _add_data)
    add_sign(verbs)

    bench = verbs.add_parser("bench", help="measure the way from a posted envelope to a rollup, or what managers ask")
    bench.add_argument("--json", action="store_true", help="end with one JSON object on stdout")
    bench.add_argument("--envelopes", type=_count, default=6000, help="how many, 6 windows each (default: %(default)s)")
    bench.add_argument("--queries", action="store_true", help="measure every question of a manager instead")
    bench.add_argument(
        "--people", type=_count, default=10_000, help="of the organisation asked about (default: %(default)s)"
    )
    bench.set_defaults(run=_bench)

    version = verbs.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=default_data(), help="data folder (default: %(default)s)")


def _serve(options: argparse.Namespace) -> int:
    from sync_service.local.serve import serve  # imported here: the other verbs start faster without a web server

    return serve(options.data, host=options.host, port=options.port, trust_proxy=options.trust_proxy)


def _bench(options: argparse.Namespace) -> int:
    if options.queries:
        from sync_service.bench_organisation import Size
        from sync_service.bench_queries import bench_queries

        return bench_queries(size=Size(people=options.people), as_json=options.json)
    from sync_service.bench import bench

    return bench(envelopes=options.envelopes, as_json=options.json)


def _version(_: argparse.Namespace) -> int:
    sys.stdout.write(f"framekeep-sync {VERSION}\n")
    return 0


def port_number(text: str) -> int:
    """0 to 65535; argparse names this function when it refuses a value."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError
    return port


def _count(text: str) -> int:
    count = int(text)
    if count < 100:
        raise ValueError
    return count


if __name__ == "__main__":
    sys.exit(main())
