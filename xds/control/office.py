"""The office: whether this replica leads, and what it does only then."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import anyio

from xds.control.setback import Setbacks, in_words, is_bug
from xds.model import Leadership, Provider
from xds.server.signal import Signal, Watch

log = logging.getLogger(__name__)


class Office:
    """Asks the providers that know of leadership. `leads` is None until each of them has answered, and then whether all of
    them say that this replica leads; where none knows, it does.
    """

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._asked = {name: one for name, one in providers.items() if isinstance(one, Leadership)}
        self._answers: dict[str, bool] = {}
        self.leads: Watch[bool | None] = Watch(None if self._asked else True)

    async def run(self) -> None:
        """Runs until cancelled."""
        async with anyio.create_task_group() as tasks:
            for name, provider in self._asked.items():
                tasks.start_soon(self._follow, name, provider)

    async def while_leading(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Does this work whenever this replica leads, and cancels it as soon as it does not. Until cancelled."""
        signal = Signal()
        self.leads.follow(signal)
        while True:
            leads = self.leads.value
            async with anyio.create_task_group() as tasks:
                if leads:
                    tasks.start_soon(work)
                while self.leads.value is leads:
                    await signal.wait()
                tasks.cancel_scope.cancel()

    async def _follow(self, name: str, provider: Leadership) -> None:
        setbacks, told = Setbacks(), ""
        while True:
            try:
                async for leads in provider.lead():
                    setbacks.end()
                    told = ""
                    self._answer(name, leads=leads)
                said, bug = "it ended", None
            except Exception as error:  # noqa: BLE001  whatever a stranger's provider raises, it is told and asked again
                said, bug = in_words(error), error if is_bug(error) else None
            self._answer(name, leads=False)
            if said != told:
                what = "the provider %s cannot tell who leads: %s; until it can, this replica does not"
                log.error(what, name, said, exc_info=bug)
            told = said
            await setbacks.rest()

    def _answer(self, name: str, *, leads: bool) -> None:
        self._answers[name] = leads
        known = all(self._answers.values()) if len(self._answers) == len(self._asked) else None
        if known is not self.leads.value:
            self.leads.publish(known)
