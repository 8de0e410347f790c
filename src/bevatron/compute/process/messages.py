"""Messages between processes of one machine: a length, JSON, and open files that travel along."""

import array
import json
import os
import socket
import struct
from typing import Any

HEAD = struct.Struct("!I")
MAX_BYTES = 2**24
MAX_FILES = 32


class ConnectionEnded(Exception):
    """The other side has ended, or what it said is no message."""


def send_message(connection: socket.socket, message: dict[str, Any], files: tuple[int, ...] = ()) -> None:
    """Send one message, and open files with it. Raises OSError where the other side has ended."""
    content = json.dumps(message).encode("utf-8", "surrogateescape")
    head = HEAD.pack(len(content))
    if files:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))]
        sent = connection.sendmsg([head + content], rights)
        if remainder := (head + content)[sent:]:  # of nothing, sendall would ask whether the other side still listens
            connection.sendall(remainder)
    else:
        connection.sendall(head + content)


def receive_message(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next message, and the files that came with it, which the caller must close.

    Raises ConnectionEnded, or OSError.
    """
    files: list[int] = []
    content = b""
    missing = HEAD.size
    try:
        while missing:
            # Closed on exec: no process that another job starts keeps them open.
            chunk, received, *_ = socket.recv_fds(connection, missing, MAX_FILES, socket.MSG_CMSG_CLOEXEC)
            files += received
            if not chunk:
                raise ConnectionEnded
            content += chunk
            missing -= len(chunk)
            if not missing and len(content) == HEAD.size:
                (missing,) = HEAD.unpack(content)
                if missing > MAX_BYTES:
                    raise ConnectionEnded
        return json.loads(content[HEAD.size :].decode("utf-8", "surrogateescape")), files
    except BaseException:
        close_files(files)
        raise


def peer_user(connection: socket.socket) -> int:
    """The user at the other end."""
    size = struct.calcsize("3i")
    return struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1]


def close_files(files: list[int]) -> None:
    """Close files that came with a message."""
    for file in files:
        os.close(file)
