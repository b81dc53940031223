"""`python -m rlops` is the command `rlops`."""

from rlops.cli.main import main

if __name__ == "__main__":
    main()
