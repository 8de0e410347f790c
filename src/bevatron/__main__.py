"""The program `bevatron`, and `python -m bevatron`: by the workflow's fork server where there is one."""

import os


def main() -> None:
    """Run the command of `sys.argv`, and exit."""
    if "BEVATRON_FORK_SERVER" in os.environ:
        from bevatron.fork_server.client import run_by_server

        run_by_server()  # returns where the server cannot be used
    from bevatron.cli import main as run_here

    run_here()


if __name__ == "__main__":
    main()
