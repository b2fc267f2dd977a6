"""`python -m deepstyle` is `deepstyle`."""

from deepstyle.cli import main

if __name__ == "__main__":
    main()
