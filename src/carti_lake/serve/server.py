"""The process: uvicorn around the application, with logs as JSON lines and an orderly end."""

import gc
import ipaddress
import logging
import sys
from typing import TYPE_CHECKING

from carti_lake.serve.observe import JsonLines
from carti_lake.store.errors import LakeError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

#: Seconds that requests under way have left once the process is told to end.
GRACE = 20
#: Seconds after which an idle connection is closed; longer than the usual proxy's, so that the proxy closes first.
IDLE = 75


class ExposedError(LakeError):
    """The service would be reachable from elsewhere, and nobody could sign in."""


def refuse_exposure(host: str, *, configured: bool) -> None:
    """Refuse an address beyond loopback while no key exists and no identity provider is named.

    Raises
    ------
    ExposedError
        With what to do.
    """
    if not configured and not is_loopback(host):
        raise ExposedError(
            f"{host} can be reached from elsewhere, and there is no way to sign in yet. Make a key first "
            "(`carti-lake key create`), or name an identity provider; or stay on --host 127.0.0.1."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address; a name other than localhost may mean anything."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def log_to_stderr() -> None:
    """Every line of the service's and of the server's log as JSON, on stderr."""
    # None of it is in the lines, and finding it out costs more than writing them.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("carti_lake.serve", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False


def run(app: "ASGIApp", host: str, port: int) -> None:
    """Serve until told to end; then answer what is under way, and end the application in order.

    Whoever stands before it as a proxy on this machine tells the client's address and scheme.
    """
    import uvicorn

    # Answers wait no longer than this for a thread that works out another one or writes the audit log.
    sys.setswitchinterval(0.0005)
    # What stands now stays: looking through all of it for garbage would hold every answer up for a tenth of a second.
    gc.collect()
    gc.freeze()
    log_to_stderr()
    uvicorn.run(
        app,
        host=host,
        port=port,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1",
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=GRACE,
    )
