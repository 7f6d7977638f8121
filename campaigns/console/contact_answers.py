"""What an account answered to an offer, and the calls about it, told as lines of a contact's timeline."""

from __future__ import annotations

from django.utils.translation import gettext as _

from campaigns.console import contact_words
from campaigns.console.contact_item import Item, Surroundings, sentence
from campaigns.console.templatetags.console import money
from campaigns.delivery.models import CsmTask
from campaigns.offers.models import Quote


def tell_answer(quote: Quote, around: Surroundings) -> Item:
    heads = {
        Quote.State.ACCEPTED: _("Upgraded"),
        Quote.State.ACCEPTING: _("Pressed the button to upgrade"),
        Quote.State.DECLINED: _("Said no to the offer"),
        Quote.State.CALL_ASKED: _("Asked to be called"),
        Quote.State.FAILED: _("The upgrade could not be made"),
    }
    rest = _("%(plan)s for %(account)s, %(price)s more a month") % {
        "plan": quote.to_price.plan.name,
        "account": quote.account,
        "price": _plain(money(quote.new_mrr - quote.old_mrr, quote.currency)),
    }
    is_own = quote.answered_by_id in (None, around.contact.pk)
    notes = [] if is_own else [_("Answered by %(name)s.") % {"name": quote.answered_by}]
    if quote.is_waiting_for_us:
        notes.append(_("It waits for us: our access to billing is to be mended."))
    refusal = getattr(quote, "refusal", None)
    said = contact_words.refusal_words(refusal.reason) if refusal else ""
    return Item(
        at=quote.answered_at or quote.made_at,
        icon="trend-up" if quote.state == Quote.State.ACCEPTED else "offer",
        tone="is-ok" if quote.state == Quote.State.ACCEPTED else "",
        head=heads.get(Quote.State(quote.state), quote.get_state_display()),
        rest=rest,
        meta=" ".join(notes),
        reason=" ".join(part for part in (said, refusal.note if refusal else "") if part),
    )


def _plain(html: str) -> str:
    """Money without its left-to-right island: the line isolates the whole."""
    return html.replace('<bdi dir="ltr">', "\u2066").replace("</bdi>", "\u2069")


def tell_task(task: CsmTask, around: Surroundings) -> Item:
    who = _("For %(name)s.") % {"name": task.assigned_to} if task.assigned_to else _("Nobody has taken it yet.")
    asked = f"{_('Asked for by the customer')}. " if task.is_asked_for else ""
    return Item(at=task.added_at, icon="task", head=_("CSM task made"), quote=task.title, meta=f"{asked}{who}")


def tell_task_closed(task: CsmTask, around: Surroundings) -> Item:
    is_done = task.state == CsmTask.State.DONE
    said = str(task.get_outcome_display()) if task.outcome else ""
    by = _("by %(name)s") % {"name": task.closed_by} if task.closed_by else ""
    return Item(
        at=task.closed_at or task.added_at,
        icon="csm",
        tone="is-ok" if is_done else "is-off",
        head=_("CSM task done") if is_done else _("CSM task called off"),
        quote=task.title,
        meta=sentence(", ".join(part for part in (said, by) if part)),
        reason=task.note,
    )
