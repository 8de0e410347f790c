"""Ports of Ray nodes: nobody's are taken, and two nodes on one host never get the same."""

import itertools
import socket
from pathlib import Path

import pytest

from bevatron.compute.ray.ports import (
    END,
    FIRST,
    SERVICES,
    UNIT,
    WORKERS_FROM,
    PortBlock,
    address_towards,
    claim,
    free_port,
)


@pytest.fixture
def hold():
    """Takes a port; all are given back after the test."""
    held = []

    def take(port: int, host: str = "127.0.0.1") -> None:
        held.append(socket.create_server((host, port)))

    yield take
    for server in held:
        server.close()


def test_two_sessions_of_one_job_on_one_host_get_blocks_that_do_not_touch():
    blocks = [claim("4711", node=1, cpus=2) for _ in range(3)]
    try:
        ranges = sorted((block.first, block.end) for block in blocks)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(ranges))
    finally:
        for block in blocks:
            block.release()
    again = claim("4711", node=1, cpus=2)
    again.release()
    assert again.first == blocks[0].first, "the block follows from the job where it is free"


@pytest.mark.parametrize("offset", [1, len(SERVICES) - 1, WORKERS_FROM, UNIT - 1])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_block_with_a_port_that_is_taken_is_passed_over(hold, offset, host):
    first = claim("12", node=0, cpus=2)
    first.release()
    hold(first.first + offset, host)
    other = claim("12", node=0, cpus=2)
    other.release()
    assert other.first != first.first


def test_a_block_holds_a_port_for_every_service_and_enough_for_workers_of_a_large_node():
    for cpus in (1, 16, 256):
        block = claim("7", 0, cpus)
        ports = [block.port(service) for service in SERVICES]
        low, high = block.workers
        block.release()
        assert len(set(ports)) == len(ports)
        assert max(ports) < low < high < block.end
        assert high - low >= 2 * cpus + 32
        assert FIRST <= block.first < block.end <= END


def test_no_block_is_an_error_and_leaves_nothing_held(hold):
    hold(FIRST + UNIT)  # the guard of the second unit
    with pytest.raises(OSError, match="in use"):
        PortBlock(FIRST, units=2)
    PortBlock(FIRST, units=1).release()


def test_the_address_for_a_peer_elsewhere_is_an_address_of_this_host(monkeypatch):
    address = address_towards("127.0.0.1")
    with socket.socket() as probe:
        probe.bind((address, 0))  # only an address of this host can be bound
    real = socket.socket.connect

    def without_network(probe, peer):
        if not peer[0].startswith("127."):
            raise OSError("network is unreachable")
        real(probe, peer)

    monkeypatch.setattr(socket.socket, "connect", without_network)
    assert address_towards("127.0.0.1") == "127.0.0.1", "a laptop without network"


def test_a_free_port_is_none_of_outgoing_connections_nor_of_a_block_that_is_held(hold, monkeypatch):
    ports = {free_port() for _ in range(50)}
    assert len(ports) > 40
    assert all(FIRST <= port < END for port in ports)
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(ports) < lowest, "else a connection may take it before its server starts"

    monkeypatch.setattr("bevatron.compute.ray.ports.END", FIRST + 2 * UNIT)
    block = PortBlock(FIRST, 1)
    try:
        hold(FIRST + UNIT + 1)
        found = {free_port() for _ in range(300)}
    finally:
        block.release()
    assert found <= set(range(FIRST + UNIT + 2, FIRST + 2 * UNIT)), "the first unit is held, and a port of the other"


def test_no_free_port_is_an_error(hold, monkeypatch):
    monkeypatch.setattr("bevatron.compute.ray.ports.END", FIRST + 2)
    hold(FIRST + 1)
    with pytest.raises(OSError, match="no free port"):
        free_port()
