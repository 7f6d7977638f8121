"""The launch review: what stands in the way, what deserves a second look, what is in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.delivery import content as contents
from campaigns.delivery import links, render, spend
from campaigns.delivery import selectors as delivery
from campaigns.segments import sessions
from campaigns.segments.errors import DefinitionError
from campaigns.segments.sessions import SegmentTooSlow
from campaigns.sequences import (
    campaign_file,
    check_audience,
    check_country,
    check_timing,
    check_variables,
    circles,
    part_words,
    placing,
    problem_words,
    snippets,
    tracking,
    wording,
)
from campaigns.sequences.campaign_file import CampaignFileError, CampaignSpec
from campaigns.sequences.check_audience import Found
from campaigns.sequences.models import Campaign
from campaigns.sequences.step_file import StepSpec, VariantSpec
from orchestrator import http
from orchestrator.channels import registry
from orchestrator.templating import lint
from orchestrator.templating.errors import Problem, TemplateError
from orchestrator.templating.message import CompiledContent

BLOCKER, WARNING, PASSED = "BLOCKER", "WARNING", "PASSED"


# {a step's key: its number}, of the file's steps.
type Numbering = Callable[[Sequence[dict[str, Any]]], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is stable, `message` in the reader's language. `step` is the step's key, `where` the path into the
    campaign file of what to change; both are empty where the finding is about the campaign or the set-up. `set_by`:
    the settings that mend it, for whoever runs the installation: the message says it without their names."""

    level: str
    code: str
    message: str
    step: str = ""
    where: str = ""
    set_by: tuple[str, ...] = ()


def check_campaign(*, campaign: Campaign, now: datetime, numbering: Numbering | None = None) -> list[Finding]:
    """Of the draft, else of what is live. Blockers first, in the order of the campaign's outline. `numbering`: how the
    reader sees the steps numbered, else in the order of the file."""
    order = {BLOCKER: 0, WARNING: 1, PASSED: 2}
    found = _check(campaign, now, numbering, only_blockers=False)
    return sorted(found, key=lambda finding: order[finding.level])


def find_blockers(*, campaign: Campaign, now: datetime, numbering: Numbering | None = None) -> list[Finding]:
    """Those of `check_campaign` that keep it from starting, without the counts that only warn."""
    return [one for one in _check(campaign, now, numbering, only_blockers=True) if one.level == BLOCKER]


def _check(campaign: Campaign, now: datetime, numbering: Numbering | None, *, only_blockers: bool) -> list[Finding]:
    version = campaign.draft_version or campaign.live_version
    if version is None:
        return [Finding(BLOCKER, "no_version", _("The campaign has no content yet."))]
    try:
        spec = campaign_file.parse(version.definition)
    except CampaignFileError as error:
        return [Finding(BLOCKER, "file", error.message, where=error.path)]
    in_order = {step.key: number for number, step in enumerate(spec.steps, start=1)}
    numbers = in_order | dict(numbering(version.definition["steps"]) if numbering else {})
    judged = check_audience.check_audience(campaign=campaign, spec=spec, numbers=numbers, now=now)
    counted = () if only_blockers else _count(campaign, spec, now)
    abroad = list(check_country.check_country(campaign=campaign, spec=spec, now=now))
    timing = check_timing.check_timing(campaign=campaign, spec=spec, numbers=numbers, abroad=abroad, now=now)
    return [
        *_goal(spec),
        *_offer(campaign, spec),
        *(Finding(*one) for one in judged),
        *_entry(spec),
        *(Finding(*one) for one in counted),
        *_holdout(spec),
        *_weights(spec),
        *_snippets(spec),
        *_contents(spec),
        *_places(spec),
        *_circles(spec, numbers),
        *_channels(spec),
        *_sender(spec),
        *(Finding(*one, set_by=check_country.SETTINGS.get(one[1], ())) for one in abroad),
        *(Finding(*one) for one in timing),
        *_switch(),
    ]


def _count(campaign: Campaign, spec: CampaignSpec, now: datetime) -> Iterator[Found]:
    """What takes a pass over the audience."""
    try:
        yield from check_audience.weigh_audience(campaign=campaign, spec=spec, now=now)
        yield from check_variables.check_variables(campaign=campaign, spec=spec, now=now)
    except DefinitionError:
        return  # `check_audience` says why it can't be counted
    except SegmentTooSlow:
        words = _("The audience could not be counted: that takes longer than %(n)d seconds. Use shorter windows.")
        yield WARNING, "uncounted_audience", words % {"n": sessions.PREVIEW_SECONDS}, "", "audience"


def not_a_draft(campaign: Campaign) -> Finding:
    words = _("This campaign is no draft: it was launched before.")
    return Finding(BLOCKER, "not_a_draft", words)


def draft_changed() -> Finding:
    words = _("the draft was changed after you looked at it. Look at it again, then launch.")
    return Finding(BLOCKER, "draft_changed", words)


def snippet_changed() -> Finding:
    words = _("a snippet in its messages was changed after you looked at it. Look at it again, then launch.")
    return Finding(BLOCKER, "draft_changed", words)


def audience_changed() -> Finding:
    words = _("a segment of its audience or its conditions was changed after you looked. Look again, then launch.")
    return Finding(BLOCKER, "audience_changed", words, where="audience")


def offer_changed() -> Finding:
    words = _("its offer was changed after you looked at it. Look at it again, then launch.")
    return Finding(BLOCKER, "offer_changed", words, where="offer")


def not_reviewed() -> Finding:
    words = _("your page did not say which draft you looked at. Look at it again, then launch.")
    return Finding(BLOCKER, "not_reviewed", words)


def text_failed(error: TemplateError, step: StepSpec, variant: VariantSpec) -> Finding:
    """What the check has not foreseen."""
    words = _("%(variant)s: %(problem)s") % {
        "variant": variant.key.upper(),
        "problem": problem_words.in_readers_words(error.message),
    }
    where = f"{step.path}.variants.{variant.key}.content"
    return Finding(BLOCKER, f"content:{error.code}", words, step.key, where)


def audience_failed(reason: str) -> Finding:
    return Finding(BLOCKER, "audience_failed", check_audience.failed_words(reason), where="audience")


def _goal(spec: CampaignSpec) -> Iterator[Finding]:
    if spec.goal is None:
        yield Finding(BLOCKER, "no_goal", _("Say what counts as success: the campaign has no goal."), where="goal")
    else:
        words = _("The goal is an upgrade within %(days)s days.") % {"days": spec.goal.window_days}
        yield Finding(PASSED, "goal", words)


def _offer(campaign: Campaign, spec: CampaignSpec) -> Iterator[Finding]:
    if spec.offer is None:
        words = _("The messages carry no offer: nobody can accept with one click.")
        yield Finding(WARNING, "no_offer", words, where="offer")
    elif campaign.edited_offer is None or not campaign.edited_offer.is_active:
        words = _("The offer %(slug)s is not active.") % {"slug": spec.offer.slug}
        yield Finding(BLOCKER, "offer_inactive", words, where="offer")
    else:
        yield Finding(PASSED, "offer", _("The offer is active."))


def _entry(spec: CampaignSpec) -> Iterator[Finding]:
    """Said where the launch alone brings nobody in."""
    if spec.entry.event is not None:
        words = _("People enter when the event %(event)s happens, from the launch on.")
        yield Finding(PASSED, "entry_by_event", words % {"event": spec.entry.event["event"]})
    elif spec.entry.by == campaign_file.BY_HAND:
        words = _("Only who is named in a file or by another system enters.")
        yield Finding(PASSED, "entry_by_hand", words)


def _holdout(spec: CampaignSpec) -> Iterator[Finding]:
    if spec.holdout_percent == 0:
        words = _(
            "Nobody is held out: what the campaign really earned cannot be told from what would have come anyway."
        )
        yield Finding(WARNING, "no_holdout", words, where="holdout_percent")
    else:
        yield Finding(PASSED, "holdout", _("%(percent)s %% are held out.") % {"percent": f"{spec.holdout_percent:g}"})


def _weights(spec: CampaignSpec) -> Iterator[Finding]:
    for step in spec.message_steps():
        total = sum(variant.weight for variant in step.variants)
        if total != 100:
            words = _("The shares of the variants add up to %(total)s %%, not to 100 %%.") % {"total": total}
            yield Finding(BLOCKER, "weights", words, step.key, f"{step.path}.variants")
    for step in spec.steps:
        total = sum(way.weight for way in step.ways)
        if step.ways and total != 100:
            words = _("The shares of the ways add up to %(total)s %%, not to 100 %%.") % {"total": total}
            yield Finding(BLOCKER, "weights", words, step.key, f"{step.path}.ways")


def _contents(spec: CampaignSpec) -> Iterator[Finding]:
    checked = 0
    wrong = False
    for step in spec.message_steps():
        for variant in step.variants:
            for locale in variant.content:
                checked += 1
                for finding in _content(spec, step, variant, locale):
                    wrong = wrong or finding.level == BLOCKER
                    yield finding
    if not wrong:
        yield Finding(PASSED, "contents", _("%(n)s texts were tried with sample values.") % {"n": checked})


def _snippets(spec: CampaignSpec) -> Iterator[Finding]:
    for step in spec.message_steps():
        for variant in step.variants if step.channel != "webhook" else ():
            wanted = snippets.used_in(content=variant.content)
            for slug in sorted(wanted - set(snippets.load(slugs=wanted))):
                words = _("%(variant)s: there is no snippet “%(slug)s”.")
                where = f"{step.path}.variants.{variant.key}.content"
                told = words % {"variant": variant.key.upper(), "slug": slug}
                yield Finding(BLOCKER, "unknown_snippet", told, step.key, where)


def _places(spec: CampaignSpec) -> Iterator[Finding]:
    """The file writes down per language where a message shows; a reader's language should not move it."""
    for step in spec.message_steps():
        for variant in step.variants if step.channel == "in_app" else ():
            places = {tuple(texts.get(key, "") for key in placing.KEYS) for texts in variant.content.values()}
            if len(places) > 1:
                words = _("%(variant)s: its languages do not all show in the same place.")
                where = f"{step.path}.variants.{variant.key}.content"
                yield Finding(WARNING, "places", words % {"variant": variant.key.upper()}, step.key, where)


def _circles(spec: CampaignSpec, numbers: Mapping[str, int]) -> Iterator[Finding]:
    """A step may lead back: then messages are sent again, round after round, until an exit ends it. Without any time
    passing that would be at once; `step` is then the message that somebody would get again, `where` what leads back."""
    for circle in circles.find_circles(steps=spec.steps):
        step = spec.steps[circle.place]
        words = {"step": numbers[step.key], "back": numbers[spec.steps[circle.back].key]}
        if circle.is_at_once:
            said = _("Step %(step)s leads back to step %(back)s without a wait between: people go round in a circle.")
            yield Finding(BLOCKER, "circle", said % words, circle.message or step.key, step.path)
        else:
            said = _("Step %(step)s leads back to step %(back)s: people go round, and get the messages between again.")
            yield Finding(WARNING, "leads_back", said % words, step.key, step.path)


def _content(spec: CampaignSpec, step: StepSpec, variant: VariantSpec, locale: str) -> Iterator[Finding]:
    has_offer = spec.offer is not None
    made = wording.delivery_content(
        channel=step.channel, content={locale: variant.content[locale]}, has_offer=has_offer, utm=spec.tracking.utm
    )
    allowed = wording.variables(has_offer=has_offer)
    if spec.tracking.clicks:
        made, own = tracking.try_by_way_of_us(channel=step.channel, content=made)
        allowed = {**allowed, **own}
    texts = {name: text for name, text in made[locale].items() if name in lint.FIELDS[step.channel]}
    if step.channel == "sms":
        texts, allowed = _as_it_leaves(spec, texts, locale), {**allowed, **_real_links(has_offer=has_offer)}
    problems = lint.check_content(kind=step.channel, content=texts, allowed=allowed, locale=locale)
    if step.channel == "email" and spec.purpose == "MARKETING" and all(one.level != "error" for one in problems):
        problems += _with_the_footer(texts, {**allowed, **_real_links(has_offer=has_offer)}, locale)
    for problem in problems:
        field = problem.field or next(iter(variant.content[locale]))
        place = _("line %(line)s: ") % {"line": problem.line} if problem.line else ""
        words = _("%(variant)s, %(locale)s, %(field)s: %(place)s%(problem)s") % {
            "variant": variant.key.upper(),
            "locale": part_words.language_name(locale),
            "field": part_words.field_name(field),
            "place": place,
            "problem": problem_words.in_readers_words(problem.message),
        }
        where = f"{step.path}.variants.{variant.key}.content.{locale}.{field}"
        yield Finding(
            BLOCKER if problem.level == "error" else WARNING, f"content:{problem.code}", words, step.key, where
        )


def _as_it_leaves(spec: CampaignSpec, texts: Mapping[str, str], locale: str) -> dict[str, str]:
    """A text message with the way out that is added: its length is paid for too. One that can't be read stays."""
    if spec.purpose != "MARKETING" or not texts.get("text", "").strip():
        return dict(texts)
    try:
        written = CompiledContent(subject="", html="", text=texts["text"], locale=locale)
        return {**texts, "text": contents.finish_marketing(compiled=written, channel="sms").text}
    except TemplateError:
        return dict(texts)


def _with_the_footer(texts: Mapping[str, str], values: Mapping[str, Any], locale: str) -> list[Problem]:
    """A mail that is in order by itself can be too much with the footer that is added."""
    try:
        written = contents.compile_content(channel="email", content={locale: texts})[locale]
        whole = contents.finish_marketing(compiled=CompiledContent(**written), channel="email")
        render.fill_in(channel="email", compiled=whole, facts=lint.sample_context(values))
    except TemplateError as error:
        return [Problem(error.code, error.message, None, "mjml")]
    return []


def _real_links(*, has_offer: bool) -> dict[str, str]:
    """As long as those that will be sent."""
    return {f"links.{name}": url for name, url in links.links_of_nobody(has_offer=has_offer).items()}


def _channels(spec: CampaignSpec) -> Iterator[Finding]:
    for channel in dict.fromkeys(step.channel for step in spec.message_steps()):
        first = next(step for step in spec.message_steps() if step.channel == channel)
        if channel not in registry.channel_kinds():
            words = _("There is no channel %(channel)s in this installation.") % {"channel": channel}
            yield Finding(BLOCKER, "channel_missing", words, first.key, f"{first.path}.channel")
        elif channel == "email" and not registry.get(channel).is_live:
            words = _("E-mail is not connected, so none would leave this machine. An administrator can connect it.")
            yield Finding(WARNING, "outbox", words, first.key, set_by=("SENDGRID_API_KEY",))
        elif channel == "sms":
            yield from _sms(first)
        elif channel == "webhook":
            yield from _webhooks(spec, first)


def _sms(first: StepSpec) -> Iterator[Finding]:
    if not registry.get("sms").is_live:
        words = _("SMS are not connected, so none would leave this machine. An administrator can connect them.")
        yield Finding(WARNING, "outbox", words, first.key, set_by=("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"))
    elif not (settings.TWILIO_FROM or settings.TWILIO_MESSAGING_SERVICE_SID):
        words = _("Text messages have no number or name that they come from. An administrator can set one.")
        names = ("TWILIO_FROM", "TWILIO_MESSAGING_SERVICE_SID")
        yield Finding(BLOCKER, "sms_sender_missing", words, first.key, set_by=names)
    if not spend.is_limited():
        words = _(
            "Text messages have no daily budget, so nothing limits what a day of them costs. An administrator can set "
            "one."
        )
        names = ("SMS_DAILY_SEGMENTS", "SMS_DAILY_SPEND")
        yield Finding(WARNING, "sms_budget_missing", words, first.key, set_by=names)


def _webhooks(spec: CampaignSpec, first: StepSpec) -> Iterator[Finding]:
    if not registry.get("webhook").is_live:
        words = _("Webhooks are not connected, so none would leave this machine. An administrator can connect them.")
        yield Finding(WARNING, "outbox", words, first.key, set_by=("WEBHOOK_SIGNING_SECRET",))
    for step in spec.message_steps():
        for variant in step.variants if step.channel == "webhook" else ():
            for locale, texts in variant.content.items():
                try:
                    if (
                        http.read_url(texts["url"], allow_private=settings.ALLOW_PRIVATE_WEBHOOKS).host
                        == wording.NOWHERE
                    ):
                        raise http.ForbiddenAddress(_("nobody has said where it goes."))
                except http.ForbiddenAddress as error:
                    words = _("The webhook would not be called: %(reason)s") % {"reason": str(error)}
                    where = f"{step.path}.variants.{variant.key}.content.{locale}.url"
                    yield Finding(BLOCKER, "webhook_address", words, step.key, where)


def _sender(spec: CampaignSpec) -> Iterator[Finding]:
    if not any(step.channel == "email" for step in spec.message_steps()):
        return
    is_set = True
    if not settings.SENDGRID_FROM_EMAIL:
        is_set = False
        words = _("Mail has no address that it comes from. An administrator can set it.")
        yield Finding(BLOCKER, "sender_missing", words, set_by=("SENDGRID_FROM_EMAIL",))
    if spec.purpose == "MARKETING" and not settings.SENDER_POSTAL_ADDRESS:
        is_set = False
        words = _("Marketing mail must name your postal address, and none is set. An administrator can set it.")
        yield Finding(BLOCKER, "postal_address_missing", words, set_by=("SENDER_POSTAL_ADDRESS",))
    if is_set:
        yield Finding(PASSED, "sender", _("Sender and postal address are set."))


def _switch() -> Iterator[Finding]:
    if not delivery.is_sending_on():
        yield Finding(WARNING, "sending_off", _("Sending is switched off: messages wait until it is switched on."))
