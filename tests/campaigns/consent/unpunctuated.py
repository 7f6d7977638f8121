"""Replies put together from a refusal and what ends it, as people type: without commas, accents or apostrophes.

A pair of `REFUSALS` and `ENDS` is a no, joined by one of `JOINTS` and written in one of `MANNERS`. Each of `DENIALS` is
none, each of `HARMLESS` nothing that may take somebody off the list by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

JOINTS = (" ", ", ", ". ", " - ", "\n", "... ", " !! ")

REFUSALS = {
    "en": (
        "not interested", "I'm not interested", "we are not interested", "really not interested", "never interested",
        "no longer interested", "not interested in this", "not interested at all", "do not want", "I don't want this",
        "don't want these", "don't need it", "do not need", "no need", "don't like it", "never again",
        "never asked for this", "I didn't ask for these", "did not sign up for this", "I do not know you",
        "not me", "no thanks", "no thank you", "no", "nope", "not now", "wont buy", "not for me", "don't care",
        "i dont have time", "you have the wrong number", "nobody asked", "we never signed up", "I will not buy",
        "doesn't interest me", "isn't for me", "it would not help us", "no reason to buy", "not going to buy it",
        "you never listen", "no more", "I haven't asked", "I said no",
    ),
    "he": (
        "לא מעוניין", "לא מעוניינת", "לא מעוניינים", "אני לא מעוניין", "אנחנו לא מעוניינים", "לא רוצה", "לא רוצים",
        "אני לא רוצה את זה", "לא רלוונטי", "לא תודה", "לא, תודה", "אין לי עניין", "אין צורך", "לא צריך", "לא צריכה",
        "לא בשבילי", "לא נרשמתי", "מעולם לא נרשמתי", "לא ביקשתי את זה", "אני לא מכיר אתכם", "אינני מעוניין",
        "איני מעוניינת", "בלי פרסומות", "לא עוד", "לא מתאים", "לא אקנה", "אין לי זמן", "זה לא אני", "טעות במספר",
        "לא מעניין אותי", "אל תתקשרו", "לא ולא",
    ),
    "ro": (
        "nu vreau", "nu mai vreau", "nu doresc", "nu mai doresc", "nu dorim", "nu sunt interesat",
        "nu sunt interesată",
        "nu suntem interesați", "nu mă interesează", "nu ma mai interesează", "nu e nevoie", "nu este nevoie",
        "nu am nevoie", "nu, mulțumesc", "nu mulțumesc", "nu am cerut asta", "nu am cerut", "nu m-am înscris",
        "nu vă cunosc",
        "nu îmi place", "nu îmi trebuie", "nu mai vreau asta", "nu acum", "nu e pentru mine", "nu cumpăr",
        "nu am timp",
        "nu vreau nimic", "nici nu mă gândesc", "niciodată", "nu vrem", "nu e cazul", "nu mi-am dat acordul",
    ),
}  # fmt: skip

ENDS = {
    "en": (
        "stop", "STOP", "stop texting", "stop texting me", "stop sending", "stop these messages", "stop it", "quit",
        "unsubscribe", "unsubscribe me", "remove me", "take me off your list", "take me off", "opt me out", "opt out",
        "delete my number", "cancel", "stop please", "please remove my number", "cease contacting me",
        "Stopp texting me",
        "just stop", "drop me", "leave the list", "get me off this list",
        "I want to unsubscribe", "I want you to stop", "want to be removed", "you should stop", "I told you to stop",
        "please let me unsubscribe", "you need to stop", "unsubscribing", "I would like to opt out",
    ),
    "he": (
        "תפסיקו", "תפסיקו לשלוח", "תפסיק לשלוח לי", "להפסיק", "להפסיק לשלוח", "הסר", "הסירו", "הסירו אותי", "להסיר",
        "להסיר אותי", "להסיר אותי מהרשימה", "תסירו", "תסירו אותי", "תסירו אותי בבקשה", "נא להסיר", "להסרה",
        "מבקש הסרה", "אבקש שתסירו אותי", "תמחקו אותי", "תוציאו אותי מהרשימה", "להוריד אותי", "למחוק אותי",
        "תורידו אותי", "די להציק", "אני רוצה להסיר את עצמי", "אני מבקש שתפסיקו",
    ),
    "ro": (
        "stop", "STOP", "opriți", "opriti mesajele", "vă rog opriți", "opriți-vă", "încetați", "incetati cu mesajele",
        "dezabonare", "dezabonați-mă", "mă dezabonez", "vreau să mă dezabonez", "ștergeți-mă", "ștergeți numărul meu",
        "scoateți-mă din listă", "scoateti-ma", "eliminați-mă", "vă rog să mă ștergeți din bază",
        "va rog sa ma scoateti din lista", "stop sms", "opriti trimiterea", "lăsați-mă în pace", "anulare", "renunț",
    ),
}  # fmt: skip


def _plain(text: str) -> str:
    for marks in ("ăa", "âa", "îi", "șs", "țt", "ĂA", "ÎI", "ȘS", "ȚT"):
        text = text.replace(marks[0], marks[1])
    return text.replace("'", "").replace("-", " ")


MANNERS: dict[str, tuple[Callable[[str], str], ...]] = {
    "en": (
        str, _plain, str.upper, lambda text: _plain(text).upper(), lambda text: text.replace("'", "’"),
        lambda text: f"Hi, {text} thanks", lambda text: f"{text} 🙏", lambda text: f"{text}!!!",
        lambda text: f"Hello guys {text} now", lambda text: text.replace("not", "nt"),
    ),
    "he": (
        str, lambda text: f"{text} בבקשה", lambda text: f"שלום {text} תודה", lambda text: f"{text} 🙏",
        lambda text: f"{text}!!!", lambda text: text.replace("ו ", "וו "), lambda text: f"היי, {text}",
    ),
    "ro": (
        str, _plain, str.upper, lambda text: _plain(text).upper(), lambda text: f"Bună, {text} mulțumesc",
        lambda text: f"{_plain(text)} va rog", lambda text: f"{text} 🙏", lambda text: f"{text}!!!",
    ),
}  # fmt: skip

DENIALS = {
    "en": (
        "don't stop", "please don't stop", "dont stop texting me", "please don't unsubscribe me", "do not remove me",
        "never stop", "I don't want to unsubscribe", "I don't want you to stop", "we do not wish to opt out",
        "not interested in unsubscribing", "I'm not interested in opting out", "I'm not going to unsubscribe",
        "nobody asked you to stop", "no need to remove me", "you should not stop", "I can't stop smiling",
        "don't ever stop", "I never said you should stop", "we won't cancel", "I haven't asked you to stop",
        "I'm interested, don't remove me", "I am interested don't remove me", "not asking to be removed",
        "no need for you to stop", "I wouldn't want your mails to stop",
        "I don't want to have to unsubscribe",
    ),
    "he": (
        "אל תפסיקו", "אל תסירו אותי", "בבקשה אל תפסיקו לשלוח", "לא להסיר אותי", "לא להפסיק", "לא רוצה שתפסיקו",
        "לא ביקשתי להסיר", "לא התכוונתי להסיר", "אני מעוניין, אל תסירו אותי", "אין סיבה להפסיק", "לא רוצה להתנתק",
        "אני לא רוצה להסיר את עצמי", "לא מעוניין שתסירו אותי", "תמשיכו לשלוח",
    ),
    "ro": (
        "nu opriți", "nu vă opriți", "nu mă dezabonați", "nu mă ștergeți", "nu vreau să mă dezabonez",
        "nu doresc să opriți", "nu e nevoie să opriți", "sunt interesat, nu mă ștergeți",
        "nu am cerut să mă ștergeți",
        "nu am cerut dezabonarea", "aș vrea să nu mă ștergeți", "nu voi renunța", "continuați să trimiteți",
    ),
}  # fmt: skip

HARMLESS = {
    "en": (
        *DENIALS["en"], "stop by on Monday", "stop by our booth", "how do I stop the trial",
        "how do I stop the trial?",
        "How can I cancel the trial?", "thanks", "Thanks a lot!", "OK",
        "not interested in the pro plan, but the team plan",
        "where is the stop button", "Does the trial stop by itself?", "I want to remove a user from our account",
        "remove Dan from the project", "can you take me off the premium plan", "you shouldn't stop sending these",
        "dnt stop sending these", "donot unsubscribe me", "don t remove me", "I wouldn't stop texting if I were you",
        "please don't ever take me off the list", "the app doesn't stop crashing", "our bus stop is near",
        "what happens when I stop paying?", "can I stop my subscription next month?",
        "I am not opting out of the beta",
        "without your mails we would stop using it", "Isn't it time to remove the old plan?", "when does it end",
        "yes", "call me", "who are you?", "what is the price", "I'd never unsubscribe from you", "👍", "🙏",
    ),
    "he": (
        *DENIALS["he"], "תודה", "תודה רבה!", "איך מפסיקים את הניסיון?", "מתי הניסיון מסתיים?", "כמה זה עולה?",
        "אני מעוניין", "תתקשרו אליי", "איך מבטלים את המנוי?", "איך מסירים משתמש מהחשבון?", "לא הבנתי", "לא עכשיו",
        "אל תורידו לי את המחיר", "אפשר להפסיק את התקופה?", "אין בעיה", "לא קיבלתי חשבונית",
    ),
    "ro": (
        *DENIALS["ro"], "mulțumesc", "cum opresc perioada de probă?", "când se oprește perioada de probă?",
        "cât costă?",
        "sunt interesat", "sunați-mă", "vreau să scoateți factura", "va rog sa ma scoateti din planul premium",
        "cum șterg un utilizator?", "nu am primit factura", "nu acum", "ne oprim aici pentru azi", "ok",
        "vreau o ofertă", "puteți șterge un cont de test?",
    ),
}  # fmt: skip

COMPLAINTS = (
    "do not sell my data remove me", "no longer a customer remove me", "not going to upgrade stop asking",
    "I don't want to be on this list remove me", "never wanted to join stop", "did not ask you to text me stop",
    "not interested in upgrading stop sending", "can't afford it stop asking", "won't renew remove me from the list",
    "do not like to be spammed stop", "don't opt me in opt me out", "never unsubscribed me", "dont wanna stop by stop",
    "לא ביקשתי להצטרף להסיר אותי", "לא רוצה לקנות תפסיקו", "אל תתקשרו תסירו", "אני לא לקוח שלכם להסיר",
    "nu am cerut sa primesc opriti", "nu doresc să fiu sunat scoateți-mă", "nu mai trimiteti stop",
    "nu e numarul meu opriti",
    "can't you stop", "cant you just stop?", "won't you stop", "don't you ever stop", "do you never stop",
    "it doesn't stop", "these messages don't stop", "they never stop", "you keep texting me", "you did not remove me",
    "I was never removed", "why was I not removed", "I have not been unsubscribed", "you still haven't removed me",
    "I can't stop these messages", "I cant get off this list", "cannot cancel", "I can't stop getting your texts",
    "keep sending and I will report you", "don't keep texting me", "I want to get no more emails",
    "I wish to receive no more messages", "I want no more messages coming to me", "no more emails coming to me please",
    "don't stop me from leaving remove me", "don't stop texting my boss, stop texting me",
    "אל תמשיכו לשלוח", "לא מעוניין מבקש שתסירו אותי", "לא תודה להסיר", "לא מעוניינים להסיר", "אם תמשיכו לשלוח אתלונן",
    "nu continuați să trimiteți", "vreau să nu mai primesc mesaje", "vreau sa nu mai primesc", "nu vreau ma dezabonez",
    "nu m-ați șters", "nu m-ati dezabonat", "nu vă mai opriți odată", "doresc ștergerea din baza de date",
    "nu ștergeți-mă", "nu opriți-vă", "nu dezabonare", "I shouldn't have to tell you to stop", "לא הסירו אותי",
    "anulați abonarea", "va rog sa ma stergeti din baza", "va rog sa ma scoateti din lista", "nu vreau dezabonare",
)  # fmt: skip


def noes(language: str) -> Iterator[str]:
    """Every refusal with every other end, the joints and the manners in turn; half of them with nothing between."""
    manners = MANNERS[language]
    pairs = [
        (refusal, end)
        for row, refusal in enumerate(REFUSALS[language])
        for column, end in enumerate(ENDS[language])
        if (row + column) % 2
    ]
    for number, (refusal, end) in enumerate(pairs):
        joint = JOINTS[number // 2 % len(JOINTS)] if number % 2 else " "
        yield manners[number % len(manners)](f"{refusal}{joint}{end}")
