"""What a connection keeps: a client's settings hold, as h2's own would have them, and nothing that nobody asks for."""

from __future__ import annotations

import anyio
import pytest
from grpc_client import clusters, opening
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings
from hyperframe.frame import SettingsFrame
from raw_client import SOON, connected, framed

from xds.server.http2 import Http2
from xds.server.signal import Flag

MINE = {SettingCodes.INITIAL_WINDOW_SIZE: 2**18}


@pytest.fixture
def http2():
    made = Http2(H2Configuration(client_side=False), Settings(client=False, initial_values=MINE))
    made.initiate_connection()
    return made


def test_what_a_client_says_of_itself_holds(http2):
    client = H2Connection()
    client.initiate_connection()
    client.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 5, SettingCodes.MAX_FRAME_SIZE: 2**15})
    http2.receive_data(client.data_to_send())
    assert http2.remote_settings.initial_window_size == 5
    assert http2.max_outbound_frame_size == http2.remote_settings.max_frame_size == 2**15
    assert http2.remote_settings.header_table_size == 4096
    client.receive_data(http2.data_to_send())
    assert client.remote_settings.initial_window_size == 2**18


def test_settings_that_nobody_knows_are_not_kept(http2):
    client = H2Connection()
    client.initiate_connection()
    http2.receive_data(client.data_to_send())
    known = dict(http2.remote_settings)
    http2.receive_data(SettingsFrame(0, settings=dict.fromkeys(range(100, 250), 1)).serialize())
    assert dict(http2.remote_settings) == known


def test_two_connections_say_the_same_of_the_server_and_share_nothing_of_their_clients():
    said = Settings(client=False, initial_values=MINE)
    one, other = (Http2(H2Configuration(client_side=False), said) for _ in range(2))
    one.initiate_connection()
    other.initiate_connection()
    one.receive_data(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    one.receive_data(SettingsFrame(0, settings={SettingCodes.INITIAL_WINDOW_SIZE: 7}).serialize())
    assert (one.remote_settings.initial_window_size, other.remote_settings.initial_window_size) == (7, 65_535)


async def test_a_window_that_a_setting_opens_is_written_to(serving, dialect):
    """A client may begin with none at all."""
    async with serving() as (server, address), connected(address) as client:
        await server.publish("edge", clusters("a"))
        client.http2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
        stream = await client.open(dialect)
        await client.send(stream, framed(opening(dialect)))
        await client.until(lambda: client.events)
        client.http2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 100_000})
        await client.until(lambda: client.data(stream))


async def test_who_waits_for_a_flag_goes_on_when_it_is_set():
    flag = Flag()
    await flag.wait()
    flag.clear()
    with anyio.move_on_after(0) as scope:
        await flag.wait()
    assert scope.cancelled_caught
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(flag.wait)
        await anyio.wait_all_tasks_blocked()
        flag.set()
        with anyio.fail_after(SOON):
            await flag.wait()
    assert flag.is_set()
