"""The editor of one wording: a language at a time, as blocks or as MJML, the preview beside it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.console import (
    campaign_page,
    campaign_words,
    drafts,
    lacking_words,
    overtaking,
    pages,
    preview_panel,
    preview_people,
    samples,
    step_tree,
    variables,
)
from campaigns.console.forms.variants import TEXTS, BannerForm, MailForm, SourceForm, TaskForm, TextForm, WordingForm
from campaigns.console.forms.webhooks import WebhookForm
from campaigns.console.preview_panel import Panel
from campaigns.console.step_tree import StepError
from campaigns.console.views import parts
from campaigns.sequences import placing
from campaigns.sequences.campaign_file import CampaignFileError
from campaigns.sequences.models import Campaign
from campaigns.sequences.step_file import LOCALES
from orchestrator import clock

# What a form of this kind does not show but must not lose.
_OWN = {
    MailForm: {"subject", "mjml", "text"},
    SourceForm: {"subject", "mjml", "text"},
    BannerForm: {*TEXTS, *placing.KEYS},
    TextForm: {"text"},
    TaskForm: {"title", "text"},
    WebhookForm: {"url", "body"},
}


@parts.leads_back
def edit_wording(request: HttpRequest, slug: str, key: str, letter: str) -> HttpResponse:
    campaign = parts.draft_of(request, slug)
    document = drafts.document_of(campaign=campaign)
    step = message_of(document, key, letter)
    locale = request.GET.get("language", "") if request.GET.get("language") in LOCALES else "en"
    content = step["variants"][letter]["content"].get(locale, {})
    known = content or drafts.place_of(step=step, letter=letter)
    tab = request.GET.get("tab", "blocks")
    form = make_form(step, known, locale, "offer" in document, tab, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if request.POST.get("do") == "remove":
            return _save(request, campaign, document, key, letter, locale, None)
        if overtaking.may_save(request, form, stored=content):
            kept = {name: text for name, text in content.items() if name not in _OWN[type(form)]}
            made = {**kept, **form.content()}
            if step["channel"] == "in_app":
                drafts.set_place(step=step, letter=letter, place={key: made.get(key, "") for key in placing.KEYS})
            wrong = sum(map(len, form.problems(made).values()))
            return _save(request, campaign, document, key, letter, locale, made, tab, wrong)
    if request.htmx.target == "panel":  # type: ignore[attr-defined]
        return pages.show(request, "console/campaigns/_panel.html", _beside(request, campaign, document, step, letter))
    context = _context(request, campaign, document, step, letter, locale)
    problems = form.problems(content) if content and not form.is_bound else {}
    form.mark(problems)
    context |= {
        "form": form,
        "tab": "source" if isinstance(form, SourceForm) else "blocks",
        "is_new": not content,
        "was": overtaking.fingerprint(content),
        "problems": problems,
        "lead": [name for name in form.fields if name in problems],
    }
    return pages.show(request, "console/campaigns/wording.html", context, status=422 if form.errors else 200)


def make_form(
    step: dict[str, Any], content: dict[str, str], locale: str, has_offer: bool, tab: str, data: QueryDict | None
) -> WordingForm:
    """Blocks where the mail is made of them and blocks are asked for; else its MJML."""
    common: dict[str, Any] = {"locale": locale, "has_offer": has_offer}
    if step["channel"] == "in_app":
        return BannerForm(data, initial=BannerForm.initial_of(content, locale), **common)
    if step["channel"] == "sms":
        return TextForm(data, initial=TextForm.initial_of(content, locale), **common)
    if step["channel"] == "webhook":
        return WebhookForm(data, initial=WebhookForm.initial_of(content, locale), **common)
    if step["channel"] == "csm_task":
        return TaskForm(data, initial=TaskForm.initial_of(content, locale), **common)
    blocks = MailForm.initial_of(content, locale)
    if tab == "source" or blocks is None:
        return SourceForm(data, initial=SourceForm.initial_of(content, locale), **common)
    return MailForm(data, initial=blocks, **common)


def message_of(document: dict[str, Any], key: str, letter: str) -> dict[str, Any]:
    step = drafts.step_of(document=document, key=key)
    if step is None or letter not in step.get("variants", {}):
        raise Http404(_("There is no such wording."))
    return step


def _state(step: dict[str, Any], letter: str, locale: str, has_offer: bool) -> str:
    """missing, wrong or complete: what the text in one language is."""
    content = step["variants"][letter]["content"].get(locale)
    if not content:
        return "missing"
    form = make_form(step, content, locale, has_offer, "blocks", None)
    return "wrong" if form.problems(content) else "complete"


def _save(
    request: HttpRequest,
    campaign: Campaign,
    document: dict[str, Any],
    key: str,
    letter: str,
    locale: str,
    content: dict[str, str] | None,
    tab: str = "",
    wrong: int = 0,
) -> HttpResponse:
    """`wrong` is how many things in the content would keep it from being sent: it is saved all the same."""
    query = {"language": locale} | ({"tab": tab} if tab == "source" else {})
    query |= {name: request.POST[name] for name in ("contact", "screen") if request.POST.get(name)}
    page = reverse("admin:studio-campaign-wording", args=[campaign.slug, key, letter], query=query)
    try:
        drafts.set_content(document=document, key=key, letter=letter, locale=locale, content=content)
        drafts.save(campaign=campaign, document=document, by=request.user.get_username(), now=clock.utcnow())
    except (StepError, CampaignFileError) as error:
        messages.error(request, getattr(error, "message", str(error)))
    else:
        if wrong:
            words = ngettext("Saved, with %(n)d thing to mend", "Saved, with %(n)d things to mend", wrong)
            messages.warning(request, words % {"n": wrong})
        elif content is None:
            words = _("%(language)s is removed. Undo on the campaign’s page brings it back.")
            messages.success(request, words % {"language": campaign_words.language_name(locale)})
        else:
            messages.success(request, _("Saved"))
    return redirect(page)


def _context(
    request: HttpRequest, campaign: Campaign, document: dict[str, Any], step: dict[str, Any], letter: str, locale: str
) -> dict[str, Any]:
    has_offer = "offer" in document
    beside = _beside(request, campaign, document, step, letter)
    words = lacking_words.mark(
        variables=variables.list_variables(has_offer=has_offer, facts=beside["panel"].facts),
        campaign=campaign,
        shown=_shown(beside["panel"]),
        now=clock.utcnow(),
    )
    place = step_tree.number_steps(document["steps"])[step["key"]]
    name = _("%(number)s. %(channel)s") % {
        "number": place,
        "channel": campaign_words.channel_name(step["channel"]),
    }
    return {
        **campaign_page.frame(campaign=campaign),
        **beside,
        "title": name
        if len(step["variants"]) == 1
        else _("%(step)s, wording %(letter)s") % {"step": name, "letter": letter.upper()},
        "step": step,
        "letter": letter,
        "letters": list(step["variants"]),
        "locale": locale,
        "locales": [(one, campaign_words.own_name(one), _state(step, letter, one, has_offer)) for one in LOCALES],
        "language": campaign_words.language_name(locale),
        "page": beside["page_url"],
        "keep": "".join(f"&{name}={value}" for name, value in beside["panel"].fields if name in ("contact", "screen")),
        "snippets": variables.list_snippets(locale=locale, facts=beside["panel"].facts)
        if step["channel"] != "webhook"
        else [],
        "variables": words,
        "has_lacking": any(one.lack for one in words),
    }


def _shown(panel: Panel) -> lacking_words.Shown:
    return lacking_words.Shown(preview_panel.first_name_of(panel.person) if panel.person else "", panel.facts)


def _beside(
    request: HttpRequest, campaign: Campaign, document: dict[str, Any], step: dict[str, Any], letter: str
) -> dict[str, Any]:
    """The preview: in the language that is written."""
    now = clock.utcnow()
    # A text that is refused is shown again beside the same person.
    posted = {name: request.POST[name] for name in ("contact", "screen") if name in request.POST}
    asked = {**request.GET.dict(), **posted}
    page = reverse("admin:studio-campaign-wording", args=[campaign.slug, step["key"], letter])
    sees = pages.sees_people(request)
    viewers = preview_people.choose(campaign=campaign, asked=asked, now=now) if sees else preview_people.Viewers()
    panel = preview_panel.make_panel(
        campaign=campaign,
        document=document,
        step=step,
        letter=letter,
        viewers=viewers,
        made_up={} if viewers.person else samples.make_facts(campaign=campaign, has_offer="offer" in document, now=now),
        ask=preview_panel.Ask(
            page=page,
            screen=asked.get("screen", ""),
            language=asked["language"] if asked.get("language") in LOCALES else "en",
            query={"tab": asked.get("tab", "")},
            is_language_of_page=True,
        ),
    )
    return {
        "campaign": campaign,
        "panel": panel,
        "page_url": page,
        "has_letters": len(step["variants"]) > 1,
        "is_wording": True,
        "is_draft": True,
        "can_test": sees,
    }
