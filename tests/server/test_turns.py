"""Turns: everybody has one, and the event loop has its own in between."""

from __future__ import annotations

import asyncio

from xds.server.turns import SLICE, Turns


class Player:
    def __init__(self, played: list) -> None:
        self._played = played

    def play(self) -> None:
        self._played.append(self)


async def test_the_loop_goes_on_between_slices():
    played, turns, seen = [], Turns(), []
    for _ in range(2 * SLICE + 1):
        turns.add(Player(played))
    assert not played
    while len(played) < 2 * SLICE + 1:
        await asyncio.sleep(0)
        seen.append(len(played))
    assert seen == [SLICE, 2 * SLICE, 2 * SLICE + 1]


async def test_who_comes_while_others_play_comes_after_them():
    played, turns = [], Turns()
    late = Player(played)

    class Calling(Player):
        def play(self) -> None:
            super().play()
            turns.add(late)

    for one in (Calling(played), Player(played)):
        turns.add(one)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [type(one) for one in played] == [Calling, Player, Player]
    assert played[-1] is late


async def test_one_that_fails_costs_no_other_its_turn():
    played, turns = [], Turns()

    class Failing:
        def play(self) -> None:
            raise ZeroDivisionError

    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context["exception"]))
    for one in (Failing(), Player(played)):
        turns.add(one)
    for _ in range(3):
        await asyncio.sleep(0)
    asyncio.get_running_loop().set_exception_handler(None)
    assert len(played) == 1
    assert isinstance(failures[0], ZeroDivisionError)
