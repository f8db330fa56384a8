"""`python -m redose`: the command `redose`."""

from redose.cli import app

if __name__ == "__main__":
    app(prog_name="redose")
