"""Results: what a run of cases against one target showed, by row of the specification."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from case import Case, World, world
from grpc import StatusCode
from invariants import OVER_ALL, broken
from talk import Unmet
from target import Target, TargetError
from traces import Trace

AT_ONCE: Final = 32
"""How many cases run at the same time."""

LIMIT: Final = 90.0
"""Seconds that one case may take."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case; `failure` is empty when it passed. `absent`: the target does not have the service."""

    case: Case
    failure: str = ""
    absent: bool = False
    traces: tuple[Trace, ...] = field(default=(), repr=False)


async def run(target: Target, cases: Iterable[Case], done: Callable[[Outcome], None] = lambda _: None) -> list[Outcome]:
    """Runs these cases against a target, many at once; calls `done` after each."""
    slots = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as session, asyncio.TaskGroup() as tasks:

        async def one(case: Case) -> Outcome:
            async with slots:
                outcome = await _outcome(target, session, case)
            done(outcome)
            return outcome

        running = [tasks.create_task(one(case)) for case in cases]
    return [task.result() for task in running]


async def _outcome(target: Target, session: aiohttp.ClientSession, case: Case) -> Outcome:
    async with world(target, session, case) as made:
        failure = await _failure(case, made)
        absent = made.absent or any(talk.status is StatusCode.UNIMPLEMENTED for talk in made.talks)
        return Outcome(case, failure, bool(failure) and absent, tuple(made.traces()))


async def _failure(case: Case, made: World) -> str:
    """Why a case fails; empty when it does not."""
    try:
        async with asyncio.timeout(LIMIT):
            await case.function(made)
    except (Unmet, TargetError) as error:
        return str(error)
    except TimeoutError:
        return f"it took more than {LIMIT:.0f} s"
    except Exception:  # noqa: BLE001  whatever it is, the others go on, and it is told
        return "the case itself broke: " + traceback.format_exc()
    return ""


def breaches(outcomes: Iterable[Outcome]) -> Iterator[tuple[str, str]]:
    """(row, what is wrong) for every invariant that a stream of the run broke."""
    listed = [trace for outcome in outcomes for trace in outcome.traces]
    for outcome in outcomes:
        yield from ((row, f"{outcome.case}: {wrong}") for row, wrong in broken(outcome.traces))
    for row, check in OVER_ALL.items():
        yield from ((row, wrong) for wrong in check(listed))
