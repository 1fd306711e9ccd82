"""The service as a process: a lake, a port, and a file for the audit log; every key is its viewer's name."""

import sys
from pathlib import Path

from carti_lake import Lake
from carti_lake.serve.app import Settings, create_app
from carti_lake.serve.server import run
from tests.doubles.readers import Viewer, see


def main(lake: str, port: str, trail: str) -> None:
    def write(entries):
        with Path(trail).open("a") as file:
            file.writelines(f"{one.request} {one.who} {one.resource}\n" for one in entries)

    app = create_app(
        Lake(lake),
        authenticate={"all": Viewer("all")}.get,
        see=see,
        write=write,
        settings=Settings(rate="1000000/second", every=0.2),
    )
    run(app, "127.0.0.1", int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])
