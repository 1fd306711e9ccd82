"""``serve``: the lake's releases over HTTP."""

from typing import Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import app
from carti_lake.cli.options import DEFAULT_LAKE, LakeAt, StorageOptions, command, open_lake


@app.command()
def serve(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", help="On which port.")] = 8000,
    rate: Annotated[str, typer.Option(metavar="N/UNIT", help="Requests that one viewer may send.")] = "100/second",
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
) -> None:
    """Serve the releases over HTTP, each viewer the rows that the lake's policies grant."""
    from carti_lake.access import audit_log as audit
    from carti_lake.access import keys, visible
    from carti_lake.serve.app import Settings, create_app
    from carti_lake.serve.server import refuse_exposure, run
    from carti_lake.serve.signing_in import JWKS, authenticator, configured, jwks, provider_from
    from carti_lake.serve.tokens import KeySet

    opened = open_lake(lake, storage_option)
    provider = provider_from(opened.environment)
    ready = configured(opened, provider)
    refuse_exposure(host, configured=ready)
    keyset = None if provider is None else KeySet(jwks(provider.issuer, opened.environment.get(JWKS)))
    if not ready:
        show.warn("Nobody can sign in yet: there is no key, and no identity provider is named.")
        show.next_steps(
            (command("access grant VIEWER --all-providers --why REASON", lake), "says what a viewer may see"),
            (command("key create VIEWER", lake), "makes a key; the service takes it at once"),
        )
    application = create_app(
        opened,
        authenticate=authenticator(opened, provider, keyset),
        see=visible,
        write=lambda entries: audit.append(opened.storage, entries),
        expected=lambda: keys.viewers(opened.storage, opened.clock()),
        settings=Settings(rate=rate),
    )
    run(application, host, port)
