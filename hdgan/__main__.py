"""`python -m hdgan` does the same as the command `hdgan`."""

from hdgan.command_line.commands import main

if __name__ == "__main__":
    main()
