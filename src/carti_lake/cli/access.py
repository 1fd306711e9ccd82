"""``access``, ``key`` and ``audit``: who may see what, by which key, and who read what."""

from datetime import datetime
from getpass import getuser
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carti_lake.cli import show
from carti_lake.cli.app import FAILED, app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, StorageOptions, command, open_lake

if TYPE_CHECKING:
    from carti_lake.access import Policy

access = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(access, name="access", help="Grant, revoke and list who may see what.")
key = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(key, name="key", help="Create, list and revoke API keys.")
audit = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(audit, name="audit", help="Show and verify the audit log.")

ViewerName = Annotated[str, typer.Argument(metavar="VIEWER", help="A name, or group:NAME of the identity provider.")]
Scopes = Annotated[
    list[str] | None, typer.Option("--scope", metavar="SCOPE", help="read, download, predict or admin; repeatable.")
]
Why = Annotated[str, typer.Option("--why", metavar="REASON", help="Recorded with the change.")]
MayWhy = Annotated[str | None, typer.Option("--why", metavar="REASON", help="Recorded with the change.")]


@access.command()
def grant(
    viewer: ViewerName,
    why: Why,
    provider: Annotated[
        list[str] | None, typer.Option("--provider", metavar="ID", help="Provider that is seen; repeatable.")
    ] = None,
    all_providers: Annotated[bool, typer.Option("--all-providers", help="All providers, new ones too.")] = False,
    service_line: Annotated[
        list[str] | None, typer.Option("--service-line", metavar="LINE", help="Only these lines; repeatable.")
    ] = None,
    exact: Annotated[
        bool | None,
        typer.Option(
            "--exact/--suppressed",
            help="Exact numbers, those of 1 to 10 people too, or suppressed; else as the lake's audience is.",
        ),
    ] = None,
    scope: Scopes = None,
    until: Annotated[
        datetime | None, typer.Option(metavar="D", formats=["%Y-%m-%d"], help="Last day; else for good.")
    ] = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Say what a viewer may see and do, in place of what was said before."""
    from carti_lake.access import policies
    from carti_lake.access.policies import grant as put_in_force
    from carti_lake.access.viewer import Audience

    if bool(provider) == all_providers:
        raise typer.BadParameter("Name providers, or say --all-providers.", param_hint="--provider")
    opened = open_lake(lake, storage_option)
    now = opened.clock()
    put_in_force(
        opened.storage,
        viewer,
        providers=None if all_providers else provider,
        service_lines=service_line or None,
        exact=opened.audience() is Audience.INSIDE if exact is None else exact,
        scopes=scope or ["read"],
        until=until.date() if until else None,
        who=getuser(),
        why=why,
        now=now,
    )
    if json:
        show.as_json(_told(policies(opened.storage, now.date())[viewer.strip()]))
        return
    show.say(f"{viewer} has access.")
    show.next_steps((command(f"key create {viewer}", lake), "makes a key, shown once"))


@access.command("revoke")
def revoke_access(
    viewer: ViewerName,
    why: Why,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """End a viewer's access; keys of the viewer are then worth nothing."""
    from carti_lake.access import revoke

    opened = open_lake(lake, storage_option)
    revoke(opened.storage, viewer, who=getuser(), why=why, now=opened.clock())
    if json:
        show.as_json({"viewer": viewer, "revoked": True})
        return
    show.say(f"{viewer} sees nothing any more.")


@access.command("list")
def list_access(lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False) -> None:
    """List the policies in force."""
    from carti_lake.access import policies

    opened = open_lake(lake, storage_option)
    found = list(policies(opened.storage, opened.clock().date()).values())
    if json:
        show.as_json([_told(one) for one in found])
        return
    if not found:
        show.say("Nobody has access.")
        show.next_steps((command("access grant VIEWER --all-providers --why REASON", lake), "gives it"))
        return
    rows = [
        (
            one.viewer,
            _names(one.providers),
            _names(one.service_lines),
            one.exact,
            ", ".join(sorted(one.scopes)),
            one.until,
        )
        for one in found
    ]
    show.screen().print(show.grid(["viewer", "providers", "service lines", "exact", "scopes", "until"], rows))


def _told(policy: "Policy") -> dict[str, Any]:
    """A policy for JSON, which knows no sets: names in order, null for all."""
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in vars(policy).items()}


def _names(names: frozenset[str] | None) -> str:
    return "all" if names is None else ", ".join(sorted(names))


@key.command()
def create(
    viewer: ViewerName,
    days: Annotated[int, typer.Option(metavar="N", help="After which it ends.")] = 90,
    scope: Scopes = None,
    why: MayWhy = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Make an API key of a viewer; it is shown once, and only its hash is kept."""
    from carti_lake.access import keys

    opened = open_lake(lake, storage_option)
    key_id, made = keys.create(
        opened.storage, viewer, days=days, scopes=scope, who=getuser(), now=opened.clock(), why=why
    )
    if json:
        show.as_json({"key_id": key_id, "key": made, "viewer": viewer})
        return
    show.say(f"Key {key_id} of {viewer}, for {days} days. Keep it now: it is not shown again.")
    show.say(made, "bold")
    show.next_steps((command(f"key revoke {key_id}", lake), "ends it"), (command("serve", lake), "takes it"))


@key.command("list")
def list_keys(lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False) -> None:
    """List the keys, without their secrets."""
    from carti_lake.access import keys

    found = keys.keys(open_lake(lake, storage_option).storage)
    if json:
        show.as_json(found.to_dicts())
        return
    if found.is_empty():
        show.say("There is no key.")
        show.next_steps((command("key create VIEWER", lake), "makes one"))
        return
    show.screen().print(show.grid(found.columns, found.rows()))


@key.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="Its public part; `key list` shows it.")],
    why: MayWhy = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """End a key."""
    from carti_lake.access import keys

    opened = open_lake(lake, storage_option)
    keys.revoke(opened.storage, key_id, who=getuser(), now=opened.clock(), why=why)
    if json:
        show.as_json({"key_id": key_id, "revoked": True})
        return
    show.say(f"Key {key_id} is worth nothing any more.")


@audit.command("list")
def list_entries(
    last: Annotated[int, typer.Option(metavar="N", help="How many of the newest.")] = 50,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Show the newest entries: who read or changed what, when."""
    from carti_lake.access.audit_log import entries

    found = entries(open_lake(lake, storage_option).storage).head(last)
    if json:
        show.as_json(found.to_dicts())
        return
    columns = ["seq", "at", "who", "action", "resource", "release", "rows"]
    show.screen().print(show.grid(columns, found.select(columns).rows()))


@audit.command()
def verify(
    head: Annotated[
        str | None, typer.Option(metavar="HASH", help="Hash that was noted earlier: it must still be there.")
    ] = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Check that no entry was changed, removed or put in; note the printed hash elsewhere."""
    from carti_lake.access.audit_log import verify as verified

    found = verified(open_lake(lake, storage_option).storage, head)
    if json:
        show.as_json(found)
    elif found.unsealed:
        for one in found.unsealed:
            show.say(
                f"No entry tells of change {one.change} of {one.table}, of {one.viewer}, by {one.who} at "
                f"{one.at:%F %T} UTC: a crash kept it from being written, or somebody put the change in by hand.",
                "bold red",
            )
        (first, *_) = found.unsealed
        seal = command(f"audit seal {first.table} {first.change} --why REASON", lake)
        show.next_steps((seal, "tells of it afterwards, where you know it to be right"))
    elif found.faults:
        for fault in found.faults:
            show.say(f"Tampered with: {fault}.", "bold red")
    else:
        show.say(f"{found.entries:,} entries, each as it was written. The last one's hash: {found.head or 'none'}")
    if found.faults:
        raise typer.Exit(FAILED)


@audit.command()
def seal(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="access or api_keys; `audit verify` says which.")],
    change: Annotated[int, typer.Argument(metavar="CHANGE", help="Number of the change.")],
    why: Why,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Tell of a change whose entry a crash kept from being written, with who says so and why."""
    from carti_lake.access.audit_log import seal as told_afterwards

    opened = open_lake(lake, storage_option)
    told_afterwards(opened.storage, table, change, who=getuser(), why=why, now=opened.clock())
    if json:
        show.as_json({"table": table, "change": change, "sealed": True})
        return
    show.say(f"The audit log tells of change {change} of {table}, and that it was told afterwards.")
    show.next_steps((command("audit verify", lake), "checks the audit log"))
