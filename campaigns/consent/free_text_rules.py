"""How people say in their own words that they want no more, in English, Hebrew and Romanian.

Each rule is matched against one clause: lower case, without accents, vowel points, apostrophes and punctuation. Rules
are named, because the name is what is kept as evidence in place of what was written.
"""

from __future__ import annotations

import re

type Rules = tuple[tuple[str, re.Pattern[str]], ...]


def named(**patterns: str) -> Rules:
    """Rules by their names: `en_stop_it` is kept as `en.stop_it`."""
    return tuple((name.replace("_", ".", 1), re.compile(pattern)) for name, pattern in patterns.items())


# What somebody can be in, or out of, that is none of our messages.
_EN_OTHERS = (
    r"(?! (?:of|from) (?:the |my |our |this |your |a )?(?:\w+ )?(?:account|plan|workspace|team|project|trial"
    r"|org\w*|billing"
    r"|sso|beta|renewal|auto ?renew\w*|contract|subscription|feature|call|meeting|invoice)\b)"
)
_EN_OFF_OTHERS = r"(?! (?:the |my |our |this )?(?:\w+ )?(?:plan|account|trial|team|project|call|meeting)\b)"
# What comes to the phone or into the mailbox, and the verbs of bringing it there.
_EN_THINGS = r"(?:texts?|messages?|msgs?|messaging|e ?mails?|mails?|sms|smses|spam|ads|adverts?|promos?|promotions?)"
_EN_DOING = r"(?:texting|messaging|sending|contacting|e ?mailing|mailing|spamming|writing|bothering|harassing|smsing)"
_EN_DO = r"(?:text|message|contact|e ?mail|write(?: to)?|spam|bother|harass|sms|msg)"
_EN_STOPPING = r"(?:stop|quit|cease)"
_EN_NOT = (
    r"(?:dont|dnt|do not|donot|don t|never|wont|will not|wouldnt|would not|shouldnt|should not|mustnt|must not|neednt"
    r"|need not|didnt|did not|havent|have not|hadnt|had not)"
)
_EN_NO = rf"(?:{_EN_NOT}|no longer|not|isnt|arent|aint|wasnt|doesnt|does not|nobody|no one|cant imagine|cannot imagine)"
# What makes of the verb of ending the thing that is not wished: a verb with what it is said of and a "to". Without it a
# refusal and an end are two sentences of somebody who writes no commas: "not interested stop texting".
_EN_TO = (
    r"(?:(?:want|wants|wanted|wish|need|ask|asked|asking|tell|told|mean|meant|have|like|think|planning|going|trying"
    r"|looking|intend|intending|plan|interested|about|wanting|expect|willing|ready|mind|care) )?"
    r"(?:(?:for|you|u|them|me|us|it|that|this|these|those|guys|anybody|anyone|your \w+|the \w+|at all|really) ){0,3}to "
    r"(?:(?:ever|be|just|have|get|do|even|actually|accidentally) ){0,3}"
)
_EN_SAYING = r"(?:think|thought|say|said|saying|mean|meant|suggest|suggested|suggesting|feel|believe)"
_EN_ADVERB = r"(?:(?:ever|even|just|really|yet|at all|actually|you|u) )"
_EN_END = (
    r"(?:stop(?:ped|ping)?|quit|cease|unsubscrib\w*|remov(?:e|ed|ing)|opt(?:ing)?(?: me| us)? out|cancel(?:led|ling)?"
    r"|tak(?:e|ing|en) (?:me |us |my \w+ )?(?:off|out)|(?:get|got|come|go|be) (?:off|out of|taken off|removed)"
    r"|delete (?:me|us)|drop me|leave (?:the|your|this) list|off (?:the|your|this) list)"
)
# Before these words they mean the opposite: "you keep texting", "I want to get no more mails".
_EN_NO_KEEPING = (
    r"(?<!you )(?<!u )(?<!they )(?<!dont )(?<!not )(?<!never )(?<!and )(?<!why )(?<!people )(?<!to )(?<!wont )"
)
_EN_NO_WISHING = r"(?<!to )(?<!want )(?<!please )(?<!prefer )(?<!let me )(?<!sure i )(?<!sure we )(?<!sure )(?<!said )"
_EN_ENDING = r"(?:stopping|quitting|ceasing|unsubscribing|removing|leaving|opting(?: me| us)? out|cancell?ing)"
_EN_END_NOW = (
    r"(?:stop|quit|cease|unsubscribe|remove|opt(?: me| us)? out|cancel|take (?:me|us|my \w+) (?:off|out)|get off"
    r"|delete (?:me|us)|drop me|leave (?:the|your|this) list)"
)
_HE_THINGS = r"(?:ה?הודעו?ת|ה?סמסים|סמס|sms|ה?מסרונים|ה?מיילים|מייל|ה?פרסומות|ה?פרסומים|ה?דיוור|ה?ספאם|ה?הצעות)"
_HE_SEND = r"(?:לשלוח|לסמס|לכתוב|להציק|להטריד|לפנות|להספים|לשגע|לחפור|עם זה|את זה)"
_RO_THINGS = (
    r"(?:mesaj\w*|sms\w*|mailuri\w*|mail|emailuri\w*|e ?mail\w*|reclam\w*|notificari\w*|spam\w*|oferte\w*|promotii\w*"
    r"|newsletter\w*)"
)
_HE_TO_END = r"(?:להפסיק|להסיר|להתנתק|להוריד|להוציא|למחוק|לצאת מה\w+|לבטל)(?! (?:לי )?(?:הודעות|מיילים) בלי)"
_RO_CLITIC = r"ma|va|ne|te|se|o|imi|mi|iti|ti|i|le|mai"
_RO_WISH = r"vreau|vrem|doresc|dorim|vrea|dori|vrut|dorit|trebuie|cerut|cer|intentionez|intentionam|spus|zis|planuiesc"
_RO_END = (
    r"(?!(?:dezabonare|anulare|stergere|oprire)\b)(?:opri\w*|incet\w*|dezabon\w*|sterg\w*|sters\w*|renunt\w*|scoat\w*|scot\w*|scos\w*"
    r"|elimin\w*|anul\w*)\b"
)
_RO_OTHERS = (
    r"(?! (?:din|de pe|de la) (?:acest |noul )?(?:plan|cont|proiect|echip|abonament|sedint|apel|factur|workspace|oferta"
    r"|contract|intalnir)\w*)"
)
_RO_SEND = r"(?:trimite|trimiteti|trimit[ae]ti|scrie|scrieti|trimis)"

# Somebody says what they do not wish, and that is the end of it: "I don't want to unsubscribe". Looked for first.
NO_WISH = named(
    en_no_wish=rf"\b{_EN_NO} {_EN_ADVERB}{{0,3}}(?:{_EN_TO}){{1,3}}{_EN_END}\b",
    en_no_wish_of=rf"\b{_EN_NO} (?:(?:interested|thinking|planning|considering|keen|talking|asking|think"
    rf"|plan) (?:in|of|about|on|for) )?{_EN_ENDING}\b",
    en_no_need=rf"\bno (?:need|reason|point) (?:(?:for|you|u|me|us|it|them|the \w+|your \w+|at all) ){{0,3}}to "
    rf"(?:(?:ever|be|just|have|get|do|even) ){{0,3}}{_EN_END}\b"
    rf"|\bno (?:need|reason|point) (?:for|of|in) {_EN_ENDING}\b",
    en_said_should=rf"\b{_EN_NO} {_EN_ADVERB}?{_EN_SAYING} (?:that )?(?:(?:you|u|it|this|these|they|the \w+"
    rf"|your \w+) )?(?:should|would|must) {_EN_END}\b",
    en_not_to_end=r"\b(?:dont|do not|never|not|didnt|did not|wouldnt|would not) (?:want|wish|like|need|ask for"
    r"|expect) (?:(?!(?:i|we|want|wish|please|pls|so|just|ask|asked|need|tell|told|but|now"
    r"|like|have|ought|time|you)\b)\w+ ){1,5}to (?:stop|end|cease|be stopped|be removed)\b",
    # The infinitive of ending is also the customary word for it, "להסיר": after what is a refusal by itself ("לא רוצה",
    # "לא מעוניין", "אין צורך") it may be a second sentence.
    he_lo_sium=rf"\b(?:לא|בלי) {_HE_TO_END}",
    he_lo_lehitnatek=r"\b(?:לא|אינ\w+|אין) (?:(?:רוצ\w+|רצי\w+|מתכוונ\w+|צורך|סיבה) )?(?:להתנתק|לצאת מה\w+)"
    r"|\b(?:לא|אינ\w+|אין) (?:(?:רוצ\w+|רצי\w+|מעוניי?נ?\w*|צורך|סיבה|צריכ?\w*) )?(?:להסיר|להוריד|למחוק|להוציא)"
    r" את עצמ\w+",
    he_lo_bikashti=rf"\b(?:לא|אינ\w+|אין|בלי) (?:ביקש\w*|התכוו\w*|מתכוו\w*|תכננ\w*|מתכננ\w*|חשב\w*|חושב\w*|רציתי"
    rf"|רצינו|סיבה|כוונה|כדאי) {_HE_TO_END}",
    he_lo_rotze_sh=r"\b(?:לא|אינ\w+|אין) (?:רוצ\w+|רצי\w+|מעוניי?נ?\w*|ביקש\w*|מבקש\w*|אמר\w*|התכוו\w*|צריך|צריכ\w+"
    r"|צורך|סיבה|חושב\w*) (?:בכלל |ממש )?ש(?:אתם |את )?ת(?:פסיק|סיר|וריד|מחק|נתק|וציא)\w*",
    ro_nu_vreau_sa=rf"\bnu (?:(?:{_RO_CLITIC}|as|am|a|ati|e|este|are|ar|avem) ){{0,4}}(?:(?:{_RO_WISH}) )?"
    rf"(?:(?:de|rost|niciun|motiv|motive|nevoie|cazul|gand|sens|intentia) ){{0,3}}sa (?:(?:{_RO_CLITIC}) )*{_RO_END}",
    ro_nu_vreau_sfarsit=r"\bnu (?:(?:am|as|a|ati|mai) )*(?:vreau|vrem|doresc|dorim|dori|vrut|dorit|cerut|cer) "
    r"(?:dezabonarea|oprirea|stergerea|anularea|eliminarea)\b",
)

# A no that is said not to be one: "do not stop".
NEGATED = named(
    en_dont_stop=rf"\b{_EN_NOT} (?:(?:ever|even|you|u|just|really) )*{_EN_END_NOW}\b",
    en_never_did=r"\b(?:i|we) (?:(?:have|had|really) )*(?:never|not) (?:unsubscribed|opted out|stopped|cancelled)\b",
    en_cannot_stop=r"\b(?:cant|cannot) stop (?!(?:get|receiv|be|see|hear|recei)\w*ing\b)\w+ing\b",
    en_keep_going=rf"{_EN_NO_KEEPING}\bkeep (?:(?:them|it|the \w+|on|your \w+) (?:coming|going)"
    r"|(?:texting|messaging|sending|e ?mailing))\b",
    en_lack=rf"{_EN_NO_WISHING}\b(?:get|got|gets|getting|receive|received|receiving|see|seen|saw|have|had"
    rf"|find|found|there (?:are|were|is)) (?:\w+ )?no (?:more )?(?:\w+ )?{_EN_THINGS}\b"
    rf"|{_EN_NO_WISHING}\bno (?:more )?(?:\w+ )?{_EN_THINGS} (?:\w+ ){{0,4}}(?:was|were|came|comes|arrive\w*|received"
    r"|reach\w*|have been|has been)\b",
    he_al_tafsiku=r"\bאל (?:נא |בבקשה |רק )?ת(?:פסיק|סיר|מחק|חדל|וריד|וציא|נתק|בטל|עצר)\w*",
    he_tamshichu=r"(?<!אל )(?<!אם )\bתמשיכ\w* (?:לשלוח|לכתוב|לסמס)",
    he_lack=rf"\bלא (?:קיבל\w*|מקבל\w*|הגיע\w*|מגיע\w*|ראי\w*) (?:\w+ )?(?:עוד |יותר )?{_HE_THINGS}",
    ro_nu_opriti=rf"\bnu (?:(?:{_RO_CLITIC}|vom|voi|vei|veti|as|am) )*?(?<!mai ){_RO_END}"
    r"(?! (?:ma|ne|va(?! rog))\b)",
    ro_continuati=r"(?<!nu )(?<!nu mai )\bcontinuati? sa (?:imi |mi |ne )?(?:trimit\w*|scri\w*)",
    ro_lack=rf"(?<!sa )\bnu (?:am |a |au )?(?:mai )?(?:primesc|primim|primit|venit|vin|ajuns"
    rf"|ajung) (?:\w+ ){{0,2}}{_RO_THINGS}",
)

# With a denial in their words, and yet a no: "if you don't stop I'll report you". Looked for before all denials.
INSISTING = named(
    en_if_you_dont=r"\b(?:if|unless|until|why) (?:\w+ ){0,2}(?:dont|do not|wont|will not|cant|not) (?:\w+ ){0,2}stop\b",
    en_why_wont=r"\bwhy (?:dont|wont|cant|do|will) (?:\w+ ){0,2}(?:not )?stop\b",
    he_im_lo=r"\bאם לא תפסיק\w*|\bלמה (?:אתם )?(?:לא|אינכם) מפסיקים",
    he_lo_matzliach=r"\b(?:לא (?:מצליח\w*|יכול\w*|יודע\w*|ניתן|אפשר)|איך|כיצד) (?:\w+ ){0,2}"
    r"(?:להתנתק|מתנתקים|לצאת מהרשימה"
    r"|(?:להסיר|מסירים)(?= (?:אותי|אותנו|את עצמ\w+|את המספר|את זה|מהרשימה|מהתפוצה|מפה|מכאן|בבקשה|תודה)|$))",
    ro_daca_nu=r"\b(?:daca|de ce) nu (?:va |te )?(?:opri\w*|incet\w*)",
    ro_nu_pot=r"\b(?:nu (?:ma )?(?:pot|putem|reusesc|stiu)|cum) (?:\w+ ){0,3}dezabon\w*",
)

# Nothing else can be meant by who looks for the way out, or has asked before.
SEARCHING = named(
    en_cannot_unsubscribe=r"\b(?:cant|cannot|could not|couldnt|unable to|not able to|trying to|tried to|how (?:do|can) "
    r"(?:i|we|you)|(?:(?:dont know|do not know|no idea) )?how to) (?:\w+ ){0,1}(?:unsubscribe|opt out|get off"
    r"|be removed)\b" + _EN_OTHERS,
    en_how_to_stop=rf"\bhow (?:do|can) (?:i|we) (?:\w+ )?stop (?:\w+ )?(?:\w+ )?(?:{_EN_THINGS}|{_EN_DOING})\b",
    en_said_so=r"\b(?:told|asked|begged|texted|replied|wrote|said) (?:you |u |them )?(?:\w+ )?(?:to )?stop\b",
)

# A clear no.
CLEAR = named(
    en_wants_out=r"\b(?:want|wish|like|love|need|going|intend|prefer) to (?:be )?(?:\w+ )?(?:unsubscribed?"
    r"|opt(?:ed)? out"
    r"|get off|be removed|removed|be taken off|taken off)\b"
    + _EN_OTHERS,
    en_wants_stop=r"\b(?:want|need) (?:you |this |these |it |them |all of this |all this )(?:to )?(?:stop|end|stopped)$"
    r"|\bmake (?:it|this|these|them) stop\b|\b(?:want|wish) (?:to )?(?:stop|end) (?:this|these|it|all \w+)$",
    en_stop_these=r"\bstop (?:these|those|them|this|it|that|all (?:of )?(?:these|those|them|this|it"
    r"|that))(?: please| pls"
    r"| thanks| thank you)*$|(?:(?<=please )|(?<=pls )|(?<=plz ))stop$",
    en_can_you_stop=r"^(?:can|could|will|would) (?:you|u) (?:all |guys )?(?:please |pls |just )?stop$",
    en_stop_sending=rf"\b{_EN_STOPPING} (?:\w+ ){{0,2}}{_EN_DOING}\b",
    en_stop_messages=rf"\bstop (?:with )?(?:all |the |these |those |this |your |any |my |sending |damn "
    rf"|stupid )*{_EN_THINGS}\b",
    en_stop_it=r"^(?:\w+ )?(?:stop (?:it|this|that|already|now|immediately|at once|right now)|just stop|stop stop)\b",
    en_do_not_keep=rf"\b(?:dont|do not|never) (?:you )?keep {_EN_DOING}\b",
    en_do_not_text=rf"\b(?:dont|do not|never|please not) (?:ever )?{_EN_DO} (?:me|us|this number|my (?:phone"
    rf"|number))\b",
    en_do_not_send=r"\b(?:dont|do not|never) (?:ever )?send (?:me |us )?(?:any |these |those |this |more |your "
    r"|anymore )*"
    rf"(?:{_EN_THINGS}|any ?more|anything|anymore|again|stuff)\b",
    en_no_more=rf"\bno more (?:\w+ )?{_EN_THINGS}\b|\bno (?:{_EN_THINGS}) (?:please|any ?more)\b",
    en_do_not_want=rf"\b(?:dont|do not|no longer|not|never) (?:want|wish|like|care) (?:to )?(?:\w+ ){{0,3}}"
    rf"(?:(?!promo){_EN_THINGS}|hear(?:ing)? from|be contacted|being contacted)\b",
    en_not_receive=rf"\b(?:dont|do not|no longer|never) (?:want|wish|like|care|agree) to (?:receive|get|see|have) "
    rf"(?:\w+ ){{0,3}}{_EN_THINGS}\b",
    en_remove_me=r"\b(?:remove|delete|erase|unsubscribe) (?:me|us|my (?:number|phone|name|e ?mail|address"
    r"|contact|details)"
    r"|this (?:number|phone|address))\b" + _EN_OTHERS,
    en_take_me_off=r"\btake (?:me|us|my (?:number|name|e ?mail)|this number) (?:off|out)\b"
    + _EN_OFF_OTHERS
    + r"|\bget me off\b",
    en_opt_out=r"\bopt(?:ing)? (?:me |us )?out\b" + _EN_OTHERS,
    en_leave_alone=r"\bleave (?:me|us) alone\b|\blose (?:my|this) number\b|\b(?:fuck|piss|bugger|sod|eff"
    r"|f) off\b|^go away\b"
    r"|\bget lost\b",
    en_consent=r"\b(?:revoke|withdraw|withdrawing|revoking|rescind) (?:\w+ ){0,3}consent\b"
    r"|\bconsent (?:is )?(?:revoked|withdrawn)\b",
    en_unsubscribe_please=r"^(?:please )?unsubscribe\b",
    he_tafsiku_lishloach=rf"\b(?:תפסיק\w*|הפסיק\w*|להפסיק|תחדל\w*|חדלו|די|מספיק) (?:כבר |בבקשה |נא |עם |את )*"
    rf"(?:{_HE_SEND}|{_HE_THINGS})",
    he_hasiru_oti=r"\b(?:תסיר\w*|הסר\w*|הסירו|הסירי|להסיר|תמחק\w*|מחקו|תוציא\w*|הוציאו|תוריד\w*|הורידו) (?:\w+ ){0,2}"
    r"(?:אותי|אותנו|ה?מספר\w*|ה?טלפון\w*|מהרשימה|מרשימת|מהתפוצה|השם שלי)",
    he_rotze_latzet=r"\b(?:רוצה|רוצים|מבקש\w*|אבקש|מעוניין|מעוניינת|אשמח) (?:\w+ )?(?:להסיר את עצמי|להסיר אותי|להתנתק"
    r"|לצאת מהרשימה|לצאת מרשימת|שתפסיק\w* לשלוח|שתסיר\w* אותי|שתוריד\w* אותי|להפסיק לקבל|הסרה)",
    he_lo_meunyan=r"^(?:אני |אנחנו |ממש |כבר )*לא (?:מעוניי?ן|מעוניי?נת|מעוניי?נים)(?: יותר| עוד| תודה| לקבל)*$"
    r"|^(?:אני |כבר |ממש )*לא רוצ(?:ה|ים) (?:יותר|את זה יותר|עוד)$",
    he_lo_rotze=rf"\bלא (?:רוצה|רוצים|מעוניי?ן|מעוניי?נת|מעוניי?נים|מבקש\w*|מסכים|מסכימה|מסכימים) (?:לקבל |את "
    rf"|יותר |עוד |מכם )*"
    rf"(?:{_HE_THINGS}|שתשלח\w*|שתכתב\w*|מכם|דבר מכם)",
    he_lo_rotze_lekabel=r"\bלא (?:רוצה|רוצים|מעוניי?ן|מעוניי?נת|מעוניי?נים) (?:יותר )?לקבל(?: יותר| כלום| מכם)?$",
    he_al_tishlechu=rf"\bאל ת(?:שלח|כתב|סמס|פנ|טריד|ציק)\w*(?: לי| לנו| אלי| אליי)*(?: יותר| עוד| כלום| את)*"
    rf"(?: {_HE_THINGS})?"
    r"(?: בבקשה| לעולם| יותר)*$",
    he_hasara=r"\b(?:מבקש\w*|אבקש|נא|בבקשה|לבקשת) (?:\w+ )?(?:הסרה|להסיר|להפסיק|הסירו)\b",
    he_haskama=r"\b(?:מבטל\w*|מושכ\w*|מושך|חוזר\w* בי) (?:את )?\w{0,2}הסכמתי\b",
    he_izvu=r"\b(?:עזבו|תעזבו|עזוב|תעזוב|עזבי) (?:כבר )?אותי|\bרדו? ממני|\bתניחו לי|\bתנו לי מנוחה",
    he_lo_od=rf"\b(?:לא|בלי) (?:עוד |יותר ){_HE_THINGS}|^בלי {_HE_THINGS}(?: יותר| בבקשה)*$",
    ro_vreau_afara=r"\b(?:vreau|doresc|as vrea|as dori|vrem|dorim|rog) (?:\w+ ){0,3}(?:dezabon\w*|fiu sters\w*"
    r"|fiu scos\w*|ies din lista)",
    ro_nu_mai_vreau_gol=r"^(?:eu |chiar |deja )*(?:nu mai (?:vreau|vrem|doresc|dorim)|nu ma mai intereseaza)"
    r"(?: nimic| deloc| asa ceva)?$",
    ro_nu_mai_vreau=rf"\bnu (?:mai )?(?:vreau|doresc|dorim|vrem|as vrea|accept) (?:sa )?(?:mai )?(?:primesc |primim )?"
    rf"(?:\w+ ){{0,2}}{_RO_THINGS}",
    ro_nu_vreau_sa_primesc=r"\bnu (?:mai )?(?:vreau|doresc|vrem|dorim) (?:sa )?(?:mai )?(?:primesc|primim"
    r"|fiu contactat\w*)"
    r"(?: nimic.*| de la.*)?$",
    ro_nu_mai_trimiteti=rf"\bnu (?:imi |ne |mi |ma )?(?:mai )?{_RO_SEND}(?: ti)?(?: mi)?(?: nimic| {_RO_THINGS}|"
    rf" (?:\w+ ){{0,2}}{_RO_THINGS})",
    ro_nu_mai_trimiteti_gol=r"\bnu (?:imi |ne |mi )?mai (?:trimite|trimiteti|scrie|scrieti)$",
    ro_nu_ma_mai=r"\bnu (?:ma|ne) (?:mai )?(?:contacta\w*|deranja\w*|hartui\w*)",
    ro_opriti=rf"\b(?:opriti|opreste|incetati|inceteaza|terminati|termina|gata|destul|ajunge|stop) (?:cu |va "
    rf"|sa |odata |mi |imi )*"
    rf"(?:{_RO_THINGS}|(?:mai )?trimit\w*|trimiterea)",
    ro_opriti_va=r"^(?:opriti va|incetati|opreste te|terminati odata)$",
    ro_dezabonati=r"\bdezabon(?:ati|eaza|are|area)\b|\bdezabonez\b",
    ro_scoateti=r"\b(?:scoate|scoateti|sterge|stergeti|elimina|eliminati) (?:ma|ne|numarul|numele|adresa)\b"
    + _RO_OTHERS,
    ro_sa_ma_scoateti=r"\bsa (?:ma|ne) (?:sterg|scoat|elimin)\w*\b" + _RO_OTHERS,
    ro_stergerea=r"\b(?:vreau|doresc|dorim|vrem|rog|cer|cerem|solicit|solicitam) (?:\w+ )?stergerea\b" + _RO_OTHERS,
    ro_sa_nu_mai=r"\bsa nu (?:(?:imi|mi|ne|ma|va) )*(?:mai )?(?:primesc|primim|trimit\w*|scri\w*|contact\w*|deranj\w*"
    r"|fiu contactat\w*|fim contactati)\b",
    ro_consimtamant=r"\b(?:imi|ne) retra(?:g|gem) (?:\w+ )?(?:consimtamantul|acordul)\b",
    ro_in_pace=r"\blasa(?:ti)? ma(?: in pace)?\b",
)  # fmt: skip

# Said of a time, a manner or a case: somebody has to read it.
CONDITION = re.compile(
    r"\b(?:before|after|until|unless|if|when|while|during|at night|at work|on (?:weekends?|\w+days?|shabbat)"
    r"|today|tonight"
    r"|tomorrow|so (?:late|early|often|much|many)|this (?:late|early)|later|between|except|twice|competitors?"
    r"|לפני|אחרי|בשבת|בלילה|היום|מחר|אם|עד|בשעה|בשעות|בסופי?|מאוחר|כל כך|חוץ|כש\w+"
    r"|inainte|dupa|pana|daca|noaptea|azi|maine|weekend|cand|seara|duminica|sambata|asa (?:des|tarziu|multe)"
    r"|in afara)\b"
)
# About them, but nobody can say what they mean.
HINT = named(
    en_about_stopping=r"\b(?:st{1,3}o{1,3}p{1,3}|stpo|leave (?:the|your|this) list|unsubscrib\w*"
    r"|opt(?:ed|ing)?(?: me| us)? out|remov(?:e|ed|al)|cancel|quit|cease"
    rf"|tak(?:e|en|ing) (?:me |us |my \w+ )(?:off|out)\b{_EN_OFF_OTHERS}"
    r"|off (?:your|this|the) list|delete (?:me|us|my (?:number|name))"
    r"|drop me|(?:you|u|they|to|dont|and) keep (?:texting|messaging|sending|e ?mailing|writing))\b",
    en_tired=r"\b(?:sick of|tired of|fed up|bored of|unwanted|unsolicited|how did you get|blocking|blocked you"
    r"|not again"
    r"|dont want (?:this|these|it|any|anymore|them)|do not want (?:this|these|it|any|anymore|them)|no longer want"
    r"|no longer interested)\b",
    en_annoyed=r"\b(?:spam|annoying|harassment|harassing|report you|lawyer|wrong number|not interested|who is this"
    r"|(?<!is it )(?<!is that )(?<!is this )enough(?! (?:for|to|storage|space|seats|users)\b)|do not call|dont call"
    r"|too many)\b",
    he_about_stopping=r"(?:תפסיק|להפסיק|הפסיק|הסר|הסיר|להסיר|תסיר|אתלונן|תוציא|להוציא|תורידו? אות|להוריד אות"
    r"|תמחק|למחוק אות|להתנתק|אל תמשיכ|אל תשלח|אל תתקשר|מספיק|נמאס|ספאם|מטריד|הטרדה|טעות במספר"
    r"|לא מעוניי|יותר מדי|לא רוצ(?:ה|ים)$|עזבו|תעזבו|די כבר|מאיפה יש לכם)",
    ro_about_stopping=r"\b(?:opri\w*|incet\w*|dezabon\w*|destul|(?<!cand )ajunge|spam|numar gresit|nu ma intereseaza"
    r"|prea multe|nu ma sunati|nu sunt interesat\w*|nu sunt interesant\w*|renunt\w*|stop|anulare|anulati|nu (?:imi |mi "
    r"|ne )?(?:mai )?trimit\w*|(?:ma|m|ne|n) (?:(?:mai|ati|ai) )*(?:sterg\w*|sters|scoat\w*|scos|elimin\w*)"
    r"|(?:sterg\w*|scoat\w*|elimin\w*|anul\w*) (?:\w+ ){0,3}(?:list\w+|baza|abonarea|numarul|datele)"
    r"|nu (?:mai )?continuati?|satul\w*|saturat|plictisit|enervant\w*|de unde aveti|nu mai vreau)\b",
)
# "You don't stop", "can't you stop", "I was never removed": a no by its sense, not by its words.
COMPLAINT = re.compile(
    r"\b(?:you|u|they|it|this|that|these|those|he|she|people|and|still|yet"
    rf"|{_EN_THINGS}) (?:(?:just|still|really|guys|simply|all|have|had|do) )*(?:dont|dnt|do not|doesnt|does not|wont"
    rf"|will not|never|didnt|did not|havent|not|cant|cannot) (?:(?:ever|even|yet|just) )*{_EN_END}\b"
    r"|\b(?:dont|cant|wont|didnt|couldnt|wouldnt|havent|why not|do|will|can|could) (?:you|u|they|these|this) "
    rf"(?:(?:ever|even|never|not|just|please) )*{_EN_END}\b"
    r"|\b(?:never|not|isnt|wasnt|arent|havent) (?:(?:been|yet|be) )*(?:removed|taken off|unsubscribed|stopped)\b"
    r"|\b(?:shouldnt|should not|dont want|do not want|didnt want|did not want|dont make|do not make) "
    r"(?:(?:to|me|have) ){0,3}(?:tell|ask|say|repeat|beg)\b|\b(?:never|not) (?:\w+ ){2,8}(?:more|so much|so badly)$"
    r"|\b(?:mai|inca) opr\w+|\bodata\b"
)
# Words for STOP that, with a "please" beside them, may be about a plan or an order.
OF_OTHER_THINGS = frozenset({"cancel", "end", "anulare", "renunt"})
# Somebody may take it back between a word of denial and the no that follows: "I don't want this, please stop".
DENIAL = re.compile(
    r"\b(?:dont|dnt|donot|don t|never|not|wont|cant|cannot|didnt|doesnt|wouldnt|shouldnt|couldnt|mustnt|neednt|isnt"
    r"|arent|wasnt|havent|hasnt|hadnt|aint|no need|no reason|nobody|no one|no longer|without|לא|אל|בלי|אין"
    r"|אינ\w+|nu|fara)\b"
)
FRESH_START = re.compile(r"\b(?:please|pls|plz|so|just|and|then|בבקשה|נא|אנא|va rog|te rog|asa ca|si|atunci)\b")
# One-word replies that are no slip of the pen, although they are one letter from a word for STOP.
NO_SLIPS = frozenset(
    {"shop", "step", "top", "atop", "stow", "slop", "strop", "stoop", "swop", "spot", "post", "pots"}
    | {"subscribe", "subscribed"}
)
# Words that are none of the above although they look like it.
HARMLESS = re.compile(
    r"\b(?:stop by|stop over|stop in|one stop|non ?stop|bus stop|full stop|stop at|stop working|stopped working"
    r"|cancel (?:my|the|our) (?:order|meeting|call|plan|trial|account|appointment)"
    r"|cancel (?:my|the|our) subscription"
    r"(?! (?:to|for|of) (?:\w+ ){0,4}(?:newsletters?|mails?|mailings?|e ?mails?|lists?|updates?|messages?|msgs?|texts?"
    r"|txts?|sms|alerts?|ads?|notifications?|promotions?|communications?|marketing)\b)"
    r"|quit my job|remov(?:e|ed|ing) (?:\w+ )?(?:seats?|users?|licen[cs]es?|members?|projects?|files?)"
    r"|anul\w* (?:comanda|intalnir\w*|sedint\w*|planul)"
    r"|(?:לבטל|ביטול) (?:את )?(?:ה?הזמנה|ה?פגישה|ה?תוכנית))\b"
)
# Around a word for STOP these change nothing.
POLITE = frozenset(
    {
        "please", "pls", "plz", "thanks", "thank", "you", "thx", "now", "hi", "hello", "hey", "ok", "okay", "sir",
        "guys", "already", "immediately", "all", "just", "בבקשה", "תודה", "נא", "כבר", "שלום", "היי", "עכשיו", "מיד",
        "אנא", "va", "rog", "te", "multumesc", "mersi", "salut", "buna", "acum", "imediat",
    }
)  # fmt: skip
# Of the words for STOP those that mean nothing else inside a longer text.
STRONG = frozenset(
    {
        "stop", "stopall", "stop all", "unsubscribe", "optout", "opt out", "remove", "revoke", "הסר",
        "הסירו", "להסרה", "תסירו", "הסר אותי",
        "תפסיקו", "תפסיק", "הסרה", "dezabonare", "dezabonati", "dezaboneaza", "ma dezabonez", "opriti", "opreste",
    }
)  # fmt: skip
# Where a clause ends besides at punctuation.
BUT = re.compile(r"\b(?:but|however|because|אבל|אך|כי|dar|insa|pentru ca)\b")
ASKING = re.compile(
    r"^(?:if|what|when|will|would|can|could|do|does|did|why|who|is|are|should|shall|מתי|האם|אם|למה|cand|oare"
    r"|daca|de ce|ce)\b"
)
ASKED_FOR = re.compile(
    r"^(?:can|could|will|would) (?:you|u|someone|somebody) (?:\w+ ){0,2}(?:stop|quit|remove|take|unsubscribe"
    r"|delete|opt|not)\b"
    r"|^(?:אפשר|תוכלו|אתם יכולים|האם אפשר) (?:\w+ ){0,1}(?:להפסיק|להסיר)"
    r"|^(?:puteti|poti|ati putea) (?:va rog )?(?:sa )?(?:\w+ ){0,2}(?:opri\w*|incet\w*|scoate\w*|sterg\w*|dezabon\w*)"
)
