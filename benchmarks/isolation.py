"""A network that ends at this machine's loopback.

The one rule: whether nothing could leave is looked up, not assumed: isolated is who has no interface but ``lo``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

_MARK = "HUBPORT_BENCH_ISOLATED"
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


def enter() -> bool:
    """Begin this process again in a network namespace of its own, where that can be; whether it is in one now."""
    if os.environ.get(_MARK):
        _bring_up_loopback()
    elif shutil.which("unshare"):
        # Without root a user namespace gives the right to make a network namespace; some systems forbid that too.
        for options in (["--net"], ["--net", "--map-root-user"]):
            if subprocess.run(["unshare", *options, "true"], capture_output=True, check=False).returncode == 0:  # noqa: S607
                os.environ[_MARK] = "1"
                arguments = [sys.executable, "-m", "benchmarks", *sys.argv[1:]]
                os.execvp("unshare", ["unshare", *options, *arguments])  # noqa: S606, S607
    return {name for _, name in socket.if_nameindex()} == {"lo"}


def _bring_up_loopback() -> None:
    """What ``ip link set lo up`` does, where there is no ``ip``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh22x", b"lo", 0)
        _, flags = struct.unpack("16sh22x", fcntl.ioctl(sock, _SIOCGIFFLAGS, request))
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))
