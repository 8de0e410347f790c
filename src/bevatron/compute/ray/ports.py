"""TCP ports of a Ray node, chosen such that the nodes of several clusters on one host do not meet."""

import hashlib
import random
import socket
from contextlib import suppress

FIRST, END = 20_000, 32_768  # below the ports that Linux gives to outgoing connections
UNIT = 128
SERVICES = (
    "guard", "gcs", "node_manager", "object_manager", "agent_http", "agent_grpc", "metrics", "runtime_env", "client",
    "dashboard", "dashboard_metrics",
)  # fmt: skip
WORKERS_FROM = 16  # of a block; the services lie before


class PortBlock:
    """Consecutive ports for one Ray node: one for each service, the others for its worker processes.

    The first port of every unit is bound, though nobody listens there, as long as the block is held: that is how
    other users' sessions on the host see that it is taken, before Ray itself has opened any port.
    """

    def __init__(self, first: int, units: int):
        """Raises OSError if another session holds one of the units."""
        self.first, self.end = first, first + units * UNIT
        self._guards: list[socket.socket] = []
        try:
            for number in range(units):
                self._guards.append(_bind("127.0.0.1", first + number * UNIT))
        except OSError:
            self.release()
            raise

    def port(self, service: str) -> int:
        """The port of one of `SERVICES`."""
        return self.first + SERVICES.index(service)

    @property
    def workers(self) -> tuple[int, int]:
        """The first and the last port for worker processes; Ray passes over those that are taken."""
        return self.first + WORKERS_FROM, self.end - 1

    def is_free(self) -> bool:
        """Whether nobody uses one of the ports."""
        try:
            for port in range(self.first, self.end):
                if (port - self.first) % UNIT:  # the others are the guards
                    _bind("", port).close()
        except OSError:
            return False
        return True

    def release(self) -> None:
        """Close the guards, so that other sessions can take the block."""
        for guard in self._guards:
            guard.close()
        self._guards.clear()


def claim(job: str, node: int, cpus: int) -> PortBlock:
    """The block of a job's node, or the next one of which no port is taken.

    It holds a port for each of 48 worker processes and four more for each CPU core. Raises OSError if there is none.
    """
    units = -(-(WORKERS_FROM + 48 + 4 * cpus) // UNIT)
    n_blocks = (END - FIRST) // (units * UNIT)
    start = int.from_bytes(hashlib.sha256(job.encode()).digest()[:4], "big") + node
    for number in range(n_blocks):
        with suppress(OSError):
            block = PortBlock(FIRST + (start + number) % n_blocks * units * UNIT, units)
            if block.is_free():
                return block
            block.release()
    raise OSError(f"no block of {units * UNIT} free ports between {FIRST} and {END}")


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody uses, in no block that is held; an empty host means all interfaces.

    It is below the ports that Linux gives to outgoing connections: a connection could take one of those before the
    server that it is for has started. Raises OSError if there is none.
    """
    ports = [port for port in range(FIRST, END) if (port - FIRST) % UNIT]
    random.SystemRandom().shuffle(ports)  # not by the seeds of whoever asks
    for port in ports:
        with suppress(OSError):
            for address in (("127.0.0.1", port - (port - FIRST) % UNIT), (host, port)):
                _bind(*address).close()
            return port
    raise OSError(f"no free port between {FIRST} and {END}")


def address_towards(peer: str) -> str:
    """The IPv4 address of this host by which `peer` (a name or an address) reaches it.

    Where that is the loopback, because the peer is on this host, it is the address by which others would reach it:
    Ray puts that in the place of a loopback address too. Raises OSError if the peer's name is unknown.
    """
    host = socket.getaddrinfo(peer, None, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0]
    address = _source_towards(str(host))
    if address.startswith("127."):
        with suppress(OSError):  # a machine without any network
            return _source_towards("198.51.100.1")  # any address outside; nothing is sent
    return address


def _source_towards(address: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return probe.getsockname()[0]


def _bind(host: str, port: int) -> socket.socket:
    """A socket bound to the port; an empty host means all interfaces, of both IP versions where there are two."""
    if not host and socket.has_dualstack_ipv6():
        probe = socket.socket(socket.AF_INET6)
        probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        host = "::"
    else:
        probe = socket.socket(socket.AF_INET)
    try:
        probe.bind((host, port))
    except OSError:
        probe.close()
        raise
    return probe
