"""Send one wording of a campaign to a colleague, filled in from the facts of somebody who would get it."""

from __future__ import annotations

from datetime import datetime, timedelta

import phonenumbers
from django.contrib.auth import get_user_model
from django.db import transaction

from campaigns.delivery import content, gates, test_send
from campaigns.delivery.models import Message, SendGate
from campaigns.operations.models import AuditEntry
from campaigns.profiles import addresses, known_fields
from campaigns.profiles.models import Contact
from campaigns.sequences import campaign_file, wording
from campaigns.sequences.campaign_file import CampaignSpec
from campaigns.sequences.cast import Person
from campaigns.sequences.models import Campaign
from campaigns.sequences.step_file import StepSpec, VariantSpec

# Tests that one person sends of one campaign in an hour, and those to one address: whoever tries a wording needs some,
# whoever wants to harm many.
MOST_PER_HOUR = 30
MOST_PER_ADDRESS = 10
_HOUR = timedelta(hours=1)
_TEST_SENT = "campaign.test_send"


class AddressError(ValueError):
    """No test goes to this address; the message says why, without naming it."""


class CustomersAddressError(AddressError):
    """It belongs to a contact and to no colleague."""


class CostlyNumberError(AddressError):
    """Whoever sends to it pays extra."""


class TooManyTestsError(RuntimeError):
    """So many went within the last hour that no more do."""


class NothingToSendError(LookupError):
    """The campaign has no such message, wording or language."""


def send_test(
    *,
    campaign: Campaign,
    step_key: str,
    variant: str,
    locale: str,
    person: Person,
    address: str,
    by: str,
    now: datetime,
    wall_now: datetime,
) -> Message:
    """Of the draft if there is one, else of what runs; ready for the next dispatch, whatever state the campaign is in.

    Raises AddressError, TooManyTestsError, NothingToSendError, TemplateError (the text can't be filled in from this
    person's facts).
    """
    version = campaign.draft_version or campaign.live_version
    assert version is not None, "A campaign is made together with its first version."
    spec = campaign_file.parse(version.definition)
    step, wanted = _find(spec, step_key, variant, locale)
    checked = read_address(channel=step.channel, address=address)
    _refuse_too_many(campaign=campaign, by=by, address=checked, now=now)
    with transaction.atomic():
        message = test_send.plan_test(
            test=test_send.TestMessage(
                gate=_gate(spec, now),
                template_version=content.store_version(
                    slug=f"{spec.slug}-{step.key}-{wanted.key}",
                    name=f"{spec.name}: {step.key} {wanted.key}",
                    channel=step.channel,
                    content=wording.delivery_content(
                        channel=step.channel,
                        content=wanted.content,
                        has_offer=spec.offer is not None,
                        utm=spec.tracking.utm,
                    ),
                    now=now,
                ),
                channel=step.channel,
                locale=locale,
                variant=wanted.key,
                origin_step=step.key,
                address=checked,
                contact=person.contact,
                account=person.account,
                context={name: person.facts[name] for name in ("account", "evidence", "offer")},
            ),
            now=now,
            wall_now=wall_now,
        )
        AuditEntry.objects.create(
            at=now,
            actor=by,
            action=_TEST_SENT,
            subject=f"campaign:{campaign.slug}",
            after={"step": step.key, "variant": wanted.key, "locale": locale, "channel": step.channel},
        )
    return message


def read_address(*, channel: str, address: str) -> str:
    """Normalised. A customer's address is refused unless it is also a colleague's. Raises AddressError."""
    if channel not in test_send.CHANNELS:
        raise AddressError("Tests go by e-mail and SMS only.")
    name = "email" if channel == "email" else "phone"
    try:
        found = str(known_fields.read_field(name, address.strip()))
    except known_fields.NotAFieldError as error:
        raise AddressError(str(error)) from error
    if not found:
        raise AddressError("The address is missing.")
    if name == "phone" and phonenumbers.number_type(phonenumbers.parse(found)) in _PAID_FOR:
        raise CostlyNumberError("A message to this number costs extra.")
    column = {"email": "email_hash", "phone": "phone_hash"}[name]
    is_customers = Contact.objects.filter(**{column: addresses.hash_address(found)}, erased_at__isnull=True).exists()
    if is_customers and not (name == "email" and _is_colleagues(found)):
        raise CustomersAddressError("This address is a customer's: tests go to colleagues only.")
    return found


_PAID_FOR = (phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST)


def _refuse_too_many(*, campaign: Campaign, by: str, address: str, now: datetime) -> None:
    own = AuditEntry.objects.filter(
        subject=f"campaign:{campaign.slug}", at__gt=now - _HOUR, action=_TEST_SENT, actor=by
    ).count()
    same = Message.objects.filter(
        purpose=Message.Purpose.TEST,
        planned_at__gt=now - _HOUR,
        point__address_hash=addresses.hash_address(address),
    ).count()
    if own >= MOST_PER_HOUR or same >= MOST_PER_ADDRESS:
        raise TooManyTestsError("Enough tests for this hour.")


def _is_colleagues(email: str) -> bool:
    return get_user_model().objects.filter(is_staff=True, is_active=True, email__iexact=email).exists()


def _find(spec: CampaignSpec, step_key: str, variant: str, locale: str) -> tuple[StepSpec, VariantSpec]:
    for step in spec.message_steps():
        for wanted in step.variants:
            if (step.key, wanted.key) == (step_key, variant) and locale in wanted.content:
                return step, wanted
    raise NothingToSendError(f"{spec.slug}: no text in {locale!r} of the wording {variant!r} of {step_key!r}.")


def _gate(spec: CampaignSpec, now: datetime) -> SendGate:
    """A draft has none yet: it is made as it will be at launch, and stays closed for all but tests."""
    stored = SendGate.objects.filter(slug=spec.slug).first()
    return stored or gates.set_gate(
        slug=spec.slug,
        purpose=spec.purpose,
        topic=spec.topic,
        priority=spec.limits.priority,
        window_start=spec.limits.window_from,
        window_end=spec.limits.window_to,
        now=now,
    )
