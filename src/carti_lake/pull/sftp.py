"""Folders over SFTP, from hosts whose key is known."""

import base64
import contextlib
import io
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from carti_lake.pull.place import CHUNK, BrokenTransferError, Place, Seen, is_below
from carti_lake.pull.secrets import SourceError

if TYPE_CHECKING:
    from paramiko import SFTPClient, SSHClient

TIMEOUT = 30.0


@contextlib.contextmanager
def sftp(name: str, address: str, *, password: str | None, key: str | None, host_key: str | None) -> Iterator[Place]:
    """The folder at ``sftp://USER@HOST[:PORT]/PATH``; ``/~/PATH`` is below the user's home.

    Parameters
    ----------
    name
        Of the source, for errors.
    address
        Without a password.
    password
        Of the user, or of nothing.
    key
        Text of the user's private key.
    host_key
        The host's key, as ``ssh-keyscan`` prints it without the host; else it must be in the user's ``known_hosts``.

    Raises
    ------
    SourceError
        The host cannot be reached, is another one, or refuses.
    """
    import paramiko

    root = urlsplit(address).path
    root = (root.removeprefix("/~/") if root.startswith("/~/") else root).rstrip("/") or "."
    try:
        with contextlib.ExitStack() as open_ones:

            def session() -> "SFTPClient":
                client = open_ones.enter_context(contextlib.closing(_client(address, password, key, host_key)))
                found = open_ones.enter_context(client.open_sftp())
                found.get_channel().settimeout(TIMEOUT)
                return found

            live = [session()]

            @contextlib.contextmanager
            def opened(file: str, start: int) -> Iterator[Iterator[bytes]]:
                try:
                    if not live[0].get_channel().get_transport().is_active():
                        # What broke the transfer has ended the connection.
                        live[0] = session()
                    with live[0].open(f"{root}/{file}", "rb") as remote:
                        size = remote.stat().st_size or 0
                        remote.seek(start)
                        if start < size:
                            remote.prefetch(size, max_concurrent_requests=64)
                        yield iter(lambda: remote.read(CHUNK), b"")
                except (OSError, EOFError, paramiko.SSHException) as error:
                    raise BrokenTransferError from error

            yield Place(lambda deep: _listed(live[0], root, deep), opened)
    except SourceError:
        raise
    except paramiko.BadHostKeyException:
        raise SourceError(f"{name}: the host has another key than the one that is known: find out why.") from None
    except paramiko.AuthenticationException:
        raise SourceError(f"{name}: the host refuses the user, the password or the key.") from None
    except (paramiko.SSHException, paramiko.UnknownKeyType, ValueError, IndexError, EOFError) as error:
        said = "the host's key is not known: say host_key, or put it into known_hosts"
        reason = said if "not found in known_hosts" in str(error) else f"SFTP failed ({type(error).__name__})"
        raise SourceError(f"{name}: {reason}.") from None
    except OSError as error:
        reason = "the folder is not there" if isinstance(error, FileNotFoundError) else "the host does not answer"
        raise SourceError(f"{name}: {reason} ({type(error).__name__}).") from None


def _client(address: str, password: str | None, key: str | None, host_key: str | None) -> "SSHClient":
    import paramiko

    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or 22
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    if host_key is None:
        client.load_system_host_keys()
    else:
        kind, _, text = host_key.partition(" ")
        known = paramiko.PKey.from_type_string(kind, base64.b64decode(text.split()[0]))
        client.get_host_keys().add(host if port == 22 else f"[{host}]:{port}", kind, known)
    client.connect(
        host,
        port,
        username=unquote(parts.username or "") or None,
        password=password,
        pkey=None if key is None else _private(key),
        allow_agent=False,
        look_for_keys=False,
        timeout=TIMEOUT,
        banner_timeout=TIMEOUT,
        auth_timeout=TIMEOUT,
    )
    return client


def _private(text: str) -> Any:
    import paramiko

    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with contextlib.suppress(paramiko.SSHException, ValueError):
            return kind.from_private_key(io.StringIO(text))
    raise SourceError("key is no private key that can be read without a passphrase.")


def _listed(session: "SFTPClient", root: str, deep: bool, below: str = "") -> dict[str, Seen]:
    found: dict[str, Seen] = {}
    for entry in session.listdir_attr(f"{root}/{below}"):
        name = below + entry.filename
        mode = entry.st_mode or 0
        if stat.S_ISLNK(mode) or not is_below(name):
            continue
        if stat.S_ISDIR(mode):
            found |= _listed(session, root, deep, f"{name}/") if deep else {}
        else:
            found[name] = Seen(name, entry.st_size or 0, (entry.st_mtime or 0) * 10**9)
    return found
