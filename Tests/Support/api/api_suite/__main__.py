"""python3 -m api_suite --base-url http://127.0.0.1:8000 [--unix PATH] [--workspace-root DIR] [--token T] [--only ROW]…"""

import argparse
import sys
import urllib.parse

from . import checks_create, checks_errors, checks_files, checks_cors, checks_whole, checks_curl  # noqa: F401
from .client import Client
from .suite import CHECKS, Context, run


def main(arguments=None, write=None):
    parser = argparse.ArgumentParser(prog="api_suite", description="Checks a running server against the API's rows.")
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    parser.add_argument("--unix", help="the server's socket; the base URL then only names the host")
    parser.add_argument("--workspace-root", help="where the server's workspaces lie, if links may be put there")
    parser.add_argument("--token")
    parser.add_argument("--only", action="append", help="a row, such as ORC-05; may come several times")
    options = parser.parse_args(arguments)
    url = urllib.parse.urlsplit(options.base_url)
    if url.scheme != "http" or not url.hostname:
        parser.error("--base-url must be http://HOST[:PORT]")
    unknown = set(options.only or []) - {row for row, *_ in CHECKS}
    if unknown:
        parser.error(f"no check of {', '.join(sorted(unknown))}")
    client = Client(url.hostname, url.port or 80, options.unix, options.token)
    context = Context(client, options.base_url.rstrip("/"), options.workspace_root)
    write = write or (lambda line: print(line, flush=True))
    failed = run(context, write, options.only)
    write(f"{failed} failed" if failed else "all held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
