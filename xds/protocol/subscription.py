"""Subscriptions: what one stream wants of one type, what its client holds of it, and what it was last offered.

A subscription is the same in both dialects. It never decides when to speak (the stream does) and knows no other type.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

from xds.codec import wire
from xds.model import Resource, Resources
from xds.model.name import SCHEME, canonical, glob_over, is_glob
from xds.model.type_url import EDS, VHDS
from xds.protocol.draft import Draft
from xds.protocol.host import answering
from xds.protocol.message import Accepted, Fact, Rejected
from xds.protocol.offer import Offer
from xds.protocol.order import BY_ALIAS, OUTLASTING, is_whole
from xds.protocol.pulse import Pulse
from xds.protocol.trial import Trial
from xds.protocol.words import plain

WILDCARD = "*"
NOWHERE: Final = "none"
"""The version of what stands in for a resource that does not exist."""


@dataclass(slots=True)
class Subscription:
    """The state of one type on one stream.

    `held` is what the client is known to have: it moves on an ACK only, never on sending. `owed` are names to send
    whatever their version. `absent` are names the client was told do not exist. `refused` are the versions of what this
    client refused, empty for a removal: they are not offered again while they are asked for. `trial` is the search for
    what else may be to blame; where there can be none, `parked` is the content of the offer that was refused as a whole.
    `settled` is the Resources for which there was nothing left to say. `presumed` is what the client is taken to have when
    it did not answer the offer in time: nothing else waits for it then. The offer `supersedes` one that was never answered.

    `lingering` is what was removed and the client goes on with all the same, for as long as it asks for its name.

    `updated` and `tried` are when the last response went out that the client ACKed, and the last that it answered at all.
    `version` is that of the last response that the client accepted, `oversized` that of the last that was too long.
    `pulse` is when the client heard of what has a TTL.

    Names are in canonical spelling; `spelled` has the client's own of those that are URIs, and `globs` are those of them
    that stand for many.

    `sought` are the names that may be made on demand: None until it is known whether they are, then why they are not,
    empty where they just do not exist.

    Two things are known of an earlier stream: of `remembered` names the version that is held (delta), not its content;
    `resumed` is the version of all that the client holds (SotW), empty once that is known or told anew. `blind` is the
    time from there to the first ACK: what a full state leaves out is deleted, and nobody here can put it back.
    """

    type_url: str
    wildcard: bool = False
    names: set[str] = field(default_factory=set)
    named_before: bool = False
    answered: bool = False
    nonce: str = ""
    held: dict[str, Resource] = field(default_factory=dict)
    owed: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    offer: Offer | None = None
    presumed: dict[str, Resource] | None = None
    supersedes: bool = False
    lingering: dict[str, Resource] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    trial: Trial = field(default_factory=Trial)
    parked: frozenset[tuple[str, str]] | None = None
    error: str = ""
    settled: Resources | None = None
    remembered: set[str] = field(default_factory=set)
    resumed: str = ""
    sought: dict[str, str | None] = field(default_factory=dict)
    blind: bool = False
    updated: float = 0.0
    tried: float = 0.0
    spelled: dict[str, str] = field(default_factory=dict)
    globs: frozenset[str] = frozenset()
    version: str = ""
    oversized: str = ""
    pulse: Pulse = field(default_factory=Pulse)

    def read(self, names: Iterable[str]) -> set[str]:
        """The names in canonical spelling."""
        return {self._read(name) if name.startswith(SCHEME) else name for name in names}

    def _read(self, spelled: str) -> str:
        name = canonical(spelled)
        self.spelled[name] = spelled
        return name

    def want(self, names: set[str]) -> None:
        """These are all the names that the client wants."""
        self.names = names
        self.spelled = {name: spelled for name, spelled in self.spelled.items() if name in names}
        self.globs = frozenset(filter(is_glob, self.spelled))

    def covers(self, name: str) -> bool:
        """Whether the client wants this name."""
        return self.wildcard or name in self.names or (bool(self.globs) and glob_over(name) in self.globs)

    def wants(self, one: Resource) -> bool:
        """Whether the client wants this resource, under any of its names."""
        return self.covers(one.name) or not self.names.isdisjoint(one.aliases)

    def owing(self, resources: Resources) -> set[str]:
        """The names of the resources that the client is to get whatever their version."""
        owed = self.owed
        if self.type_url in BY_ALIAS:
            owed = owed.union(one.name for name in owed if (one := answering(resources, name)))
        if globs := self.globs & owed:
            owed = owed.union(name for name in resources if glob_over(name) in globs)
        return owed

    def is_active(self) -> bool:
        """Whether the client wants anything at all."""
        return self.wildcard or bool(self.names)

    def wanted(self, resources: Resources) -> Mapping[str, Resource]:
        """What the client is to have, out of all resources of the type."""
        by_alias = self.type_url in BY_ALIAS
        if self.wildcard and not by_alias:
            return resources
        found = dict(resources) if self.wildcard else resources.named(self.names)
        if self.globs:
            found.update((name, one) for name, one in resources.items() if glob_over(name) in self.globs)
        if by_alias:
            self._find_hosts(resources, found)
        return found

    def differs(self, before: Resources, now: Resources) -> bool:
        """Whether the client is to have anything else by now."""
        return before is not now and self.wanted(before) != self.wanted(now)

    def _find_hosts(self, resources: Resources, found: dict[str, Resource]) -> None:
        """Adds what answers for a host that the client asks for. The client looks for just that name among its aliases."""
        for name in self.names - found.keys():
            if (one := answering(resources, name)) is not None:
                one = found.get(one.name, one)
                found[one.name] = one if name in one.aliases else replace(one, aliases=(*one.aliases, name))

    def lacking(self, resources: Resources, wanted: Mapping[str, Resource]) -> set[str]:
        """What the client asks for and does not exist, under any name, nor is held from when it did: the news of it."""
        unknown = (self.names | self.owed).difference(resources.keys())
        missing = {name for name in unknown if name not in self.held or name in self.owed}
        if missing and (self.globs or self.type_url in BY_ALIAS):
            missing.difference_update(*((*one.aliases, glob_over(name)) for name, one in wanted.items()))
        self.absent &= missing  # the others exist by now: when they are gone again, that is news
        return {name for name in missing if name not in self.absent or name in self.owed}

    def forget_uncovered(self) -> None:
        """Lets go of all that the client no longer wants: a client drops what it unsubscribes from."""
        self.held = {name: one for name, one in self.held.items() if self.wants(one)}
        if self.presumed is not None:
            self.presumed = {name: one for name, one in self.presumed.items() if self.wants(one)}
        self.lingering = {name: one for name, one in self.lingering.items() if name in self.names}
        self.owed = {name for name in self.owed if self.covers(name) or name in self.held}
        self.absent &= self.names
        self.sought = {name: reason for name, reason in self.sought.items() if name in self.names}

    def seek(self, missing: set[str]) -> set[str]:
        """Notes that these may be made, and forgets what was found out of names that exist. Returns those that are new."""
        self.sought = {name: reason for name, reason in self.sought.items() if reason is None or name in missing}
        fresh = (missing & self.names) - self.sought.keys()
        self.sought.update(dict.fromkeys(fresh))
        return fresh

    def ask_again(self, names: set[str]) -> None:
        """Names that the client asks for, again maybe: what it was told of them is forgotten."""
        self.absent -= names
        self.refused = {name: version for name, version in self.refused.items() if version or name not in names}
        for name in names & self.sought.keys():
            if self.sought[name] is not None:
                del self.sought[name]

    def remember(self, versions: Mapping[str, str]) -> None:
        """The client says that it holds these versions from an earlier stream."""
        known = [Resource(self.type_url, name, version, b"") for name, version in versions.items()]
        self.held.update((one.name, one) for one in known)
        self.remembered.update(one.name for one in known)

    def recognise(self, resources: Resources) -> tuple[Resource, ...]:
        """Puts content to what the client holds from an earlier stream, where the version is the one that is given here.
        Returns it: it is in force there.
        """
        if not (self.remembered or self.resumed):
            return ()
        self.remembered &= self.held.keys()  # it let go of the others meanwhile
        known = sorted(self.remembered & resources.keys())
        same = [resources[name] for name in known if resources[name].version == self.held[name].version]
        if self._has_all_of(resources):
            same, self.resumed, self.blind, self.answered = list(resources.values()), "", False, True
            self.version = resources.version
        found = {one.name: one for one in same}
        # Made anew, for their names are copies of those that all streams share.
        self.held = {**{name: one for name, one in self.held.items() if name not in found}, **found}
        self.remembered = self.remembered - found.keys()
        self.pulse.hear(same, -inf)
        return tuple(same)

    def _has_all_of(self, resources: Resources) -> bool:
        """Only the version of a full state tells what is held: of other types a version says nothing of which names
        were delivered (XP "Resource updates").
        """
        everything = self.wildcard and not self.names and is_whole(self.type_url)
        return everything and bool(self.resumed) and self.resumed == resources.version

    def draft(self, resources: Resources, wanted: Mapping[str, Resource]) -> Draft:
        """A response with all that the client wants, before anything is held back."""
        owed, held = self.owing(resources), self.held
        news = {name: one for name, one in wanted.items() if (held.get(name) is not one and self.lacks(one)) or name in owed}
        return Draft(self.held, wanted, wanted, news, owed)

    def lacks(self, one: Resource) -> bool:
        """Whether the client is not known to hold this."""
        before = self.held.get(one.name)
        return before is not one and (before is None or (before.version, before.ttl) != (one.version, one.ttl))

    def owe(self, names: Iterable[str]) -> None:
        """The client is to be sent these again, where it wants them."""
        if owed := {name for name in names if self.covers(name) or self.type_url in BY_ALIAS}:
            self.owed |= owed
            self.changed()

    def held_back(self, draft: Draft) -> set[str]:
        """The names that are not to be said: the client refused that already, or others stand trial first."""
        if self.refused:
            now = {name: one.version if (one := draft.wanted.get(name)) else "" for name in self.refused}
            self.refused = {name: version for name, version in self.refused.items() if version == now[name]}
        if not self.trial:
            return set(self.refused)
        lacking = {name: one for name, one in draft.wanted.items() if name not in self.refused and self.lacks(one)}
        return self.trial.held_back(lacking, draft.news.keys() & lacking.keys()).union(self.refused)

    def send(self, offer: Offer, late: set[str]) -> None:
        """This offer is on its way; what is owed and late comes with another."""
        self.blind = self.blind or bool(self.resumed)
        self.offer, self.nonce, self.answered, self.resumed = offer, offer.nonce, True, ""
        self.owed = late
        self.absent |= self.names.intersection((*offer.removals, *offer.unknown))

    def given(self) -> set[str]:
        """The names under which the client may ask for what it holds, or will when it reads what is on its way."""
        on_its_way = self.offer.upserts if self.offer else ()
        given = (*self.held.values(), *on_its_way)
        names = {one.name for one in given}.union(*(one.aliases for one in given if one.aliases))
        return names | set(map(glob_over, names)) if self.globs else names

    @property
    def in_force(self) -> Mapping[str, Resource]:
        """What the client has, as far as others may rely on it."""
        return self.held if self.presumed is None else self.presumed

    def naming(self) -> Iterator[Resource]:
        """What may name other resources at the client: what it has or goes on with, and what is on its way to it."""
        yield from self.in_force.values()
        yield from self.lingering.values()
        if self.offer is not None and self.presumed is None:
            yield from self.offer.upserts

    def presume(self, offer: Offer) -> None:
        """The client did not answer this offer in time: it is taken to have it from now on."""
        gone = {*offer.removals, *offer.unknown}
        self.presumed = {name: one for name, one in {**self.held, **self._taken(offer)}.items() if name not in gone}

    def supersede(self) -> None:
        """The client does not answer the offer, and is sent another in its place."""
        offer, self.offer = self._closed(), None
        self.supersedes = True
        self._doubt(offer)

    def _doubt(self, offer: Offer, culprits: Collection[Resource] = ()) -> None:
        """It is not known what the client took of an offer: all but the culprits is to be said again, as it is by then."""
        self.absent.difference_update(offer.removals, offer.unknown)
        self.owed.update(one.name for one in offer.upserts if one not in culprits and self.wants(one))
        self.owed.update(name for name in offer.removals if name not in self.held and self.covers(name))

    def _taken(self, offer: Offer) -> dict[str, Resource]:
        """What the client has of an offer that it takes: nothing of what it dropped meanwhile, nor what stands in."""
        return {one.name: one for one in offer.upserts if one.name not in offer.unknown and self.wants(one)}

    def changed(self) -> None:
        """Notes that there may be something to say again."""
        self.settled = None

    def accept(self) -> Fact:
        """The client ACKed the offer."""
        offer, self.offer = self._closed(), None
        if offer.heartbeat:
            return Accepted(self.type_url, ())
        self.updated = offer.since
        self.version = offer.version
        self.pulse.hear(offer.upserts, offer.since)
        self.parked, self.blind, self.error = None, False, self.error if self.refused else ""
        self.held.update(self._taken(offer))
        self.remembered.difference_update(one.name for one in offer.upserts)
        gone = {name: one for name in (*offer.removals, *offer.unknown) if (one := self.held.pop(name, None))}
        self._outlast(gone)
        return Accepted(self.type_url, tuple(one for one in offer.upserts if one.name not in offer.unknown))

    def _outlast(self, gone: Mapping[str, Resource]) -> None:
        """A listener that drains goes on with the routes that are removed, and then asks for them no longer."""
        if self.type_url in OUTLASTING:
            self.lingering.update((name, one) for name, one in gone.items() if name in self.names)
            self.lingering = {name: one for name, one in self.lingering.items() if name not in self.held}

    def reject(self, message: str) -> Fact:
        """The client NACKed the offer: it may have taken some of it all the same, so all of it is owed again, but not as
        it stood.
        """
        offer, self.offer, message = self._closed(), None, plain(message)
        self.error = message or "no reason was given"
        if offer.heartbeat:
            return Rejected(self.type_url, (), (), self.error)
        fresh = tuple(filter(self.lacks, offer.upserts))
        culprits = blamed(fresh, self.held, message)
        self._contain(offer, fresh, culprits)
        return Rejected(self.type_url, offer.upserts, culprits, self.error)

    def _contain(self, offer: Offer, fresh: tuple[Resource, ...], culprits: tuple[Resource, ...]) -> None:
        """Sees to it that what was refused is not offered again, and everything else of the offer is."""
        if fresh:
            self._doubt(offer, culprits)
        else:
            self.absent.difference_update(offer.removals, offer.unknown)
            self.refused.update(dict.fromkeys(offer.removals, ""))
        if self.blind and is_whole(self.type_url):
            self.parked = offer.content
            return
        self.refused.update((one.name, one.version) for one in culprits)
        if len(fresh) > len(culprits) == 0:
            self.trial.divide(fresh)

    def _closed(self) -> Offer:
        assert self.offer is not None
        self.presumed, self.tried, self.supersedes = None, self.offer.since, False
        self.changed()
        return self.offer


def blamed(offered: Iterable[Resource], held: Mapping[str, Resource], message: str) -> tuple[Resource, ...]:
    """The resources that a NACK's words name; where they name none, the only one that was new to the client.

    Envoy names the clusters and listeners it refuses. A name counts as a whole word, and not inside a longer name that
    is also offered.
    """
    fresh = [one for one in offered if held.get(one.name) != one]
    rest, named = message, []
    for one in sorted(fresh, key=lambda one: -len(one.name)):
        rest, times = re.subn(rf"(?<![\w-]){re.escape(one.name)}(?![\w-])", "\0", rest)
        if times:
            named.append(one)
    return tuple(named) or tuple(fresh if len(fresh) == 1 else ())


def no_endpoints(name: str) -> Resource:
    """What SotW sends for endpoints that do not exist, so that the client need not wait: an assignment without any.

    A SotW response cannot say "there is none", and Envoy waits 15 s for the endpoints of a warming cluster.
    """
    return Resource(EDS, name, NOWHERE, wire.delimited(1, name))  # cluster_name is field 1


def no_host(name: str) -> Resource:
    """What delta sends for a virtual host that does not exist: Envoy holds a request until it hears of its host by the
    name that it asked with (its page on VHDS).
    """
    return Resource(VHDS, name, NOWHERE, b"", aliases=(name,))
