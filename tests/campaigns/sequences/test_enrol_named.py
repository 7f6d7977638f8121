"""Entry by name: a file or another system names accounts and contacts; a dry run does the same and takes it back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.delivery.models import Message
from campaigns.operations.models import AuditEntry
from campaigns.sequences import enrol_file, enrol_named, exits, lifecycle, selectors
from campaigns.sequences.enrol_named import Named
from campaigns.sequences.models import Campaign, Enrolment, Entry
from campaigns.usage.models import UsageEvent
from tests.factories import sequences as make
from tests.factories.profiles import AccountFactory, ContactFactory

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture(scope="module")
def launched(shared_rows) -> Campaign:
    make.market()
    return make.launched(holdout_percent=None, entry={"by": "HAND", "reentry": "AFTER_COOLDOWN", "cooldown_days": 10})


@pytest.fixture
def campaign(launched, db) -> Campaign:
    return Campaign.objects.get(pk=launched.pk)


def enrol(campaign: Campaign, *named: Named, now=NOW, **options) -> enrol_named.Report:
    return enrol_named.enrol_accounts(
        campaign=campaign, named=named, source="FILE", occasion="q3.csv", by="dana", now=now, **options
    )


def test_nobody_enters_by_themselves_where_only_names_bring_in(campaign):
    make.ready_account()
    assert not Entry.objects.exists()


def test_a_named_account_enters_with_its_people_and_says_what_by(campaign):
    account = make.ready_account()
    assert enrol(campaign, Named(account=account.external_id)).enrolled == 1
    entry = Entry.objects.get()
    assert (entry.source, entry.occasion) == ("FILE", "q3.csv")
    assert Message.objects.get().contact == Enrolment.objects.get().contact
    note = AuditEntry.objects.get(action="campaign.enrol").after
    assert note is not None
    assert note["enrolled"] == 1


def test_a_named_contact_enters_alone_whatever_their_role(campaign):
    account = make.ready_account()
    member = make.reader(account, role="MEMBER")
    enrol(campaign, Named(contact=member.external_id))
    assert Enrolment.objects.get().contact == member


def test_an_alias_and_a_name_outside_the_audience_will_do(campaign):
    outside = make.account_near_limit(seats=1)
    make.reader(outside)
    assert enrol(campaign, Named(account=outside.external_id)).enrolled == 1
    assert Entry.objects.get().stay is None


def test_a_dry_run_says_the_same_and_writes_nothing(campaign):
    ready, mute = make.ready_account(), make.account_near_limit()
    named = [Named(account=ready.external_id), Named(account=mute.external_id), Named(account="nobody", place="4")]
    events = UsageEvent.objects.count()
    tried = enrol(campaign, *named, dry_run=True)
    assert not Entry.objects.exists()
    assert not Message.objects.exists()
    assert UsageEvent.objects.count() == events
    done = enrol(campaign, *named)
    assert (tried.enrolled, dict(tried.not_enrolled)) == (1, {"no_reachable_contact": 1})
    assert (done.enrolled, done.not_enrolled, done.unfit) == (tried.enrolled, tried.not_enrolled, tried.unfit)


def test_who_is_unknown_or_does_not_fit_is_told_by_line(campaign):
    account, other = make.ready_account(), AccountFactory()
    stranger, contact = ContactFactory(), account.memberships.get().contact
    report = enrol(
        campaign,
        Named(place="2"),
        Named(account="nope", place="3"),
        Named(contact="nope", place="4"),
        Named(contact=stranger.external_id, place="5"),
        Named(account=other.external_id, contact=contact.external_id, place="6"),
        Named(account=account.external_id, place="7"),
        Named(account=account.external_id, place="8"),
    )
    assert [(one.place, one.why) for one in report.unfit] == [
        ("2", "Neither an account nor a contact is named."),
        ("3", "There is no account with this id."),
        ("4", "There is no contact with this id."),
        ("5", "The contact belongs to no account."),
        ("6", "The contact does not belong to this account."),
        ("8", "Named twice; the first counts."),
    ]
    assert report.enrolled == 1


def test_who_is_inside_is_told_apart_from_who_may_not_enter_again(campaign):
    inside, gone = make.ready_account(), make.ready_account()
    names = [Named(account=inside.external_id), Named(account=gone.external_id)]
    enrol(campaign, *names)
    ended = Enrolment.objects.get(account=gone)
    exits.end_enrolments(enrolment_ids=[ended.pk], reason="COMPLETED", now=NOW)
    report = enrol(campaign, *names, now=NOW + timedelta(days=9))
    assert (report.enrolled, report.already_in, report.not_again) == (0, 1, 1)
    report = enrol(campaign, *names, now=NOW + timedelta(days=10))
    assert (report.enrolled, report.already_in, report.not_again) == (1, 1, 0)


def test_every_named_account_is_in_one_place_and_the_ledger_sums(campaign):
    accounts = [make.ready_account(), make.account_near_limit(), make.ready_account()]
    report = enrol(campaign, *(Named(account=one.external_id) for one in accounts))
    assert report.named == report.enrolled + report.holdout + sum(report.not_enrolled.values()) == 3
    ledger = selectors.ledger(campaign=campaign, now=NOW)["accounts"]
    assert ledger["audience"] == ledger["enrolled"] + ledger["holdout"] + sum(ledger["not_enrolled"].values()) == 3


def test_a_paused_campaign_takes_nobody_in(campaign):
    account = make.ready_account()
    lifecycle.pause(campaign=campaign, by="dana", now=NOW)
    with pytest.raises(lifecycle.WrongStateError):
        enrol(campaign, Named(account=account.external_id))
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"account\nacme\n\n beta \n", [Named("acme", "", "2"), Named("beta", "", "4")]),
        (b"\xef\xbb\xbfContact;note\r\nc1;x\r\n", [Named("", "c1", "2")]),
        (b"name,contact,account\nx,c1,a1\n", [Named("a1", "c1", "2")]),
        (b"account,contact\na1\n", [Named("a1", "", "2")]),
    ],
)
def test_files_are_read_by_their_columns(content, named):
    assert enrol_file.read_names(content=content) == named


@pytest.mark.parametrize("content", [b"", b"id\nacme\n", b"account\n\xff\xfe\n", b"account\na\0b\n"])
def test_a_file_without_the_columns_or_that_is_no_text_is_refused(content):
    with pytest.raises(enrol_file.NamesFileError):
        enrol_file.read_names(content=content)


@pytest.mark.parametrize(
    ("given", "kept"), [("a\x00.csv", "a.csv"), ("\ud800", ""), ("a\r\nb.csv", "ab.csv"), ("שלום.csv", "שלום.csv")]
)
def test_of_a_files_name_is_kept_what_the_database_takes(given, kept):
    assert enrol_file.kept_name(name=given) == kept


@pytest.mark.parametrize("is_first", [True, False])
def test_beside_the_line_of_its_account_a_contacts_line_is_reported(campaign, is_first):
    account = make.account_near_limit()
    owner, member = make.reader(account), make.reader(account, role="MEMBER")
    lines = [Named(account=account.external_id, place="1"), Named(contact=member.external_id, place="2")]
    report = enrol(campaign, *(lines if is_first else reversed(lines)))
    assert (report.enrolled, [one.place for one in report.unfit]) == (1, ["2"])
    assert Enrolment.objects.get().contact == owner


def test_the_line_of_an_account_counts_in_whatever_batch_it_is(campaign, monkeypatch):
    monkeypatch.setattr(enrol_named, "BATCH", 1)
    account = make.account_near_limit()
    owner, member = make.reader(account), make.reader(account, role="MEMBER")
    enrol(campaign, Named(contact=member.external_id), Named(account=account.external_id))
    assert Enrolment.objects.get().contact == owner
