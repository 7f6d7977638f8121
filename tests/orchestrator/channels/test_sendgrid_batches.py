from __future__ import annotations

from uuid import UUID

import pytest

from orchestrator.channels.contract import BatchChannel, Busy, Refusal, SendReceipt, Spared, Unclear
from orchestrator.channels.memory import MemoryChannel
from orchestrator.channels.sendgrid.channel import SendGridChannel
from tests.contracts import provider
from tests.contracts.channel_cases import message

OK = provider.Reply(202, {"X-Message-Id": "mid-1"})
IDS = [UUID(int=number) for number in (1, 2, 3)]
TEXT, HTML = "Hi Qab000", "<p>Hi Qab001</p>"


@pytest.fixture
def sendgrid():
    with provider.running(OK) as server:
        yield server


def channel(server, *, batch_size=1000):
    return SendGridChannel(
        api_key="SG.key", api_base=server.url, from_email="hi@acme.example", timeout_s=2, batch_size=batch_size
    )


def batch(count=3):
    return [
        message(
            message_id=IDS[number],
            address=f"p{number}@customer.example",
            subject=f"For {number}",
            text=TEXT,
            html=HTML,
            headers={"List-Unsubscribe": f"<https://crescendo.example/u/{number}>"},
            slots={"Qab000": str(number), "Qab001": f"<{number}>"},
        )
        for number in range(count)
    ]


def refused(*fields, status=400):
    errors = [{"message": f"Wrong: p{at}@customer.example.", "field": field} for at, field in enumerate(fields)]
    return provider.Reply.of_json({"errors": errors}, status)


def test_a_batch_is_one_request_with_a_personalization_for_each(sendgrid):
    outcomes = channel(sendgrid).send_batch(batch(2))

    assert outcomes == [SendReceipt("mid-1")] * 2
    [request] = sendgrid.requests
    assert request.json["personalizations"] == [
        {
            "to": [{"email": f"p{number}@customer.example"}],
            "custom_args": {"crescendo_message": str(IDS[number]), "crescendo_attempt": "1"},
            "headers": {"List-Unsubscribe": f"<https://crescendo.example/u/{number}>"},
            "subject": f"For {number}",
            "substitutions": {"Qab000": str(number), "Qab001": f"<{number}>"},
        }
        for number in (0, 1)
    ]
    assert request.json["content"] == [{"type": "text/plain", "value": TEXT}, {"type": "text/html", "value": HTML}]
    assert request.json["categories"] == ["marketing", "seats-80"]
    assert "subject" not in request.json


def test_a_refusal_is_of_whom_it_names_and_spares_the_others(sendgrid):
    sendgrid.script.append(refused("personalizations.1.to.0.email", "personalizations[2].headers"))

    first, *named = channel(sendgrid).send_batch(batch())

    assert isinstance(first, Spared)
    assert [type(one) for one in named] == [Refusal, Refusal]
    assert [one.code for one in named] == ["400", "400"]
    assert "personalizations.1.to.0.email" in named[0].detail


@pytest.mark.parametrize("field", [None, "content", "personalizations", "personalizations.7.to", "personalizations.x"])
def test_a_refusal_that_names_none_of_them_spares_all(sendgrid, field):
    sendgrid.script.append(refused(field))
    assert [type(one) for one in channel(sendgrid).send_batch(batch())] == [Spared] * 3


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("fields", [["from.email"], ["from"], ["reply_to.email", "from"], ["asm.group_id"]])
def test_what_our_settings_put_into_every_mail_is_no_messages_fault(sendgrid, fields, size):
    sendgrid.script.append(refused(*fields))
    assert [(type(one), one.retry_after_s) for one in channel(sendgrid).send_batch(batch(size))] == [(Busy, 60)] * size


@pytest.mark.parametrize("fields", [["from_nobody"], ["from.email", "content"], []])
def test_a_mail_with_another_fault_is_refused(sendgrid, fields):
    sendgrid.script.append(refused(*fields))
    assert [type(one) for one in channel(sendgrid).send_batch(batch(1))] == [Refusal]


def test_a_batch_that_is_too_large_may_go_in_halves(sendgrid):
    sendgrid.script.append(refused(None, status=413))
    assert [type(one) for one in channel(sendgrid).send_batch(batch())] == [Spared] * 3


@pytest.mark.parametrize("answer", [refused(None), refused("content"), refused(None, status=413), provider.Reply(400)])
def test_a_batch_of_one_is_never_spared(sendgrid, answer):
    sendgrid.script.append(answer)
    assert [type(one) for one in channel(sendgrid).send_batch(batch(1))] == [Refusal]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(refused(None, status=429), Busy), (refused("personalizations.0", status=401), Busy),
     (refused("personalizations.0", status=500), Unclear), (provider.RESET, Unclear), (provider.GARBAGE, Unclear)],
)  # fmt: skip
def test_what_is_not_about_a_message_is_about_all_of_them(sendgrid, answer, kind):
    sendgrid.script.append(answer)
    assert [type(one) for one in channel(sendgrid).send_batch(batch())] == [kind] * 3


def test_no_outcome_tells_an_address(sendgrid):
    sendgrid.script.append(refused("personalizations.0.to.0.email", "personalizations.1"))
    told = "".join(repr(one) + one.detail for one in channel(sendgrid).send_batch(batch()))
    assert "customer.example" not in told


@pytest.mark.parametrize(("asked", "taken"), [(0, 1), (1, 1), (500, 500), (5000, 1000)])
def test_a_batch_is_never_larger_than_the_provider_takes(sendgrid, asked, taken):
    assert channel(sendgrid, batch_size=asked).batch_size == taken


def test_only_some_channels_take_batches(sendgrid):
    assert isinstance(channel(sendgrid), BatchChannel)
    assert not isinstance(MemoryChannel(kind="email"), BatchChannel)
