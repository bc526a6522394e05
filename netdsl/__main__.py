"""`netdsl` and `python -m netdsl`: the command line, which may be interrupted while it is loaded."""

import sys


def main() -> int:
    """Run the command line, and return its exit status."""
    try:
        from .cli import main
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return main()


if __name__ == "__main__":
    sys.exit(main())
