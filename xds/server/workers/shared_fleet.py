"""The builder's fleet: the groups and what each is served are here, the streams of the proxies are with the workers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

import anyio

from xds.model import Proxy, Reference, Snapshot
from xds.protocol import Fact
from xds.server import family
from xds.server.demand import TOO_MANY, Demand
from xds.server.family import Family
from xds.server.fleet import Fleet, Granting, Told
from xds.server.workers.letter import Measures, Numbered, Proxies, Question, Report, Want, Wanted
from xds.server.workers.post import PATIENCE, Post, rejected

T = TypeVar("T")


class SharedFleet(Fleet):
    """As a Fleet, with the proxies of all `posts`. What one of them refuses is refused for all."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: set[Post] = set()
        self._measured: dict[Post, tuple[Family, ...]] = {}
        self._past: tuple[Family, ...] = ()

    def dismiss(self, post: Post) -> None:
        """A worker is gone, and the streams of its proxies. What it measured stays counted."""
        self.posts.discard(post)
        for group in post.groups():
            self._unfollow(post, group)
        self._past = family.total([self._past, tuple(family.lasting(self._measured.pop(post, ())))])
        self.settled.publish(None)

    def hear(self, post: Post, report: Report) -> None:
        """Takes over what a worker reports."""
        post.hear(report)
        for group, stand in report.stands.items():
            if stand.streams:
                self.group(group).served.follow(post.news)
            else:
                self._unfollow(post, group)
        for accepted in report.accepted:
            self._judge(accepted.group, post.accepted(accepted))
        for refused in report.refused:
            self._judge(refused.group, rejected(refused))
        for want in report.wants:
            self._open(post, want)
        self.settled.publish(None)

    def _judge(self, group: str, fact: Fact) -> None:
        if self.group(group).judge(fact):
            self.refused.publish(None)
        self._forget([group])

    def _open(self, post: Post, want: Want) -> None:
        demand = Demand(want.group, want.type_url, want.name)
        post.want(demand)
        group = self._groups.get(want.group)
        if group is not None and (want.type_url, want.name) in group.made():  # for another worker, while this one asked
            post.answer(demand, "")
        elif not self.demands.add(demand):
            post.answer(demand, TOO_MANY)

    def _unfollow(self, post: Post, group: str) -> None:
        self.group(group).served.unfollow(post.news)
        self._forget([group])

    def publish(self, snapshots: Mapping[str, Snapshot]) -> list[str]:
        """As in Fleet, at every post."""
        changed = super().publish(snapshots)
        self._wake()
        return changed

    def put(self, name: str, snapshot: Snapshot) -> bool:
        """As in Fleet, at every post."""
        is_news = super().put(name, snapshot)
        self._wake()
        return is_news

    def clear(self, name: str) -> None:
        """As in Fleet, at every post."""
        super().clear(name)
        self._wake()

    def _wake(self) -> None:
        for post in self.posts:
            post.news.set()

    def forgive(self, group: str, types: Iterable[str]) -> None:
        """As in Fleet, at every post."""
        for post in self.posts:
            post.pardon(group, frozenset(types))

    def tell(self, demand: Demand, reason: str) -> None:
        """As in Fleet, at every post."""
        for post in self.posts:
            post.answer(demand, reason)

    def count(self, group: str) -> int:
        """As in Fleet, of all posts."""
        return sum(post.streams(group) for post in self.posts)

    def is_out(self, group: str) -> bool:
        """As in Fleet, of all posts."""
        served = self.served(group)
        return all(post.serves(group, served) for post in self.posts)

    def has_answered(self, group: str) -> bool:
        """As in Fleet, of all posts."""
        served = self.served(group)
        return all(post.has_answered(group, served) for post in self.posts)

    async def wanted(self, group: str, references: frozenset[Reference]) -> frozenset[Reference]:
        """As in Fleet, of all posts. One that does not answer may want everything."""
        answers = await self._ask(Wanted(group, tuple(references)), tuple[Reference, ...])
        if len(answers) < len(self._up()):
            return references
        return frozenset(one for wanted in answers.values() for one in wanted)

    async def proxies(self) -> list[Proxy]:
        """As in Fleet, of all posts that answer."""
        return [one for told in (await self._ask(Proxies(), list[Numbered])).values() for _, one in told]

    async def measured(self) -> Sequence[Family]:
        """What all workers measured, those included that are gone; of one that does not answer, what it said last."""
        answers = await self._ask(Measures(), tuple[Family, ...])
        self._measured.update((post, told) for post, told in answers.items() if post in self.posts)
        return family.total([self._past, *self._measured.values()])

    async def deliveries(self, grant: Granting) -> AsyncIterator[Told]:
        """As in Fleet, of all posts that answer."""
        answers = await self._ask(Proxies(), list[Numbered])
        every = [(proxy, number, post) for post, proxies in answers.items() for number, proxy in proxies]
        for proxy, number, post in sorted(every, key=lambda one: (one[0].group, one[0].node.id, one[0].since)):
            granted, group = grant(proxy.node, proxy.group), self._groups.get(proxy.group)
            if granted is not None and group is not None:
                found = await post.deliveries(number, group.whole, tuple(group.refusals()), proxy.group)
                yield proxy, [one for one in found if granted.covers(one.type_url)]

    async def _ask(self, question: Question, kind: type[T]) -> dict[Post, T]:
        """The answers of those who answer in time."""
        answers: dict[Post, T] = {}

        async def ask(post: Post) -> None:
            with suppress(ConnectionError):  # it is gone
                answers[post] = await post.link.ask(question, kind)

        with anyio.move_on_after(PATIENCE):
            async with anyio.create_task_group() as tasks:
                for post in self._up():
                    tasks.start_soon(ask, post)
        return answers

    def _up(self) -> list[Post]:
        return [post for post in self.posts if post.is_up]
