"""Which network interface has an address, so that processes of several machines exchange tensors by it.

gloo takes the interface that the name of the machine leads to. On many machines that is the one by which it only
reaches itself.
"""

from __future__ import annotations

import socket
import struct
import sys

ASK_ADDRESS = 0x8915
"""``SIOCGIFADDR`` of Linux."""


def interface_with(address: str) -> str | None:
    """The name of the interface with this IPv4 address; ``None`` if there is none, or the system is not Linux."""
    if sys.platform != "linux":
        return None
    import fcntl

    for _, name in socket.if_nameindex():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            try:
                answer = fcntl.ioctl(asked, ASK_ADDRESS, struct.pack("256s", name.encode()))
            except OSError:  # it has no address
                continue
        if socket.inet_ntoa(answer[20:24]) == address:
            return name
    return None
