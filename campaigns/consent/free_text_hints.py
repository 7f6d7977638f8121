"""What may be a no in any words: it holds what would go until a person has read it, so that it looks for more than it
is sure of. Each joins two short lists, how one refuses and what is refused, with a few words between them.

Matched like the rules of `free_text_rules`, where none of those has said anything.
"""

from __future__ import annotations

import re

from campaigns.consent import free_text_rules as rules

# What we bring, said in more ways than are a clear no.
_EN_THINGS = (
    r"(?:texts?|txts?|messages?|msgs?|messaging|texting|e ?mails?|e ?mailing|mails?|mailings?|mailers?|sms"
    r"|smses|spam|junk|ads?|adverts?"
    r"|advertis\w+|promos|promotions|promotional|(?<!the )promotion|marketing|newsletters?|communications?"
    r"|correspondence|notifications?|solicit\w+"
    r"|campaigns?|outreach|blasts?|subscriptions? to|follow ?ups?|contact(?:s|ing|ed)?|mailing list|sales pitch\w*"
    r"|pitch\w*|list|lists|upsell\w*|nonsense|crap|bs|rubbish|garbage|pestering|nagging)"
)
_EN_TO_US = (
    r"(?:text|txt|message|msg|e ?mail|write|contact|spam|bother|disturb|harass|pester|sms|send|ping|nag"
    r"|reach out|reach"
    r"|approach|solicit|market|pitch|target|bug|annoy|call|ring|phone|keep|process|use (?:my|our|this|these|it)"
    r"|be used|share|sell)"
)
_EN_REFUSING = (
    r"(?:dont|dnt|do not|donot|don t|does not|doesnt|did not|didnt|never|not|wont|will not|wouldnt|would not"
    r"|should not|shouldnt|cannot|cant"
    r"|no longer|any longer|never again|must not|mustnt|may not|havent|have not|hasnt|had not|hadnt|isnt|arent"
    r"|aint|nobody|no one|neither|nor)"
)
_EN_WISHING = (
    r"(?:want|wanted|wanting|wana|wanna|wnt|wish|wishing|like|liked|care|need|desire|interested|keen|accept\w*"
    r"|agree|agreed|allow|allowed"
    r"|permit|permitted|authori[sz]\w*|consent\w*|continue|appreciate|welcome|enjoy|think i should|expect"
    r"|asked for|ask for"
    r"|request|requested|sign(?:ed)? up|subscrib\w*|opt(?:ed)? in|register\w*|enrol\w*|ok with|okay with|happy with"
    r"|comfortable|fine with|cool with|approv\w*|for me|my thing|relevant|useful|have permission|the right)"
)
# A complaint that something is missing speaks of the same things.
_EN_MISSING = (
    r"(?!(?:\w+ ){0,3}(?<!to )(?:receiv|arriv|got\b|see\b|seen\b|find\b|found\b|open\b|understand|finish|read\b"
    r"|reply|replied|answer|attach\w*"
    r"|get (?:the|your|an?|my)\b|come\b|came\b|work|load))"
)
_EN_ENDING = (
    r"(?:revok\w*|withdr[ae]w\w*|withdrawal|withdrawn|rescind\w*|retract\w*|object\w*|oppos\w*|refus\w*"
    r"|declin\w*|den[yi]\w*|terminat\w*"
    r"|discontinu\w*|suspend\w*|end|ends|ended|ending|halt\w*|block\w*|mut(?:e|ed|ing)|silenc\w*|delet\w*"
    r"|eras\w*|purg\w*|wip(?:e|ed|ing)|forget|scrub"
    r"|destroy|cancel\w*|disabl\w*|deactivat\w*|turn(?:ed|ing)? off|switch(?:ed|ing)? off|shut(?:ting)? off"
    r"|opt\w* out|unjoin\w*|kill\w*|enough"
    r"|done with|finished with|through with|over with|nix|skip|drop|exclude|excluded|quit|cease|desist|stop\w*"
    r"|remov\w*|strike|withhold|had it with|sick|tired|fed up|hate|hated|despise|loathe|cant stand|pull|free of"
    r"|rid of|restrict\w*|prohibit\w*|forbid\w*)"
)
_EN_DATA = (
    r"(?:consent|permission|agreement|authori[sz]ation|approval|processing|profiling|personal data|my data"
    r"|our data|my details|my info\w*"
    r"|my (?:personal )?(?:number|phone|name|address|contact\w*|record\w*|profile|e ?mail\w*)|our (?:number"
    r"|details|address|info\w*)|me (?:from|off|out)"
    r"|us (?:from|off|out)|about me|direct marketing|opt ?in|privacy)"
)
_HE_THINGS = (
    r"(?:[והבלמש]{0,2}(?:הודע(?:ה|ות|ת)\w*|מיילים|מייל|אימייל\w*|סמסים|סמס|sms|מסרונ\w*|מסרים|פרסומ\w*|פרסום"
    r"|דיוור\w*|ספאם|תפוצה|רשימ\w+"
    r"|ניוזלטר\w*|שיווק\w*|פניות|פנייה|הצעות|מבצעים|חומר\w*|תוכן|תכנים|דואר|דוא ?ל|דברי פרסומת|זבל|שטויות|קשר"
    r"|דיוורים|עדכונים|טלפונים|הטרדות))"
)
_HE_TO_US = (
    r"(?:לשלוח|לשלח|ישלחו|תשלח\w*|שתשלח\w*|שולח\w*|לקבל|מקבל\w*|לפנות|תפנ\w*|פונ\w+|לכתוב|תכתב\w*|כותב\w*"
    r"|להטריד|תטריד\w*|להציק|תציק\w*|להפריע|תפריע\w*"
    r"|ליצור|תיצר\w*|לסמס|תסמס\w*|לחפור|תחפר\w*|להתקשר|תתקשר\w*|להישאר|להיות (?:ב|חלק)\w*|לשמוע|שתפנ\w*|לשווק"
    r"|להמשיך|תמשיכ\w*|שתמשיכ\w*|לדבר|תדבר\w*|לשגע"
    r"|להספים|לשתף|להשתמש|לעבד|לשמור|תשמר\w*)"
)
_HE_REFUSING = (
    r"(?:[ושכה]{0,3}(?:לא|אל|בלי|ללא|אין|מבלי|אינ\w+)|במקום|לעולם|שום|אסור|די|מספיק|חלאס|הספיק"
    r"|נמאס\w*|מיותר\w*)"
)
_HE_MISSING = r"(?!(?:\w+ ){0,2}\w*(?:קיבל|הגיע|מגיע|מצאתי|מוצא|ראיתי|רואה|פתח|הבנ|מבינ|עובד|נפתח|קראתי|הספקתי|נכנס))"
_RO_THINGS = (
    r"(?:mesaj\w*|sms\w*|mail\w*|email\w*|e ?mail\w*|reclam\w*|notific\w*|spam\w*|ofert\w*|promotii\w*"
    r"|promotional\w*|newsletter\w*|comunic\w*|marketing\w*"
    r"|informari\w*|list[aei]\w*|abona\w*|corespondent\w*|contact\w*|alert\w*|publicita\w*|prostii\w*"
    r"|campani\w*|porcari\w*|chestii\w*|gunoi\w*|msj\w*|texte\w*|date\w*)"
)
_RO_TO_US = (
    r"(?:inclu\w*|includ\w*|cont[ai]ct\w*|scri\w*|trimi\w*|trimt\w*|contact\w*|deranj\w*|hartui\w*|agas\w*"
    r"|bombard\w*|sun[aei]\w*|cauta\w*|spam\w*|prelucr\w*|folosi\w*|pastra\w*|primesc|primim|aud|auzim"
    r"|raman|ramanem|abord\w*|stresa\w*|plictisi\w*|insista\w*|continua\w*)"
)
_RO_MISSING = (
    r"(?!(?:\w+ ){0,3}(?:primit|ajuns|vazut|vad|gasesc|gasit|inteles|inteleg|deschi\w+|citit|merge"
    r"|functioneaz\w*|reusi\w*|raspuns|pot))"
)

# Who writes in two languages at once refuses in one what they name in the other.
_THINGS = rf"(?:{_EN_THINGS}|{_HE_THINGS}|{_RO_THINGS})"

HINT = (
    *rules.HINT,
    *rules.named(
        en_refused_thing=rf"\b(?:{_EN_REFUSING}|no|nomore|zero|without|nu) {_EN_MISSING}(?:\w+ ){{0,6}}{_THINGS}\b",
        en_refused_wish=rf"\b{_EN_REFUSING} (?:\w+ ){{0,2}}{_EN_WISHING}(?: (?:to|in|for|of|with|by|any|get|be"
            rf"|being|receive|receiving|getting|hear|see"
        r"|have|on|this|that|these|those|it|them|more|anymore|any more|anything|stuff|you|your|u|ur|from|please"
        r"|thanks|thank|at|all|part"
        r"|involved|included|contacted|further|longer|continue|ever|again))*$",
        en_refused_act=rf"\b{_EN_REFUSING} (?:(?:ever|even|you|u|please|pls|again|to|be|being|have|dare|want"
            rf"|wish|like|need|give|anybody|anyone) ){{0,4}}{_EN_TO_US}(?:ing|ed|d)?"
        r"(?:(?: \w+)? (?:me|us|my|our|this|it|here|again|any ?more|anything|stuff|on|in touch)\b|(?: \w+)?$)",
        en_rather_not=r"\b(?:rather|prefer(?:red)?|sooner|better|wish|hope|happier|grateful if|glad if|ask that"
            r"|request that) (?:(?:i|we|you|u|to|that|if|it|they|would|will|do|could|was|were"
            r"|were to) ){0,3}(?:not|didnt|dont|wouldnt|stopped|left|never|no longer|without|be left|fewer|none"
            r"|nothing)\b"
        r"|\b(?:mind|kindly|consider|appreciate|thank you for|thanks for) not \w+ing\b|\b(?:in peace"
        r"|peace and quiet|silence|free of|skip me|skip us|some quiet|rid of)\b",
        en_no_consent=rf"\b{_EN_REFUSING} (?:\w+ ){{0,4}}(?:consent\w*|authori[sz]\w*|permission|permit\w*"
            rf"|agreement)\b|\ballow\w* you\b.*\b(?:not|longer)\b"
            rf"|\b{_EN_REFUSING} (?:\w+ ){{0,2}}allow\w* (?:you|u|to)\b",
        en_consent_word=r"\b(?:consent\w*|revo[ck]\w*|objection|unwelcome|uninvited|unwanted|intrusion|delist"
            r"|desist|discontinu\w*|unlist|spammers?|no ?longer(?! (?:\w+ )?(?:works?|working|loads?|opens?|see"
            r"|sees|valid|available|need|needs|use|uses|have|possible)\b)|exclude (?:me|us|my)"
            r"|private (?:number|phone|address|e ?mail|line|person|mailbox))\b",
        en_my_address=rf"\b{_EN_REFUSING} {_EN_MISSING}(?:\w+ ){{0,4}}(?:my|our|this) (?:number|address|e ?mail"
            rf"|data|details|phone|inbox|mailbox|name|cell)\b|\b(?:left|quit|not with|no longer with"
            rf"|not at) (?:the|this|our) (?:company|firm|organi[sz]ation|team)\b|\b(?:customers|clients|family"
            rf"|friends|work|business) only\b|\bno (?:vendors?|sellers?|salespe\w+|solicit\w*|advert\w*|cold)\b",
        en_exasperated=r"\b(?:how many (?:more )?times|are you (?:kidding|serious|deaf|blind|stupid|joking"
            r"|insane|people)|you kidding|another one|a hint|last (?:warning|time|chance)|i swear"
            r"|one more (?:of|e ?mail|mail|text|message|time|and|word)|never learn|shut (?:it|up|the)|shame\w*"
            r"|get a life|police|this is ridiculous|ridiculous|for the (?:last|love|hundredth|\w+th)"
            r"|over and over|every (?:single )?day|nonstop|again and again|had it|give up|unbelievable|pathetic"
            r"|disgust\w*|desperate|bored|boring|not amused|seriously|who cares|dont care|do not care"
            r"|couldnt care|could not care|waste|wasting|nobody cares)\b",
        other_languages=r"\b(?:no mas|basta|arrete\w*|nein|keine?|halt|parar|cancelar|abmelden|desabonn\w*"
            r"|desinscri\w*|стоп|отпис\w*|хватит|прекрат\w*|удалит\w*|не (?:надо|хочу|нужно|пиш\w*|присыла\w*"
            r"|шлит\w*|беспоко\w*|звонит\w*)|отстан\w*|توقف\w*|اوقف\w*|الغاء|لا ترسل\w*|لا اريد|كفى|ازال\w*)\b",
        en_spare_me=r"\b(?:spare|excuse|excused|exempt\w*|scratch|amend|omit|leave your|hold off|abstain"
            r"|honou?r my|respect my|stay(?:ed)? quiet|be(?:ing)? (?:blocked|reported|muted|filtered)|blocked"
            r"|blocking|victim|plague|pain in|menace|get a clue|again with|at it again|(?:already"
            r"|asked) (?:asked|twice|before|you|many)|change my (?:number|e ?mail|address)|preferences?"
            r"|to (?:none|never|zero)|end up on|ended up on|get on (?:this|your)|passed away|deceased|died"
            r"|(?:daughter|son|wife|husband|child|mother|father|kid)s (?:number|phone|e ?mail)|unsubscri\w*"
            r"|(?:mind|consider|about|start|try) (?:stopping|ending|quitting|leaving))\b",
        en_the_last=r"\b(?:last|final) (?:one|e ?mail|mail|message|msg|text|time|contact|communication|word)\b"
            r"|\b(?:telemarket\w*|robo\w*|told (?:you|u)|(?:only|just|merely) (?:gave|for)|(?:number|e ?mail"
            r"|address|phone) (?:is |was )?(?:only|just|solely))\b|(?:הודעה|פעם|מייל) \w?אחרונ\w*"
            r"|\b(?:ultim\w* (?:mesaj|mail|email|sms|oara|data)|doar pentru|uitati de|uita de|intrebat nimeni)\b",
        en_said_no=r"\b(?:said|say|saying|means?|part of|answer is|still|told you|is a|its a|thats a|repeat"
            r"|already) (?:\w+ )?no(?:pe)?\b(?! (?:\w+ )?(?:idea|problem|worries|decision|news|charge|cost|fee"
            r"|limit)\b)",
        en_swearing=r"\b(?:screw|shove|stuff it|stick (?:it|your)|damn\w*|fuck\w*|fck\w*|fuk\w*|shit\w*|bloody"
            r"|wtf|idiots?|morons?|hell|arse\w*|ass|asshole\w*|bastards?|pissed|bullshit|freaking|frigging"
            r"|creeps?|leeches|pests?)\b",
        en_one_word=r"^(?:off|out|off (?:pls|please)|not me|leave|away|silence|block|blocked|reported|cut"
            r"|delete|remove|rm|x|no{2,}|none|never|nothing|zip|basta|halt|nomore|end it|finish|finished|over"
            r"|cancelled|removed|opted out)$",
        en_no_need=rf"\bno (?:need|reason|point|use|sense|cause) (?:\w+ ){{0,4}}{_EN_TO_US}\b|\bno (?:reason"
            rf"|right|permission|business|consent)\b",
        en_no_more=r"\b(?:no|nothing|not any|not one|never any|without any|nope no|nomore) ?(?:more|mor"
            r"|further)(?:$| (?:please|pls|plz|thanks|thank|thx|of|from)\b)"
        r"|\b(?:never|not ever|not) again\b|\bnot? any ?more\b|\bnever (?:ever )?(?:in my life )?$"
        r"|^no no(?: no)*$|^(?:hell|god|oh|fuck|big|hard) no\b",
        en_end_of_thing=rf"\b{_EN_ENDING} (?:\w+ ){{0,5}}{_THINGS}\b",
        en_end_of_consent=rf"\b{_EN_ENDING} (?:\w+ ){{0,5}}{_EN_DATA}\b|\bright to (?:object|erasure"
            rf"|be forgotten|restrict\w*|withdraw)\b",
        en_end_of_this=r"\b(?:end|ending|halt|kill|finish|done with|over with|sick of|sick to death of|tired of"
            r"|hate|object to|oppose|refuse|decline|block) "
        r"(?:all |with )?(?:this|these|those|it|them|all|now|you)\b|^(?:please |just )?(?:end|halt|desist"
        r"|decline|declined|refuse|refused|blocked|block|mute|silence)$",
        en_out_of_it=r"\b(?:want|need|let|get|like|count|leave|take|keep|kick|cut|move|put|pull|move|wants"
            r"|count|strike|cross|scratch|i d|me|us|my \w+|name|number) (?:me |us |my \w+ )?(?:off|out)\b"
        r"(?! (?:of )?(?:the |my |our |this )?(?:\w+ )?(?:plan|account|trial|team|project|call|meeting)\b)"
        r"|\b(?:of|off|out of|from|on (?!the)|in (?!the)) ?(?:of )?(?:this|your|the|all|any|every|ur|whatever"
        r"|yr) (?:\w+ )?(?:lists?|database|db|crm|systems?|records|inbox|mailing|mailings|distribution)\b"
        r"|\b(?:out of|off) my (?:\w+ )?(?:inbox|phone|mail\w*|life|back|case|face)\b",
        en_leave_me=r"\b(?:leave (?:me|us|my \w+|our \w+)|keep (?:your|ur) \w+ (?:to|away)|let (?:me|us) (?:be"
            r"|go|live|alone)|give (?:me|us|it) a (?:rest|break)|do ?n[o ]t disturb|dnd|dnc|stay away|back off"
            r"|go away|go to hell"
        r"|knock it off|cut it out|buzz off|beat it|shut up|drop (?:dead|it)|screw (?:you|off)|f\w* (?:you|off"
        r"|u)|fu|stfu|gtfo|refrain\w*|make (?:it|this|these|them|all \w+|the \w+) (?:end|go away|stop)"
        r"|please (?:do )?not|pls no|plz no|no (?:pls|plz|please)|not for (?:me|us)|not my (?:thing|cup)"
        r"|take a hike|wont be (?:needing|reading)|never (?:contact|write|text)|goodbye|bye|hang up|piss\w*|bugger\w*"
        r"|stay (?:out|off)|lose (?:my|this|our)|forget (?:me|us|about|my|i)|hands off|mind your|thats it|(?:im"
        r"|we are|were|i am) out(?! (?:of|sick|on|until|till|today|this|next|at|for)\b)|i quit|over it|(?:im"
        r"|i am) (?:so |really |completely )?done|were done|we are done|i am done|had enough)\b",
        en_law=r"\b(?:gdpr|ccpa|tcpa|can ?spam|pecr|casl|dpa|ico|ftc|fcc|article (?:7|17|21)|data protection"
            r"|supervisory authority|cease and desist|attorney|solicitor|legal action|legal|sue|suing|lawsuit"
        r"|complain\w*|report(?:ed|ing)? (?:you|this|it|u|as)|illegal\w*|unlawful\w*|regulator\w*|harass\w*"
        r"|intrusive|invasive|bother\w*|disturb\w*|unsolicited|nuisance|stalk\w*|pester\w*|intrud\w*|scam\w*)\b",
        en_who_are_you=r"\b(?:why (?:am i|are you|do you|do i|are we|u|is this|you)(?: still| keep| even"
            r"| always)? (?:getting|get|receiv\w*|sending|send|texting|text|e ?mailing|e ?mail|contacting"
            r"|contact|writing|write|keep|spamming)"
        r"|(?:still|keep|kept|keeps) (?:on )?(?:getting|receiving|seeing) (?:\w+ )?(?:these|this|your|them"
        r"|messages|stuff)|where did (?:you|u) get|who gave (?:you|u)|how did (?:you|u) (?:get|find|obtain)"
        r"|you have no|without (?:my|our|asking|permission|consent))\b"
        r"|\b(?:not|no longer|arent|isnt|never) (?:\w+ ){0,3}(?:customers?|clients?|members?|user|users"
        r"|the (?:right|owner)|the person)\b|\b(?:wrong|mistaken) (?:person|address|e ?mail|guy|contact|recipient)\b",
        en_mistyped=r"\b(?:st0p\w*|stahp|stawp|stap|stp|sotp|tsop|stoop it|un ?s\w{0,3}scr\w*|unsub\w*"
            r"|un ?subs\w*|remuv\w*|remov\w*|rmv|leav me|dont (?:txt|msg)|canc?ell? (?:it|this|these|all|e|me)"
            r"|opt ?ou?t|quite (?:texting|sending|e ?mailing|messaging|txting)|(?:take|get) (?:me|us"
            r"|my \w+) (?:of|from|away)|leav (?:me|us)|un ?subscr\w*|un\w{0,4} ?scri\w*|stoppit|ow?p?t (?:me "
            r"|us )?ow?u?t|leeve me|leve me|keep (?:at it|doing this)|unjoin|unfollow|stopit|enuf\w*|enogh)\b",
        he_refused_thing=rf"\b{_HE_REFUSING} {_HE_MISSING}(?:\w+ ){{0,4}}(?:{_THINGS}|{_HE_TO_US})\b",
        he_refused_wish=r"\b(?:לא|אינ\w+|ממש לא|כבר לא) (?:\w+ )?(?:רוצ\w+|רצי\w+|רצה|רוצא|מעוני\w*|מענין\w*"
            r"|מעניי?נ\w*|מעוינ\w*|מסכי\w+|הסכמ\w*|מאשר\w*|אישר\w*|נרשמ\w*|ביקש\w*|מבקש\w*|נתתי|נתנו|מרש\w+"
        r"|צריכ?\w*|זקוק\w*|רלוונט\w*|בשביל\w*|אוהב\w*|מתאים|מוכנ\w*|מוכן|לקוח\w*|הייתי|חבר\w*|מוכר\w*|לטעמ\w*)"
        r"(?: (?:יותר|עוד|את זה|זה|את|כלום|שום דבר|מכם|לי|לנו|בזה|בכם|תודה|בכלל|אתכם|קשר|לקבל|לשמוע|להיות|ממכם"
        r"|אותכם|יותר מכם|שלכם|לזה|לכך|בבקשה|מאיתכם|דבר|לכם|שום|על זה|אלי\w*|שת\w+|ש\w+))*$",
        he_no_consent=r"\b(?:לא|אינ\w+|מעולם לא|אין) (?:\w+ )?(?:מאשר\w*|מסכי\w*|מרש\w+|הסכמ\w*|אישרתי|אישרנו"
            r"|אישור|רשות|נתתי|נתנו|הרשא\w*)|סירוב|מסורב\w*|אי הסכמה",
        he_way_out=r"\b(?:איך|כיצד|מה עושים כדי|אפשר|איפה|היכן|דרך) (?:\w+ ){0,2}(?:יוצא\w*|מפסיק\w*|יורד\w*"
            r"|עוצר\w*|נפטר\w*|מתנתק\w*|להפסיק|לצאת|לרדת|להיפטר|להתנתק|מסיר\w*|להסיר\w*|לחסום|חוסמ\w*"
            r"|מבטלים את זה|לבטל את זה)"
        r"|(?:^| )(?:תמנע\w*|להימנע|הימנע\w*|נמנע\w*|המנע\w*|להמנע)|\b(?:כמה|עד מתי) (?:אפשר|כבר|עוד)"
        r"|\bאמרתי (?:\w+ )?(?:לא|די)\b|\bעד כאן\b|^(?:תורידו?|בלי|ללא|מחקו?|תמחקו?|הורידו?|לצאת|צא|החוצה|הסרתי"
        r"|ביטול|בטל|בטלו|שקט|דממה|די ודי|שלום ולא להתראות)$",
        he_unwanted=r"\b(?:לא|אינ\w+|אין) (?:\w+ ){0,2}(?:רוצ\w+|רצ\w+|מעוני\w*|מבקש\w*|ביקש\w*|הזמנ\w*"
            r"|צריכ?\w*|סובל\w*) (?:\w+ ){0,4}(?:מכם|אתכם|ממכם|בכם|שלכם|אליי|אלי|לי|אותכם)\b|\bלא (?:הזמנתי"
            r"|ביקשתי|נרשמתי|ביקשנו|הזמנו|ניתנ\w*|ניתן לכם)|\b[והבלמ]{0,2}הסכמ(?:ה|ת\w*|ות)\b|\bאי רצון"
            r"|בניגוד ל\w+|\b(?:מספר|טלפון|מייל|קו|אדם) פרטי\b|\bכבר לא (?:בחברה|עובד\w*|לקוח\w*|שם|כאן|פה)"
            r"|\bעזבתי|\bהגעתם ל|אדם (?:ה)?לא נכון|מספר (?:ה)?לא נכון|\bלא (?:הכתובת|האדם|האיש|המספר)",
        he_exasperated=r"(?:כמה פעמים|משטרה|תתבייש\w*|בושה|יש גבול|עוד (?:הודעה|מייל|פעם|סמס|אחת)|פעם אחרונה"
            r"|אזהרה|מזהיר\w*|נשבע|סטופ\w*|^חלס|^עוף|^אין$|אנסא?ב\w*|הפסקה|להיגרע|לדלג|דלגו|תדלג\w*|יגרע\w*"
            r"|כבדו|תכבד\w*|מכבד\w*|מפסיק\w*|הפסק\w*|שוב אתם|מה הקטע|משעממ\w*|מגעיל\w*|קשקוש\w*|חצוף|חצופ\w*"
            r"|דבילים|אידיוט\w*|זין|לעזאזל|כוסאמק|עזבו אותי|אותי בשקט|לשקט|שקט)",
        he_spare_me=r"(?:תשמיט\w*|השמיט\w*|להימחק|להיות מחוץ|אדווח|מדווח\w*|נדווח|תדווח\w*|קורבן|מטרד|מעיק\w*"
            r"|מה אתם רוצים|כבר ביקש\w*|ביקשתי (?:כבר|פעמיים|מכם)|איך הגעתי|העדפות|נפטר\w*|מספר של ה\w+|עצור"
            r"|מעדיפ\w* (?:\w+ )?(?:בלי|ללא|לא|שלא)|זכותי|חסום|נחסמ\w*|חסמתי)",
        he_leave_out=r"(?:לסרב|להשאיר אותי|תשאיר\w* אותי|השאירו אותי|אף אחד לא (?:שאל|ביקש|רצה)|אמרתי לכם"
            r"|אמרנו לכם|המספר רק|מספר רק|לעצמכם|להיעלם|תיעלמ\w*|פורש\w*|מוסר\w? מ|^להוריד|^שוב$|^אל$|^אל נא$)",
        he_consent=r"(?:מבטל\w*|ביטול|לבטל|בטלו|תבטל\w*|מושכ\w*|מושך|למשוך|חוזר\w* בי|חוזרים בנו|חזרתי בי"
            r"|מסיר\w*|לשלול|שולל\w*) (?:\w+ ){0,4}(?:[והבלמש]{0,2}(?:הסכמ\w*|אישור\w*|רשות\w*|הרשא\w*|מנוי\w*"
            r"|רישום|הרשמ\w*))"
        rf"|מתנגד\w*|התנגד\w*|מסרב\w*|אוסר\w*|(?:בלי|ללא) (?:\w+ )?(?:אישור|הסכמ\w*|רשות)|(?:מבטל\w*|ביטול|לבטל"
        rf"|בטלו|תבטל\w*) (?:\w+ ){{0,3}}{_THINGS}",
        he_about_data=r"(?:תמחק\w*|מחק\w*|למחוק|מחיק\w*|להסיר|תשכח\w*|לשכוח|הסרת|השמד\w*|תורידו?|להוריד"
            r"|תוציא\w*|לגרוע|תגרע\w*) (?:\w+ ){0,3}(?:[והבלמ]{0,2}(?:פרטי\w*|פרטים|מידע|נתונים|מספר\w*|טלפון"
            r"|מייל\w*|כתובת\w*|שם|שמי|מאגר\w*|רשימ\w*|תפוצה)|אותי|אותנו|ממני|מהכל)",
        he_enough=r"(?:^| )(?:די$|די (?:כבר|עם|לזה|לכם|תודה|נו|אנא|בבקשה|ל\w+|די|מספיק)|חלאס|תרדו|רדו|תרד"
            r"|תעיפ\w*|תעופ\w*|עופו|תנתק\w*|נתקו|לנתק|תחסמ\w*|לחסום|חוסמ\w*|חוסם|אחסום|אחסמ\w*|חסימ\w*|חסמ\w*"
            r"|שחרר\w*|תשחרר\w*|עזב\w*|עזוב\w*|תעזב\w*|סתמו|תסתמ\w*|לכו|תתנתק\w*"
        r"|תניח\w*|הניחו|תנו לי|תנו לנו|תעצר\w*|עצרו|לעצור|תסיימ\w*|סיימתי|לסיים|סיימנו|תחדל\w*|חדל\w*|לחדול"
        r"|תרפ\w+|הרפו|התעלמ\w*|תוותר\w*|ותרו|ביי|לא לא|ממש לא|פשוט לא|לא יותר|לא עוד|לעולם לא|אף פעם לא|צאו"
        r"|תצאו|תגמרו|גמרנו)(?: |$)",
        he_mistyped=r"(?:תפסיכ\w*|תפסק\w*|תפסיקק\w*|טפסיק\w*|תסרו|תסירי|הסירוני|להסירני|להסרתי|הסרתי|הסרת\w*"
            r"|להצר|הסיירו|תסייר\w*|חיסמ\w*|לאסיר|הסרו|תיסירו|אנסבסקרייב|unsub)",
        he_law=r"(?:עורכ?ת? ?דין|עו ד|תביע\w*|אתבע\w*|נתבע\w*|לתבוע|תלונ\w*|אתלונ\w*|מתלונ\w*|נתלונ\w*"
            r"|חוק (?:ה?ספאם|ה?תקשורת|ה?גנת)|30א|30 א|תיקון (?:40|13)|סעיף 30|הטרד\w*|מטריד\w*|מציק\w*|משגע\w*"
            r"|מעצבנ?\w*|חוצפ\w*|לא חוקי|נודניק\w*|מחפיר|מאיפה (?:יש|השגת\w*|קיבלת\w*)|מי (?:נתן|מסר)"
            r"|למה (?:אני|אתם|את|אתה) (?:\w+ )?(?:מקבל\w*|שולח\w*|ממשיכ\w*|כותב\w*)|חופר\w*|חפירות|טעות|טעיתם)",
        ro_refused_thing=rf"\b(?:nu|fara|nici|niciun|nicio|(?<!suntem )(?<!sunt )(?<!e )gata|stop|ajunge|destul"
            rf"|suficient|terminat\w*|sa nu|fra|n (?:as|am|ar|ati|avem|aveti|o)|nas"
            rf"|nam) {_RO_MISSING}(?:\w+ ){{0,5}}(?:{_THINGS}|{_RO_TO_US})\b",
        ro_refused_wish=r"\b(?:nu|nici nu) (?:(?:va|te|ti|iti|imi|mi|ma|m|ne|le|i|o|am|ai|as|mai|sunt|suntem"
            r"|este|e|eram|ni|l|vi) ){0,4}(?:de acord|permi\w*|dau|dam|accept\w*|aprob\w*|consimt\w*|autoriz\w*"
            r"|abonat\w*|inscri\w*|cerut\w*|solicitat\w*|interes\w*"
        r"|vreau|vrem|vrau|vreu|doresc|dorim|vrea|dori|trebui\w*|nevoie|client\w*|plac\w*|convine|relevant\w*"
        r"|folos\w*)"
        r"(?: (?:sa|mai|nimic|asta|asa|ceva|deloc|de|la|voi|multumesc|mersi|va|rog|pe|in|fiu|fim|continui"
        r"|continuam|acestea|astea|nici|niciun|cu|din|partea|dumneavoastra|dvs|mine|noi|pentru|cand|niciodata"
        r"|nicio|legatura|primesc|altceva|si|gata|atat|spam))*$",
        ro_no_consent=r"\b(?:nu|fara|nici|niciodata) (?:\w+ ){0,4}(?:acord\w*|consimt\w*|permis\w*|autoriz\w*"
            r"|drept\w*|voie)\b|\bnu (?:mai )?(?:sunt|suntem|eram) (?:\w+ )?(?:client\w*|abonat\w*|persoana)\b"
            r"|\bam (?:\w+ )?(?:zis|spus) (?:\w+ )?(?:nu|gata|stop)\b",
        ro_way_out=r"\b(?:cum|unde|vreau sa|as vrea sa|pot) (?:\w+ ){0,2}(?:scap\w*|scot|ies|opresc|blochez"
            r"|elimin|anulez|sterg|debarasez|renunt)\b|\b(?:judecata|tribunal\w*|politi\w*|prefera sa nu"
            r"|dracu\w*|naiba|pula\w*|mata|muie|cretini\w*|idioti\w*|prosti\w*)\b|\b(?:numi|nuva|nuvreau|numa"
            r"|nune) |^(?:afara|fara|nimic|off|liniste|sters|scos)$|\bprefer\w* (?:\w+ )?(?:sa nu|fara|liniste\w*)",
        ro_exasperated=r"\b(?:nedorit\w*|nesolicitat\w*|exclu[sdz]\w*|obiect(?:ez|am|iune)\w*|iesire"
            r"|de cate ori|politi\w*|rusine\w*|(?:chiar )?nu (?:va )?(?:pricep\w*|intelegeti)|(?:inca"
            r"|mai) (?:un|o) (?:mesaj|mail|sms|email|data)|ultima (?:data|oara)|iar voi|iarasi|avertis\w*"
            r"|consimt\w*|gresit\w*|privat\w*|personal (?:numar|telefon)|nu (?:mai )?(?:lucrez|lucram|mi pasa"
            r"|ma intereseaz\w*)|nu (?:imi|ne) (?:pasa|trebui\w*)|plictis\w*|jenant\w*|obositi\w*|obosit\w*"
            r"|penibil\w*|ridicol\w*|pierdere de timp)\b|^(?:pa|pa pa|adio|la revedere)$",
        ro_spare_me=r"\b(?:retras\w*|abtin\w*|pauza|pacoste|raport(?:ez|am|at)|victim\w*|ce vreti|ce aveti cu"
            r"|elimin\w*|resping\w*|scuti\w*|omite\w*|cruta\w*|fii\w*|numarul (?:fi\w+|sot\w+|mam\w+|copil\w+)"
            r"|deced\w*|murit|cerut deja|deja (?:am )?(?:cerut|spus|zis)|de doua ori|cum am ajuns|preferint\w*"
            r"|iar)\b|^(?:sterge|stergeti|scoate|scoateti|blocat|raportat)$",
        ro_consent=r"\b(?:retrag\w*|retras|retrage\w*|revoc\w*|anul\w*|sters|sterg\w*"
            r"|elimin\w*) (?:\w+ ){0,4}(?:consimt\w*|acord\w*|permisiun\w*|autoriz\w*|dat\w*|abon\w*|inscri\w*"
            r"|list\w*|mail\w*|numar\w*|adres\w*)|\b(?:imi|mi|ne) retrag\w*|\bretrag\w*\b"
        r"|\b(?:opun|opunem|opozitie|opozitia|ma opun|refuz\w*|interzic\w*|contest\w*)\b|\bfara (?:acord\w*"
        r"|consimt\w*|permisiun\w*)|\b(?:prelucrar\w*|prelucrat\w*|date\w* (?:mele|personale|cu caracter)|uitat"
        r"|de a fi uitat)\b",
        ro_enough=r"\b(?:(?<!suntem )(?<!sunt )(?<!este )(?<!e )(?<!inca )gata|(?<!cand )ajunge|destul|stop"
            r"|terminati|termina[ti]* (?:cu|odata)|^terminat\w*|lasa\w*|las[ae]\w* ma|disp[aeu]r\w*|pastra\w*"
            r"|obiecti\w*|valea|mars|pa pa|adio|du te|duceti va|plecati|marsati|blochez|blocat\w*|bloca\w*|ies"
            r"|iesi|iesit|scap\w*|potol\w*|calma|liniste|niciodata|nu nu|taceti|taci|inceta\w*|incheia\w*"
            r"|incheiati|sistati|sista\w*|intrerup\w*|opr\w*|nu mai|scoat\w*|scot\w*|scos|debarasa\w*"
            r"|suspend\w*|excluse|exclude\w*|dezact\w*)\b",
        ro_mistyped=r"\b(?:dez ?ab\w*|desab\w*|dzab\w*|dezbon\w*|unsub\w*|sterge\w* ma|stregeti\w*|opiti"
            r"|oprti\w*|opritiva)\b",
        ro_law=r"\b(?:gdpr|anspdcp|anpc|avocat\w*|plang\w*|reclam\w*|sesiz\w*|ilegal\w*|legea|legal|instanta"
            r"|hartui\w*|deranj\w*|enerv\w*|agas\w*|tupeu\w*|nesimti\w*|bombard\w*|insist\w*|de unde (?:aveti"
            r"|ati|ai)|cine (?:v|va) a dat|de ce (?:imi|mi|primesc|ma|tot))\b",
    ),
)  # fmt: skip
# A refusal that speaks of none of what a customer would: what else could it be about but us?
REFUSAL = re.compile(
    rf"\b{_EN_REFUSING}\b|\b(?:no|nothing|none|without|refuse\w*|forbid\w*|cease\w*|terminat\w*|declin\w*)\b"
    r"|(?:^| )[ושכה]{0,3}(?:לא|אל|בלי|ללא|אין|אינ\w+|אסור\w*|לעולם|מעולם)(?: |$)|\b(?:nu|n|fara|nici|niciun"
    r"|nicio|nimic|niciodata)\b"
)
BARE = re.compile(
    r"^(?:(?:no|nope|nah|not really|thanks|thank you|but|sorry|ok|yes|well|hi|hello|oh|לא|תודה|אבל|סליחה|היי|nu"
    r"|ba|multumesc|mersi|da|dar|salut)(?: |$))+$"
)
ORDINARY = re.compile(
    r"\b(?:order\w*|pric\w*|cost\w*|plans?|seats?|users?|licen\w*|invoic\w*|bill\w*|charg\w*|card|pay\w*|paid"
    r"|budget\w*|account\w*|meeting\w*|links?|page|button|log\w*|password|upgrad\w*|downgrad\w*"
    r"|renew\w*|trial|storage|quota\w*|limit\w*|files?|reports?|attach\w*|download\w*|load\w*|open(?:s|ing"
    r"|ed)?(?! to\b)|access|decid\w*|decision\w*|managers?|boss|cfo|know|sure|idea|questions?|problems?|worr\w*"
    r"|rush|hurry|yet|now|today|tomorrow|week\w*"
    r"|months?|quarter|years?|moment|time|monthly|yearly|annual\w*|discount\w*|expensive|cheap\w*|offers?|deal"
    r"|quote|contract\w*|features?|products?|apps?|slack|technical|understand|understood|clear|finds?|found"
    r"|seen?|receiv\w*|got|arriv\w*"
    r"|ship\w*|deliver\w*|damaged|size|refund\w*|vacation|office|holidays?|bad|work\w*|available|busy|projects?"
    r"|bug|errors?|issues?|complete\w*|ready|finish\w*|sign|signed|approv\w*|confirm\w*|valid|includ\w*|vat|tax"
    r"|urgent|late|soon|later"
    r"|answer\w*|repl\w*|forget|remember|help|promotion|stopping by|matter|mine|growth|grow|hard|difficult|easy"
    r"|doubt|wonder|only|wait|joke|big|miss|kidding|fun|luck|reason|change|changes|sso|api|tried|try|chance"
    r"|demo|version|why|phone|ticket|tracking|above|wont be|already|automatic\w*"
    r"|(?:i|we) (?:cant(?! (?:stand|take|bear))|cannot(?! (?:stand|take|bear))|can not|couldnt|could not|havent"
    r"|have not|hadnt|had not|dont have|do not have|am not(?! open)|are not|arent|wasnt|werent|didnt|did not"
    r"|wouldnt know)|cant talk|im not(?! open)|nu (?:am|avem|pot|putem|suntem)|de ce nu|tichet\w*|telefon\w*"
    r"|comand\w*|pret\w*|plan\w*|licent\w*|utilizator\w*|cont|contul|factur\w*|buget\w*|plat\w*|link\w*"
    r"|buton\w*|pagin\w*|parol\w*|reinno\w*|stocare|cota|fisier\w*|raport\w*|sedint\w*|decis\w*|sef\w*|stiu"
    r"|sigur\w*|intreb\w*|problem\w*"
    r"|grab\w*|acum|azi|maine|saptaman\w*|luna|lunar|trimestr\w*|an|timp|reducer\w*|oferta|produs\w*|inteleg"
    r"|inteles|clar|gasesc|vad|primit|ajuns\w*|livr\w*|colet\w*|marim\w*|ramburs\w*|concediu|birou\w*|merge"
    r"|functioneaz\w*|disponibil\w*"
    r"|tehnic\w*|echip\w*|ocupat\w*|inca|scump\w*|rau|raspun\w*|nevoie|uit\w*)\b"
    r"|(?:^למה לא|אין ל(?:י|נו|ו)|לא יכול|לא ענו|לא עונ|ניסית|ניסינו|תשדרג|כרטיס|הזמנ|מחיר|יקר|עולה|תוכני|תכני"
    r"|רישיונ|משתמש|חשבון|חשבוני|תקציב|תשלו|שילמ|קישור|לינק|כפתור|עמוד|אתר|להיכנס|כניס|סיסמ|שדרוג|לשדרג|חידוש"
    r"|ניסיון|אחסון|מכסה|מגבל|קובץ|קבצים|דוח|פגישה|מחליט|החלט|מנהל|יודע|בטוח|שאל|בעי|דחוף|ממהר"
    r"|עכשיו|כרגע|היום|מחר|שבוע|חודש|רבעון|שנה|זמן|הנחה|הצעה|עסקה|חוזה|חתמ|מוצר|הבנ|מבינ?ה?$|ברור|מצא|מוצא|רואה"
    r"|קיבל|הגיע|התקבל|משלוח|פגום|זיכוי|החזר|חופש|במשרד|עובד|נפתח|נטען|זמין|טכני|צוות|עסוק|מוכן|נגמר|כלול|עדיין"
    r"|עוד לא|בינתיים|הצלח|נורא|רע|תרומ|מענה|ענית|עניתם|צורך(?! ל))"
)
# As a picture, wherever it stands.
SIGNS = frozenset(
    "\U0001f6d1\u26d4\U0001f6ab\U0001f515\U0001f4f5\U0001f645\U0001f595"
    "\U0001f621\U0001f92c\U0001f44e\U0001f620\U0001f624"
)
# What is looked for where a word is one letter wrong, with what is near them and is something else.
_MEANT = (
    "unsubscribe remove delete number messages texting emails emailing contact consent withdraw marketing"
    " newsletter sending cancel revoke תפסיקו תסירו להסיר הסירו תוציאו תורידו תמחקו הודעות להפסיק לשלוח תשלחו"
    " מיילים מעוניין dezabonati dezabonare mesaje mesajele trimiteti scoateti stergeti opriti consimtamantul"
    " incetati emailuri"
)
MEANT = tuple(_MEANT.split())
_OTHERS = (
    "abonare abonati absent cancer citit cititi concept consents contacts content contents contest context"
    " contract contracts ending evoke lending mailing masaje massages mending mesajul message oferiti pending"
    " primiti provoke remake remote removes selling sendings sensing spending subscribe subscribed subscriber"
    " tending testing veniti הודעה הודעתי הסבירו להאיר להגדיר להזמין להחזיר להחסיר להכיר להמיר להסביר להסדיר"
    " להספיק להעביר להשאיר לסלוח לצלוח לשלום לשלם לשמוח מילים מעניין תמשיכו תסבירו תספיקו תשלמו"
)
OTHERS = frozenset(_OTHERS.split())
