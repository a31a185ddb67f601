"""Subscriptions: what one stream wants of one type, what its client holds of it, and what it was last offered.

A subscription is the same in both dialects. It never decides when to speak (the stream does) and knows no other type.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from dataclasses import replace as other
from math import inf
from typing import Final

from msgspec.structs import replace

from xds.codec import wire
from xds.model import NO_RESOURCES, Resource, Resources
from xds.model.change import Change
from xds.model.name import SCHEME, canonical, glob_over, is_glob
from xds.model.type_url import EDS, VHDS
from xds.protocol.draft import Draft
from xds.protocol.host import answering
from xds.protocol.message import NOTHING, Accepted, Fact, Rejected
from xds.protocol.names import NONE, interned
from xds.protocol.offer import Offer
from xds.protocol.order import BY_ALIAS, OUTLASTING, is_whole
from xds.protocol.pulse import Pulse
from xds.protocol.recalled import Recalled
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
    `settled` is the Resources for which there is nothing left to say, once what is on its way is accepted. `presumed` is
    what the client is taken to have when it did not answer the offer in time: nothing else waits for it then. The offer
    `supersedes` one that was never answered.

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

    Collections are replaced, and never changed: most are those that other streams have, too. Where the client has just what
    it wants, `held` is the very Resources that it was served.
    """

    type_url: str
    wildcard: bool = False
    names: frozenset[str] = NONE
    named_before: bool = False
    answered: bool = False
    nonce: str = ""
    held: Mapping[str, Resource] = field(default_factory=lambda: NO_RESOURCES)
    owed: frozenset[str] = NONE
    absent: frozenset[str] = NONE
    offer: Offer | None = None
    presumed: Mapping[str, Resource] | None = None
    supersedes: bool = False
    lingering: Mapping[str, Resource] = field(default_factory=lambda: NO_RESOURCES)
    refused: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    trial: Trial | None = None
    parked: frozenset[tuple[str, str]] | None = None
    error: str = ""
    settled: Resources | None = None
    remembered: frozenset[str] = NONE
    resumed: str = ""
    sought: Mapping[str, str | None] = field(default_factory=lambda: NOTHING)
    blind: bool = False
    updated: float = 0.0
    tried: float = 0.0
    spelled: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    globs: frozenset[str] = NONE
    version: str = ""
    oversized: str = ""
    pulse: Pulse = field(default_factory=Pulse)

    def read(self, names: Iterable[str]) -> set[str]:
        """The names in canonical spelling."""
        read = set(names)
        if SCHEME not in "\n".join(read):
            return read
        if spelled := {canonical(name): name for name in read if name.startswith(SCHEME)}:
            self.spelled = {**self.spelled, **spelled}
            read = read.difference(spelled.values()) | spelled.keys()
        return read

    def want(self, names: AbstractSet[str]) -> None:
        """These are all the names that the client wants."""
        self.names = interned(names)
        if self.spelled:
            self.spelled = {name: spelled for name, spelled in self.spelled.items() if name in names}
            self.globs = frozenset(filter(is_glob, self.spelled))

    def covers(self, name: str) -> bool:
        """Whether the client wants this name."""
        return self.wildcard or name in self.names or (bool(self.globs) and glob_over(name) in self.globs)

    def wants(self, one: Resource) -> bool:
        """Whether the client wants this resource, under any of its names."""
        return self.covers(one.name) or not self.names.isdisjoint(one.aliases)

    def owing(self, resources: Resources) -> AbstractSet[str]:
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
        if not (by_alias or self.globs) or (self.wildcard and not by_alias):
            return resources if self.wildcard else resources.part(self.names)
        found = dict(resources if self.wildcard else resources.part(self.names))
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
                found[one.name] = one if name in one.aliases else other(one, aliases=(*one.aliases, name))

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
        self.held = self._wanted_of(self.held)
        if self.presumed is not None:
            self.presumed = self._wanted_of(self.presumed)
        if self.offer is not None and self.offer.whole is not None:
            self.offer = replace(self.offer, whole=None)
        self.lingering = {name: one for name, one in self.lingering.items() if name in self.names}
        self.owed = frozenset(name for name in self.owed if self.covers(name) or name in self.held)
        self.absent &= self.names
        self.sought = {name: reason for name, reason in self.sought.items() if name in self.names}

    def _wanted_of(self, had: Mapping[str, Resource]) -> Mapping[str, Resource]:
        if isinstance(had, Resources) and not (self.globs or self.type_url in BY_ALIAS):
            kept = frozenset(self.names & had.keys())
            return had if self.wildcard or len(kept) == len(had) else had.part(kept)
        return {name: one for name, one in had.items() if self.wants(one)}

    def seek(self, missing: set[str]) -> set[str]:
        """Notes that these may be made, and forgets what was found out of names that exist. Returns those that are new."""
        self.sought = {name: reason for name, reason in self.sought.items() if reason is None or name in missing}
        fresh = (missing & self.names) - self.sought.keys()
        self.sought = {**self.sought, **dict.fromkeys(fresh)}
        return fresh

    def find(self, name: str, reason: str) -> None:
        """It is known by now whether this is made, and why not."""
        self.sought = {**self.sought, name: reason}
        self.changed()

    def ask_again(self, names: set[str]) -> None:
        """Names that the client asks for, again maybe: what it was told of them is forgotten."""
        if self.absent:
            self.absent -= names
        if self.refused:
            self.refused = {name: version for name, version in self.refused.items() if version or name not in names}
        if self.sought:
            self.sought = {name: reason for name, reason in self.sought.items() if reason is None or name not in names}

    def remember(self, versions: Mapping[str, str]) -> None:
        """The client says that it holds these versions from an earlier stream."""
        if not versions:
            return
        if SCHEME in "\n".join(versions):
            versions = {canonical(name): version for name, version in versions.items()}
        self.held, self.remembered = Recalled(self.type_url, versions), frozenset(versions)

    @property
    def returns(self) -> bool:
        """Whether something is known of an earlier stream only."""
        return bool(self.remembered or self.resumed)

    def recognise(self, resources: Resources) -> tuple[Resource, ...]:
        """Puts content to what the client holds from an earlier stream, where the version is the one that is given here.
        Returns it: it is in force there.
        """
        if not self.returns:
            return ()
        if self._has_all_of(resources):
            self.held, self.version = resources, resources.version
            self.resumed, self.blind, self.answered = "", False, True
            same = resources.listed
        else:
            same = self._recognise(resources)
        self.pulse.hear(same, -inf)
        return same

    def _recognise(self, resources: Resources) -> tuple[Resource, ...]:
        wanted = self.wanted(resources)
        if isinstance(self.held, Recalled) and isinstance(wanted, Resources) and self.held.versions == wanted.versions:
            self.held, self.remembered = wanted, NONE
            return wanted.listed
        self.remembered &= self.held.keys()  # it let go of the others meanwhile
        known = sorted(self.remembered & resources.keys())
        same = [resources[name] for name in known if resources[name].version == self.held[name].version]
        found = {one.name: one for one in same}
        # Made anew, for their names are copies of those that all streams share.
        self.held = {**{name: one for name, one in self.held.items() if name not in found}, **found}
        self.remembered -= found.keys()
        return tuple(same)

    def _has_all_of(self, resources: Resources) -> bool:
        """Only the version of a full state tells what is held: of other types a version says nothing of which names
        were delivered (XP "Resource updates").
        """
        everything = self.wildcard and not self.names and is_whole(self.type_url)
        return everything and bool(self.resumed) and self.resumed == resources.version

    def joint(self, resources: Resources) -> tuple[Resources, Change] | None:
        """What the client is to have, and what it lacks of that, where nothing sets it apart from others that hold, want and
        are owed the same.
        """
        alone = self.refused or self.trial or self.sought or self.remembered or self.resumed or self.blind or self.globs
        if alone or self.parked is not None or (self.wildcard and self.names) or self.type_url in BY_ALIAS:
            return None
        wanted, held = self.wanted(resources), self.held
        if not (isinstance(wanted, Resources) and isinstance(held, Resources)) or not self.owed <= wanted.keys():
            return None
        if wanted.missing or self.absent:
            unknown = frozenset(name for name in wanted.missing if name not in held)
            self.absent &= unknown
            if unknown != self.absent:
                return None
        return wanted, wanted.since(held, self.owed)

    def draft(self, resources: Resources, wanted: Mapping[str, Resource]) -> Draft:
        """A response with all that the client wants, before anything is held back."""
        owed, held = self.owing(resources), self.held
        news = {name: one for name, one in wanted.items() if (held.get(name) is not one and self.lacks(one)) or name in owed}
        return Draft(self.held, wanted, wanted, news, owed)

    def lacks(self, one: Resource) -> bool:
        """Whether the client is not known to hold this."""
        before = self.held.get(one.name)
        return before is not one and (before is None or not before.is_same(one))

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
        if self.trial is None:
            return set(self.refused)
        lacking = {name: one for name, one in draft.wanted.items() if name not in self.refused and self.lacks(one)}
        return self.trial.held_back(lacking, draft.news.keys() & lacking.keys()).union(self.refused)

    def send(self, offer: Offer, late: AbstractSet[str]) -> None:
        """This offer is on its way; what is owed and late comes with another."""
        self.blind = self.blind or bool(self.resumed)
        self.settled = None if offer.whole is None or self.trial else offer.source
        self.offer, self.nonce, self.answered, self.resumed = offer, offer.nonce, True, ""
        self.owed = frozenset(late) if late else NONE
        if self.names and (offer.removals or offer.unknown):
            self.absent |= self.names.intersection((*offer.removals, *offer.unknown))

    def given(self) -> AbstractSet[str]:
        """The names under which the client may ask for what it holds, or will when it reads what is on its way."""
        on_its_way = self.offer.upserts if self.offer else ()
        if not (on_its_way or self.globs or self.type_url in BY_ALIAS):
            return self.held.keys()
        given = (*self.held.values(), *on_its_way)
        names = {one.name for one in given}.union(*(one.aliases for one in given if one.aliases))
        return names | set(map(glob_over, names)) if self.globs else names

    @property
    def in_force(self) -> Mapping[str, Resource]:
        """What the client has, as far as others may rely on it."""
        return self.held if self.presumed is None else self.presumed

    def is_at(self, resources: Resources) -> bool:
        """Whether the client has just these, and nothing else is on its way to it."""
        return self.in_force is resources and not self.lingering and (self.offer is None or self.presumed is not None)

    def naming(self) -> Iterator[Resource]:
        """What may name other resources at the client: what it has or goes on with, and what is on its way to it."""
        yield from self.in_force.values()
        yield from self.lingering.values()
        if self.offer is not None and self.presumed is None:
            yield from self.offer.upserts

    def presume(self, offer: Offer) -> None:
        """The client did not answer this offer in time: it is taken to have it from now on."""
        self.presumed = self._after(offer)

    def _after(self, offer: Offer) -> Mapping[str, Resource]:
        """What the client has when it takes this offer."""
        if offer.whole is not None:
            return offer.whole
        after = {**self.held, **self._taken(offer)}
        for name in (*offer.removals, *offer.unknown):
            after.pop(name, None)
        return after

    def supersede(self) -> None:
        """The client does not answer the offer, and is sent another in its place. It may have taken it all the same, and
        lost what it is to have again.
        """
        offer, self.offer = self._closed(), None
        self.changed()
        self.supersedes = True
        self._doubt(offer)
        self.owed = self.owed.union(filter(self.covers, offer.removals))

    def _doubt(self, offer: Offer, culprits: Collection[Resource] = ()) -> None:
        """It is not known what the client took of an offer: all but the culprits is to be said again, as it is by then, and
        those, too, where it was not known before what the client has of them.
        """
        self.absent = self.absent.difference(offer.removals, offer.unknown)
        doubtful = (one.name for one in offer.upserts if one not in culprits and self.wants(one))
        lost = (name for name in offer.removals if name not in self.held)
        self.owed = self.owed.union(doubtful, filter(self.covers, (*lost, *offer.owed)))

    def _taken(self, offer: Offer) -> dict[str, Resource]:
        """What the client has of an offer that it takes: nothing of what it dropped meanwhile, nor what stands in."""
        return {one.name: one for one in offer.upserts if one.name not in offer.unknown and self.wants(one)}

    def forgive(self) -> None:
        """What was refused may be offered once more."""
        self.refused, self.parked = NOTHING, None
        self.changed()

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
        if self.pulse or not offer.lasting:
            self.pulse.hear(offer.upserts, offer.since)
        self.parked, self.blind, self.error = None, False, self.error if self.refused else ""
        before, self.held = self.held, self._after(offer)
        if self.remembered:
            self.remembered = self.remembered.difference(one.name for one in offer.upserts) & self.held.keys()
        if self.type_url in OUTLASTING:
            self._outlast(before, offer)
        real = (one for one in offer.upserts if one.name not in offer.unknown) if offer.unknown else offer.upserts
        return Accepted(self.type_url, tuple(real))

    def _outlast(self, before: Mapping[str, Resource], offer: Offer) -> None:
        """A listener that drains goes on with the routes that are removed, and then asks for them no longer."""
        gone = {name: before[name] for name in offer.removals if name in before and name in self.names}
        self.lingering = {name: one for name, one in {**self.lingering, **gone}.items() if name not in self.held}

    def reject(self, message: str) -> Fact:
        """The client NACKed the offer: it may have taken some of it all the same, so all of it is owed again, but not as
        it stood.
        """
        offer, self.offer, message = self._closed(), None, plain(message)
        self.changed()
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
            self.absent = self.absent.difference(offer.removals, offer.unknown)
            self.refused = {**self.refused, **dict.fromkeys(offer.removals, "")}
        if self.blind and is_whole(self.type_url):
            self.parked = offer.content
            return
        self.refused = {**self.refused, **{one.name: one.version for one in culprits}}
        if len(fresh) > len(culprits) == 0:
            self.trial = self.trial or Trial()
            self.trial.divide(fresh)

    def _closed(self) -> Offer:
        assert self.offer is not None
        self.presumed, self.tried, self.supersedes = None, self.offer.since, False
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
