"""Standing: how every object stands, by what it means and by what the proxies say of what was made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from xds.control.reading import Reading
from xds.model import Condition, Key, Refusal, Status
from xds.server.fleet import Fleet
from xds.server.signal import Signal, Watch

NOT_HERE: Final = "Cannot assign requested address"
"""The words of a system that has no such address; Envoy's when it cannot listen there."""


class Standing:
    """Follows the readings and the fleet. `statuses` has the status of every object, and is published whenever one may
    have changed: when something else is written, and when a proxy refuses what was made from an object, or no longer does.
    """

    def __init__(self, readings: Watch[Reading], fleet: Fleet) -> None:
        self._readings, self._fleet = readings, fleet
        self._reading = Reading()
        self._refusals: list[Refusal] = []
        self.statuses: Watch[Mapping[Key, Status]] = Watch({})

    async def run(self) -> None:
        """Runs until cancelled."""
        signal = Signal()
        self._readings.follow(signal)
        self._fleet.refused.follow(signal)
        while True:
            self.look()
            await signal.wait()

    def look(self) -> Mapping[Key, Status]:
        """The statuses of this moment; publishes them where they are news."""
        reading, refusals = self._readings.value, list(self._fleet.refusals())
        if reading is not self._reading or refusals != self._refusals:
            self._reading, self._refusals = reading, refusals
            self.statuses.publish(laid_over(reading, refusals))
        return self.statuses.value


def laid_over(reading: Reading, refusals: Sequence[Refusal]) -> Mapping[Key, Status]:
    """The statuses of a reading, with every refusal on the objects that the refused resource was made from."""
    by_author: dict[Key, list[Refusal]] = {}
    for one in refusals:
        for key in one.authors:
            by_author.setdefault(key, []).append(one)
    statuses = reading.statuses
    if not by_author:
        return statuses
    laid = dict(statuses)
    for key, found in by_author.items():
        if (author := reading.objects.get(key)) is not None:
            laid[key] = not_programmed(statuses.get(key, Status()), found, author.generation)
    return laid


def not_programmed(status: Status, refusals: Sequence[Refusal], generation: int) -> Status:
    """The status of an object that refused resources were made from: Programmed is False, in the proxy's own words.

    It is said of the parts that are about the node group of the refusal, and of the object where there is none.
    """
    parts = tuple(
        replace(part, conditions=_over(part.conditions, [one for one in refusals if one.group == part.group], generation))
        for part in status.parts
    )
    about = {part.group for part in status.parts}
    whole = [one for one in refusals if one.group not in about]
    return replace(status, conditions=_over(status.conditions, whole, generation), parts=parts)


def _over(conditions: tuple[Condition, ...], refusals: Sequence[Refusal], generation: int) -> tuple[Condition, ...]:
    if not refusals:
        return conditions
    elsewhere = any(NOT_HERE in one.message for one in refusals)
    reason = "AddressNotUsable" if elsewhere else "Invalid"
    refused = Condition("Programmed", False, reason, "; ".join(map(str, refusals)), generation)
    return (*(one for one in conditions if one.type != "Programmed"), refused)
