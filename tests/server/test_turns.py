"""Turns: everybody has one, and the event loop has its own in between."""

from __future__ import annotations

import asyncio

from xds.server.turns import Turns


class Player:
    def __init__(self, played: list) -> None:
        self._played = played

    def play(self) -> None:
        self._played.append(self)


async def test_all_have_their_turn_in_one_round_while_there_is_time():
    played, turns = [], Turns()
    players = [Player(played) for _ in range(100)]
    for one in players:
        turns.add(one)
    assert not played
    await asyncio.sleep(0)
    assert played == players


async def test_the_loop_goes_on_when_the_time_is_over(monkeypatch):
    monkeypatch.setattr("xds.server.turns.SLICE", 0.0)
    played, turns, seen = [], Turns(), []
    for _ in range(3):
        turns.add(Player(played))
    while len(played) < 3:
        await asyncio.sleep(0)
        seen.append(len(played))
    assert seen == [1, 2, 3]


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
