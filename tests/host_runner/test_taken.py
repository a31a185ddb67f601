"""Sockets that are taken."""

import socket

import pytest

from providers.host import taken
from xds.model import Listen


@pytest.fixture(params=["127.0.0.1", "::1"])
def other(request):
    """A program that listens, and shares its port with anybody who asks to, as Envoy does."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            listening.bind((request.param, 0))
        except OSError:
            pytest.skip(f"no {request.param} here")
        listening.listen()
        yield listening


def test_a_port_that_somebody_listens_on_is_taken_even_if_they_would_share_it(other):
    address, port = other.getsockname()[:2]
    listen = Listen(address, port, "tcp", "http://x")
    assert taken([listen]) == {listen: "address already in use: end the program that has it, or choose another port"}


def test_a_free_port_is_not_taken(other):
    address, port = other.getsockname()[:2]
    other.close()
    assert taken([Listen(address, port)]) == {}


def test_a_port_whose_connections_are_of_the_past_is_not_taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # the server closes first: its side waits for a minute
    assert taken([Listen("127.0.0.1", port)]) == {}


def test_an_address_of_another_host_cannot_be_opened():
    listen = Listen("192.0.2.1", 8080)
    assert taken([listen]) == {listen: "cannot assign requested address: choose an address of this host"}


def test_a_port_that_needs_a_privilege_is_told(monkeypatch):
    def refuse(*_args):
        raise PermissionError(13, "Permission denied")

    class Refusing(socket.socket):
        bind = refuse

    monkeypatch.setattr(socket, "socket", Refusing)
    listen = Listen("127.0.0.1", 80)
    assert taken([listen]) == {listen: "permission denied: choose a port from 1024 up, or allow this user to open it"}
