"""What a country wants marketing to show, held against the wording once more when it is sent.

The launch review looks at the countries of those who are there at the launch. Who comes in later, or moves, may read
somewhere else: what blocks a launch there keeps the message from them. Judged once for a wording, a language and a
country pack, not for each message; from samples, completed as a real one is, so that a verdict holds for everybody.
Where values decide what is said, or whether several things are known, where the samples are judged differently, and
where they cannot fill a wording in, it is judged as a reader gets it: once for all of whom the same things are known,
with the same values where those decide. Only what a pack looks at counts: in most countries the subject of a mail, and
nothing of a text message, where the way out is the one that each gets from us.
"""

from __future__ import annotations

import functools
import hashlib
import operator
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from django.conf import settings
from django.db.models import Count

from campaigns.delivery import content, links, render, samples, shown
from campaigns.delivery.claim import Held
from campaigns.delivery.models import DeliveryAttempt, Message
from campaigns.delivery.render import Failed
from orchestrator.channels.twilio import sender as texting
from orchestrator.engine.country_packs import content as rules
from orchestrator.engine.country_packs import quiet_hours
from orchestrator.engine.country_packs.content import Sender
from orchestrator.engine.country_packs.pack import BLOCKER, CHANNELS, CountryPack, Demand
from orchestrator.templating import filters, liquid, needs, way_out
from orchestrator.templating.errors import TemplateError
from orchestrator.templating.message import CompiledContent, Rendered
from orchestrator.templating.needs import Deciding

# Ways by which somebody gets no more; where mail is seen in a browser is none.
_WAYS_OUT = ("unsubscribe", "preferences")
_EXAMPLE = "https://example.com/"
# What is looked for in all that can be read; and where something begins.
_ANYWHERE = frozenset({Demand.SENDER_NAME, Demand.POSTAL_ADDRESS, Demand.WAY_OUT_TONGUE})
_AT_THE_HEAD = frozenset({Demand.MARK, Demand.HONEST_SUBJECT})
# What one sample has and the other lacks.
_SAMPLED = frozenset(name for name in samples.variables(has_offer=True) if not name.startswith("links."))
# What was said of wordings that the samples cannot fill in, by shape; kept per process, and no reader with it.
_MOST_JUDGED = 4096
_judged: dict[Hashable, tuple[Demand, ...]] = {}


@dataclass(frozen=True, slots=True)
class Standing:
    """What of the set-up a verdict hangs on."""

    names: tuple[str, ...]
    postal_address: str
    can_be_answered: bool
    is_answered: bool


def part(*, held: Sequence[Held]) -> tuple[list[Held], list[Failed]]:
    """Those that may be read where they would be read, and why the others may not."""
    standing = _standing()
    broken = {one.id: _broken(one, standing) for one in held}
    unsure = [one for one in held if broken[one.id] is None]
    if unsure:
        broken |= _judge_each(unsure, standing)
    good = [one for one in held if not broken[one.id]]
    barred = [
        Failed(one, Message.Reason.COUNTRY_RULES, f"{quiet_hours.pack_of(one.place.country).code} {' '.join(said)}")
        for one in held
        if (said := broken[one.id])
    ]
    return good, barred


def read_words(*, said: str) -> tuple[str, list[Demand]]:
    """Of what `part` said (the detail of an attempt): the code of the country pack, and what it asks for."""
    code, *demands = said.split(" ")
    return code, [Demand(one) for one in demands if one in set(Demand)]


def count_barred(*, gate_id: int, since: datetime | None) -> list[tuple[str, int]]:
    """(what `part` said, how many) of a campaign's messages, the most first; `since`: not those before."""
    rows = DeliveryAttempt.objects.filter(
        code=Message.Reason.COUNTRY_RULES.lower(),
        message__in=Message.objects.filter(gate_id=gate_id, reason=Message.Reason.COUNTRY_RULES),
    )
    if since is not None:
        rows = rows.filter(message__ended_at__gte=since)
    return list(rows.values_list("detail").annotate(messages=Count("pk")).order_by("-messages", "detail"))


def is_answered() -> bool:
    """Whether somebody reads what is answered to a mail."""
    return bool(settings.INBOUND_MAIL_DOMAIN) or rules.takes_answers(settings.SENDGRID_FROM_EMAIL)


def sender_of(*, urls: Mapping[str, str]) -> Sender:
    """`urls` of the links by name."""
    return _sender(_standing(), urls)


def _standing() -> Standing:
    return Standing(
        names=(settings.SENDER_NAME, settings.SENDGRID_FROM_NAME),
        postal_address=settings.SENDER_POSTAL_ADDRESS,
        can_be_answered=texting.can_be_answered(),
        is_answered=is_answered(),
    )


def _sender(standing: Standing, urls: Mapping[str, str]) -> Sender:
    return Sender(
        names=standing.names,
        postal_address=standing.postal_address,
        ways_out=frozenset(urls[name] for name in _WAYS_OUT),
        can_be_answered=standing.can_be_answered,
    )


def _broken(one: Held, standing: Standing) -> tuple[Demand, ...] | None:
    """None: the samples do not tell. What can't be read is in order here: whoever makes it says so."""
    if one.purpose != Message.Purpose.MARKETING or one.channel not in CHANNELS:
        return ()
    code = quiet_hours.pack_of(one.place.country).code
    try:
        return _judge(one.template_version_id, one.locale, one.channel, code, standing)
    except TemplateError:
        return ()


@functools.lru_cache(maxsize=4096)
def _judge(version_id: int, locale: str, channel: str, code: str, standing: Standing) -> tuple[Demand, ...] | None:
    """What the pack asks for and the wording lacks. Kept per process, since a version never changes."""
    pack = quiet_hours.BY_CODE[code]
    ours = _of_the_set_up(pack, channel, standing)
    compiled = content.compiled_for(version_id=version_id, locale=locale, purpose=Message.Purpose.MARKETING)
    urls = links.links_of_nobody(has_offer=True)
    if not ours and not _samples_tell(_deciding(version_id, locale, channel, code)):
        return None
    tried = _try(version_id, locale, channel)
    found = [_find(rendered, compiled, channel, pack, _sender(standing, urls), urls) for rendered in tried]
    if not ours and (len(found) < shown.WAYS or any(one != found[0] for one in found)):
        return None
    return tuple(dict.fromkeys(chain(ours, *found)))


def _try(version_id: int, locale: str, channel: str) -> list[Rendered]:
    compiled = content.compiled_for(version_id=version_id, locale=locale, purpose=Message.Purpose.MARKETING)
    own = {f"{content.TARGET}{number}": _EXAMPLE for number in content.targets_of(version_id=version_id)}
    urls = links.links_of_nobody(has_offer=True) | own
    return shown.try_both(channel=channel, compiled=compiled, urls=urls, has_offer=True)


def _samples_tell(deciding: Deciding) -> bool:
    """They show a wording with and without all that is asked for: of several, no mixture."""
    return not (deciding.compared or deciding.picked) and len(deciding.asked) <= 1 and deciding.asked <= _SAMPLED


@functools.lru_cache(maxsize=4096)
def _deciding(version_id: int, locale: str, channel: str, code: str) -> Deciding:
    """Of what the samples cannot fill in, all values decide."""
    compiled = content.compiled_for(version_id=version_id, locale=locale, purpose=Message.Purpose.MARKETING)
    own = content.compiled_for(version_id=version_id, locale=locale, purpose=Message.Purpose.TRANSACTIONAL)
    parts = _parts_judged(compiled, own, channel, quiet_hours.BY_CODE[code])
    if len(_try(version_id, locale, channel)) < shown.WAYS:
        return Deciding(compared=frozenset[str]().union(*map(liquid.used_variables, parts)))
    return functools.reduce(operator.or_, map(needs.find_deciding, parts), Deciding())


def _parts_judged(compiled: CompiledContent, own: CompiledContent, channel: str, pack: CountryPack) -> tuple[str, ...]:
    """What of a wording could break a rule. `own` is what stands in it before it gets our way out, which values cannot
    hide."""
    demands = {
        rule.demand
        for rule in pack.rules
        if rule.level == BLOCKER and channel in rule.channels and rule.tongue in ("", compiled.locale)
    }
    has_way_out = any(way_out.LINKS & liquid.used_variables(part) for part in (own.html, own.text))
    if demands & _ANYWHERE or (has_way_out and Demand.WAY_OUT in demands):
        return compiled.subject, compiled.html, compiled.text
    if demands & _AT_THE_HEAD:
        return (compiled.subject if channel == "email" else compiled.text,)
    return ()


def _judge_each(held: Sequence[Held], standing: Standing) -> dict[int, tuple[Demand, ...]]:
    """By message id, as a reader gets it: once for all of whom the same things are known. What can't be made is in
    order here: whoever makes it says so."""
    shapes = {one.id: _shape(one, standing) for one in held}
    new = {shapes[one.id]: one for one in held if shapes[one.id] not in _judged}
    if len(_judged) + len(new) > _MOST_JUDGED:
        _judged.clear()
        new = {shapes[one.id]: one for one in held}
    urls = links.links_of(messages=[(one.id, one.uuid) for one in new.values()]) if new else {}
    for shape, one in new.items():
        if (broken := _judge_one(one, urls[one.id], standing)) is not None:
            _judged[shape] = broken
    return {one.id: _judged.get(shapes[one.id], ()) for one in held}


def _shape(one: Held, standing: Standing) -> Hashable:
    """The wording, the pack, which values are there, and those that decide: as a digest, since they may be a
    person's."""
    groups = [
        (name, *sorted((key, _presence(value)) for key, value in told.items()))
        for name, told in one.context.items()
        if isinstance(told, dict)
    ]
    offered = {"offer": _EXAMPLE} if one.context.get("offer_url") else {}
    facts = render.gather_facts(context=one.context, contact=one.contact, account=one.account, urls=offered)
    code = quiet_hours.pack_of(one.place.country).code
    deciding = _deciding(one.template_version_id, one.locale, one.channel, code)
    said = [_value(facts, name) for name in sorted(deciding.compared)]
    forms = _forms(one, facts, deciding.picked) if deciding.picked else []
    there = [_presence(_value(facts, name)) for name in sorted(deciding.asked)]
    values = hashlib.blake2b(repr((said, forms, there)).encode(), digest_size=16).digest()
    names = tuple(name for name, value in (*one.contact.items(), *one.account.items()) if value)
    return one.template_version_id, one.locale, one.channel, code, standing, tuple(sorted(groups)), names, values


def _forms(one: Held, facts: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    compiled = content.compiled_for(version_id=one.template_version_id, locale=one.locale, purpose=one.purpose)
    return [filters.form_of(_value(facts, name), locale=compiled.locale) for name in sorted(names)]


def _presence(value: object) -> int:
    """To a condition of Liquid a zero is something; so is an empty list, but not where another value stands in."""
    if value is None or value is False or value == "":
        return 0
    return 1 if value in ([], {}) else 2


def _value(facts: Mapping[str, Any], name: str) -> object:
    """Of the length of a list, the list."""
    found: object = facts
    for part in name.split("."):
        if isinstance(found, Mapping):
            found = found.get(part)
    return found


def _judge_one(one: Held, urls: Mapping[str, str], standing: Standing) -> tuple[Demand, ...] | None:
    compiled = content.compiled_for(version_id=one.template_version_id, locale=one.locale, purpose=one.purpose)
    own = links.own_urls(message_id=one.id, version_id=one.template_version_id)
    facts = render.gather_facts(context=one.context, contact=one.contact, account=one.account, urls={**urls, **own})
    try:
        rendered = render.fill_in(channel=one.channel, compiled=compiled, facts=facts)
    except (TemplateError, TypeError):
        return None
    pack = quiet_hours.pack_of(one.place.country)
    return tuple(dict.fromkeys(_find(rendered, compiled, one.channel, pack, _sender(standing, urls), urls)))


def _find(
    rendered: Rendered,
    compiled: CompiledContent,
    channel: str,
    pack: CountryPack,
    sender: Sender,
    urls: Mapping[str, str],
) -> list[Demand]:
    whole = content.complete_marketing(rendered=rendered, channel=channel, locale=compiled.locale, urls=urls)
    seen = shown.as_seen(channel=channel, language=compiled.locale, rendered=whole)
    found = rules.find_breaches(pack=pack, shown=seen, sender=sender)
    return [breach.rule.demand for breach in found if breach.level == BLOCKER]


def _of_the_set_up(pack: CountryPack, channel: str, standing: Standing) -> list[Demand]:
    asks = any(
        rule.demand == Demand.REPLY_ADDRESS and rule.level == BLOCKER and channel in rule.channels
        for rule in pack.rules
    )
    return [Demand.REPLY_ADDRESS] if asks and not standing.is_answered else []
