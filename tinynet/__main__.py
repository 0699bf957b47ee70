"""`python -m tinynet`, the same as the command `tinynet`."""

from tinynet_cli.entry import main

if __name__ == "__main__":
    main()
