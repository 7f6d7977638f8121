"""What the demo company's customers are called, in the three languages of its market. Pure data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Region:
    """One country of the demo market. `phone` is E.164 with `#` for a digit; shares are weights."""

    code: str
    share: int
    language: str
    currencies: tuple[tuple[str, int], ...]
    time_zones: tuple[str, ...]
    phone: str


US_ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles")
REGIONS = (
    Region("IL", 38, "he", (("ILS", 70), ("USD", 30)), ("Asia/Jerusalem",), "+972522######"),
    Region("RO", 27, "ro", (("RON", 65), ("EUR", 35)), ("Europe/Bucharest",), "+40722######"),
    Region("DE", 9, "en", (("EUR", 100),), ("Europe/Berlin",), "+4915123######"),
    Region("GB", 6, "en", (("EUR", 50), ("USD", 50)), ("Europe/London",), "+447400######"),
    Region("US", 20, "en", (("USD", 100),), US_ZONES, "+121255#####"),
)

# As written, and as it stands in an address.
FIRST_NAMES = {
    "he": (
        ("נועה", "noa"), ("דוד", "david"), ("יעל", "yael"), ("איתי", "itay"), ("מאיה", "maya"), ("עומר", "omer"),
        ("תמר", "tamar"), ("רון", "ron"), ("שירה", "shira"), ("יונתן", "yonatan"), ("הילה", "hila"), ("גיל", "gil"),
        ("מיכל", "michal"), ("אורי", "uri"), ("דנה", "dana"), ("עידו", "ido"), ("ליאור", "lior"), ("רותם", "rotem"),
    ),
    "ro": (
        ("Ana", "ana"), ("Ștefan", "stefan"), ("Ioana", "ioana"), ("Mihai", "mihai"), ("Elena", "elena"),
        ("Andrei", "andrei"), ("Raluca", "raluca"), ("Cătălin", "catalin"), ("Măriuca", "mariuca"), ("Vlad", "vlad"),
        ("Simona", "simona"), ("Răzvan", "razvan"), ("Ilinca", "ilinca"), ("Dragoș", "dragos"), ("Bianca", "bianca"),
    ),
    "en": (
        ("Alice", "alice"), ("Ben", "ben"), ("Carla", "carla"), ("Daniel", "daniel"), ("Emma", "emma"),
        ("Felix", "felix"), ("Grace", "grace"), ("Henry", "henry"), ("Isabel", "isabel"), ("Jack", "jack"),
        ("Laura", "laura"), ("Martin", "martin"), ("Nina", "nina"), ("Oscar", "oscar"), ("Zoë", "zoe"),
    ),
}  # fmt: skip
LAST_NAMES = {
    "he": (
        ("כהן", "cohen"), ("לוי", "levi"), ("מזרחי", "mizrahi"), ("פרץ", "peretz"), ("ביטון", "biton"),
        ("אברהם", "avraham"), ("פרידמן", "friedman"), ("שפירא", "shapira"), ("בן־דוד", "ben-david"), ("רוזן", "rosen"),
        ("גולן", "golan"), ("אלון", "alon"), ("ברק", "barak"), ("שרון", "sharon"), ("נחום", "nachum"),
    ),
    "ro": (
        ("Popescu", "popescu"), ("Ionescu", "ionescu"), ("Dumitrașcu", "dumitrascu"), ("Stănescu", "stanescu"),
        ("Munteanu", "munteanu"), ("Georgescu", "georgescu"), ("Rădulescu", "radulescu"), ("Țurcanu", "turcanu"),
        ("Constantin", "constantin"), ("Moldovan", "moldovan"), ("Bălan", "balan"), ("Nistor", "nistor"),
    ),
    "en": (
        ("Smith", "smith"), ("Brown", "brown"), ("Fischer", "fischer"), ("Weber", "weber"), ("Taylor", "taylor"),
        ("O'Neill", "oneill"), ("Walker", "walker"), ("Hughes", "hughes"), ("Schmidt", "schmidt"), ("Young", "young"),
        ("Clark", "clark"), ("Baker", "baker"), ("Meyer", "meyer"), ("Turner", "turner"), ("Novak", "novak"),
    ),
}  # fmt: skip

COMPANY_HEADS = {
    "he": (
        ("אורן", "oren"), ("כרמל", "carmel"), ("גליל", "galil"), ("נגב", "negev"), ("ארז", "erez"), ("תבור", "tavor"),
        ("דקל", "dekel"), ("רימון", "rimon"), ("שקד", "shaked"), ("חרמון", "hermon"), ("אלמוג", "almog"),
        ("כנרת", "kineret"),
    ),
    "ro": (
        ("Carpați", "carpati"), ("Dunărea", "dunarea"), ("Bucegi", "bucegi"), ("Transilvana", "transilvana"),
        ("Mureș", "mures"), ("Zimbru", "zimbru"), ("Cernavodă", "cernavoda"), ("Moldova", "moldova"),
        ("Retezat", "retezat"), ("Olt", "olt"), ("Brașov", "brasov"), ("Delta", "delta"),
    ),
    "en": (
        ("Northwind", "northwind"), ("Bluebird", "bluebird"), ("Granite", "granite"), ("Harbour", "harbour"),
        ("Juniper", "juniper"), ("Lakeside", "lakeside"), ("Meridian", "meridian"), ("Redwood", "redwood"),
        ("Summit", "summit"), ("Willow", "willow"), ("Copper", "copper"), ("Beacon", "beacon"),
    ),
}  # fmt: skip
# English, Hebrew and Romanian tails of the same trade.
INDUSTRIES = {
    "software": (("Software", "software"), ("תוכנה", "software"), ("Software", "software")),
    "logistics": (("Logistics", "logistics"), ("לוגיסטיקה", "logistics"), ("Logistică", "logistica")),
    "fitness": (("Fitness", "fitness"), ("כושר", "fitness"), ("Fitness", "fitness")),
    "media": (("Media", "media"), ("מדיה", "media"), ("Media", "media")),
    "consulting": (("Consulting", "consulting"), ("ייעוץ", "consulting"), ("Consultanță", "consultanta")),
    "retail": (("Retail", "retail"), ("קמעונאות", "retail"), ("Retail", "retail")),
    "education": (("Learning", "learning"), ("למידה", "learning"), ("Educație", "educatie")),
}
TAIL_OF_LANGUAGE = {"en": 0, "he": 1, "ro": 2}
