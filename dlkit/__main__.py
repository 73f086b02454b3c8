"""``python -m dlkit`` and the ``dlkit`` script."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from dlkit.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # outside the commands: while the command line itself is loaded
        sys.stderr.write("error: stopped by SIGINT\n")
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
