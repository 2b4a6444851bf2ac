"""`python -m steelyard` is the `steelyard` command; with `--parent`, one of the processes that it looks after."""

import sys

if __name__ == "__main__":
    if "--parent" in sys.argv:
        from steelyard.ops.child import main as child

        child(sys.argv[1:])
    else:
        from steelyard.cli import main

        main()
