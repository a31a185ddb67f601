"""Signals and watches: the latest value, published to whoever cares, without a queue."""

from __future__ import annotations

from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class Signal:
    """Something happened, once or often, since the last `wait`. For one waiting task, which then looks at the state."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def set(self) -> None:
        """Lets the waiting task go on, now or when it comes to wait."""
        self._event.set()

    async def wait(self) -> None:
        """Returns when `set` was called since the last return."""
        await self._event.wait()
        self._event = anyio.Event()


class Watch(Generic[T]):
    """A value that changes, and the signals of those who follow it. Slow followers skip values, and never hold up others."""

    def __init__(self, value: T) -> None:
        self._value = value
        self._followers: set[Signal] = set()

    @property
    def value(self) -> T:
        """The latest value."""
        return self._value

    @property
    def is_followed(self) -> bool:
        """Whether anybody wants to know of changes."""
        return bool(self._followers)

    def publish(self, value: T) -> None:
        """Makes `value` the latest, and tells the followers."""
        self._value = value
        for follower in self._followers:
            follower.set()

    def follow(self, signal: Signal) -> None:
        """Sets `signal` at every publication from now on."""
        self._followers.add(signal)

    def unfollow(self, signal: Signal) -> None:
        """Ends `follow`; harmless when there was none."""
        self._followers.discard(signal)
