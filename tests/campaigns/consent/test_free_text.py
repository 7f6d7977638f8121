from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.consent import free_text
from campaigns.consent.free_text import Grade

NO = [
    "please stop texting me", "Stop texting me!!", "STOP SENDING ME MESSAGES", "pls stop messaging this number",
    "stop the texts", "Stop these messages", "stop it", "Please stop.", "stop now please", "Hi, please stop",
    "stop spamming me", "quit texting me", "don't text me", "Don’t text me again", "do not contact me anymore",
    "never message me again", "don't send me any more messages", "Do not send me anything", "no more texts please",
    "No more emails", "I don't want to receive these messages", "I no longer wish to receive emails",
    "I do not want to hear from you", "remove me from your list", "Remove my number", "take me off this list",
    "unsubscribe me", "please unsubscribe", "I want to opt out", "opt me out", "How do I unsubscribe?",
    "I can't unsubscribe", "leave me alone", "lose my number", "fuck off", "Who is this? Stop.",
    "Stop texting me, e-mail me instead", "can you please stop texting me?", "Could you remove me?",
    "if you don't stop I will report you", "why won't you stop texting me", "I am not the owner. Take my number off.",
    "don't text me again please stop", "how can I stop these messages?", "I said STOP, stop texting me",
    "תפסיקו לשלוח", "תפסיקו לשלוח לי הודעות", "תפסיק לשלוח", "תפסיקו בבקשה", "בבקשה תפסיקו!", "די לשלוח הודעות",
    "אל תשלחו לי יותר", "אל תשלחו לי הודעות", "אל תשלחו לי", "תסירו אותי מהרשימה", "תסיר אותי", "נא להסיר אותי",
    "להסיר אותי בבקשה", "לא רוצה לקבל הודעות", "אני לא מעוניין לקבל יותר הודעות", "לא מעוניינת לקבל פרסומות",
    "הסירו אותי בבקשה", "הסירו אותי מרשימת התפוצה",
    "לא רוצה לקבל מכם", "תמחקו את המספר שלי", "עזבו אותי", "רדו ממני", "מבקשת הסרה", "איך מסירים?",
    "אם לא תפסיקו אני אתלונן", "לא מצליח להסיר את עצמי", "בלי הודעות בבקשה", "די, תסירו", "תַּפְסִיקוּ לשלוח",
    "nu mai vreau mesaje", "Nu mai vreau să primesc mesaje", "nu vreau mesaje de la voi", "Nu-mi mai trimiteți mesaje",
    "nu mai trimiteți", "nu mi mai trimite sms", "opriți mesajele", "Vă rog opriți", "încetați cu mesajele",
    "gata cu mesajele", "vreau să mă dezabonez", "dezabonați-mă", "cum mă dezabonez?", "nu mă pot dezabona",
    "scoateți-mă de pe listă", "ștergeți numărul meu", "lăsați-mă în pace", "nu mă mai contactați",
    "dacă nu vă opriți vă reclam", "Opriți-vă!", "nu doresc să mai primesc oferte", "puteți să mă dezabonați?",
]  # fmt: skip

NO_NO = [
    "don't stop", "Don’t stop", "please don't stop texting me", "never stop", "do not stop sending these",
    "I don't want you to stop", "I didn't ask you to stop", "don't unsubscribe me", "keep texting", "Stop by on Monday",
    "I can't stop using it", "call me", "yes please", "OK thanks", "What does it cost?", "When does the trial end?",
    "Please text me tomorrow", "we need more seats", "Please send the invoice", "the app works non-stop",
    "I stopped by your booth", "no", "great, no questions", "ok", "👍", "", "   ", "one-stop shop",
    "אל תפסיקו", "אל תפסיקו לשלוח", "בבקשה אל תפסיקו", "לא רוצה שתפסיקו", "לא ביקשתי להפסיק", "אל תסירו אותי",
    "תמשיכו לשלוח", "תתקשרו אליי", "מתי זה נגמר?", "כן תודה", "שלחו לי הצעה", "לא הבנתי את המחיר", "כמה זה עולה?",
    "nu vă opriți", "Nu te opri", "nu vreau să mă dezabonez", "nu vreau să vă opriți", "continuați să trimiteți",
    "I do not want the promotion", "take me off the premium call", "I don't want to cancel",
    "Send me the messages report", "cancel my subscription to the Team plan",
    "cancel our meeting for the marketing team", "cancel my order for 500 texts",
    "sunați-mă", "da, vă rog", "cât costă?", "nu am primit factura", "mulțumesc", "Nu mi-ați răspuns la întrebare",
]  # fmt: skip

FOR_A_PERSON = [
    "don't text me before 9", "stop texting me at night", "Don't call me", "not interested", "wrong number",
    "How can I opt out of SSO?", "remove me from the trial", "stop sending so many texts",
    "this is spam", "when will you stop texting me?", "If I reply STOP will you stop texting me?", "cancel please",
    "Stop texting me. No wait, don't stop", "You never stop", "too many messages", "can I unsubscribe later?",
    "אל תשלחו לי הודעות בשבת", "נמאס לי", "לא מעוניין בהצעה", "יותר מדי הודעות", "אל תתקשרו",
    "nu-mi trimiteți mesaje noaptea", "nu mă sunați", "nu sunt interesat", "prea multe mesaje", "număr greșit",
    "cancel my subscription to these messages", "cancel our subscription for texts",
    "cancel my subscription to all of your marketing messages", "cancel my subscription of the newsletter",
]  # fmt: skip


@pytest.mark.parametrize("text", NO)
def test_a_clear_no_is_an_opt_out(text):
    assert free_text.grade(text=text).grade is Grade.OPT_OUT


@pytest.mark.parametrize("text", NO_NO)
def test_what_is_no_no_changes_nothing(text):
    assert free_text.grade(text=text).grade is Grade.NONE


@pytest.mark.parametrize("text", FOR_A_PERSON)
def test_what_may_be_a_no_is_for_a_person(text):
    assert free_text.grade(text=text).grade is Grade.UNSURE


def test_the_rule_is_named_and_holds_nothing_of_what_was_written():
    answer = free_text.grade(text="Hi, this is Dana Levi, 4580 1234: please stop texting me")
    assert answer == free_text.Answer(Grade.OPT_OUT, "en.stop_sending")


def test_a_mails_own_words_end_where_it_quotes_us():
    mail = "Thanks, call me.\n\nOn Mon, 2 Mar 2026 at 10:00 Acme wrote:\n> Unsubscribe: https://example.com"
    assert free_text.own_words(mail=mail) == "Thanks, call me."
    assert free_text.grade(text=free_text.own_words(mail=mail)).grade is Grade.NONE


@pytest.mark.parametrize(
    "mail", ["Stop texting me\n-- \nDana", "Stop texting me\n> old", "Stop texting me\nPe 2 mar. a scris:"]
)
def test_a_no_above_the_quotation_counts(mail):
    assert free_text.own_words(mail=mail) == "Stop texting me"


@given(st.text(max_size=300))
def test_no_text_breaks_it(text):
    assert free_text.grade(text=text).grade in Grade


@pytest.mark.parametrize("text", ["do not " * 400, "stop " * 400, "לא " * 800, "nu mai " * 300, "dont want to " * 100])
def test_no_text_keeps_it_busy(text):
    started = time.perf_counter()
    free_text.grade(text=text * 50)
    assert time.perf_counter() - started < 1
