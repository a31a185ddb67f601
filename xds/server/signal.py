"""Signals and watches: the latest value, published to whoever cares, without a queue."""

from __future__ import annotations

from typing import Final, Generic, Protocol, TypeVar

import anyio

T = TypeVar("T")


class Follower(Protocol):
    """Who wants to know that something happened."""

    def set(self) -> None:
        """Something happened. Returns at once."""
        ...


class Nobody:
    """Who wants to know nothing."""

    __slots__ = ()

    def set(self) -> None:
        """Something happened, and that is all."""


NOBODY: Final = Nobody()


class Flag:
    """Whether something is so, which it is at first. To wait until it is costs nothing where it is, and needs nothing."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def is_set(self) -> bool:
        """Whether it is so."""
        return self._event is None

    def clear(self) -> None:
        """It is not so."""
        self._event = self._event or anyio.Event()

    def set(self) -> None:
        """It is so; who waits goes on."""
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        """Returns when it is so."""
        while self._event is not None:
            await self._event.wait()


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
    """A value that changes, and those who follow it. Slow followers skip values, and never hold up others."""

    def __init__(self, value: T) -> None:
        self._value = value
        self._followers: set[Follower] = set()

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

    def follow(self, follower: Follower) -> None:
        """Tells `follower` of every publication from now on."""
        self._followers.add(follower)

    def unfollow(self, follower: Follower) -> None:
        """Ends `follow`; harmless when there was none."""
        self._followers.discard(follower)
