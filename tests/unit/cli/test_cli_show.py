"""How commands speak to people before they start a server."""

import socket

import pytest

from midas.cli.show import nobody_listens
from midas.kernel import Conflict


def test_a_port_that_is_taken_is_said_so_before_serving() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match="listens"):
            nobody_listens("127.0.0.1", port)
    nobody_listens("127.0.0.1", port)
