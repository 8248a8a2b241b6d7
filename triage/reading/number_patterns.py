"""The patterns of numbers: labels before them, units after them. Compiled when the first text is read, not when imported."""

from __future__ import annotations

import re
from functools import lru_cache

from triage.knowledge.forms import listed
from triage.reading.durations import NUMERAL

LABELS = {
    "bp": "systolic_bp", "b/p": "systolic_bp", "blood pressure": "systolic_bp", "血压": "systolic_bp", "혈압": "systolic_bp",
    "systolic": "systolic_bp", "sbp": "systolic_bp", "高压": "systolic_bp", "收缩压": "systolic_bp", "수축기": "systolic_bp",
    "diastolic": "diastolic_bp", "dbp": "diastolic_bp", "低压": "diastolic_bp", "舒张压": "diastolic_bp", "이완기": "diastolic_bp",
    "temperature": "temperature", "temp": "temperature", "t": "temperature", "体温": "temperature", "체온": "temperature", "发烧": "temperature",
    "发热": "temperature", "高烧": "temperature", "烧到": "temperature", "烧": "temperature", "열이": "temperature", "열": "temperature",
    "고열": "temperature", "fever": "temperature", "febrile": "temperature",
    "heart rate": "heart_rate", "hr": "heart_rate", "pulse": "heart_rate", "pulse rate": "heart_rate", "p": "heart_rate", "心率": "heart_rate",
    "脉搏": "heart_rate", "心跳": "heart_rate", "脉率": "heart_rate", "맥박": "heart_rate", "심박수": "heart_rate", "맥박수": "heart_rate",
    "심박": "heart_rate",
    "respiratory rate": "respiratory_rate", "resp rate": "respiratory_rate", "resp": "respiratory_rate", "rr": "respiratory_rate",
    "resps": "respiratory_rate", "respirations": "respiratory_rate", "breathing rate": "respiratory_rate", "r": "respiratory_rate",
    "呼吸": "respiratory_rate", "呼吸频率": "respiratory_rate", "呼吸率": "respiratory_rate", "호흡수": "respiratory_rate", "호흡": "respiratory_rate",
    "spo2": "spo2", "sao2": "spo2", "sats": "spo2", "sat": "spo2", "o2 sat": "spo2", "o2 sats": "spo2", "o2": "spo2", "oxygen saturation": "spo2",
    "saturation": "spo2", "oxygen": "spo2", "pulse ox": "spo2", "血氧": "spo2", "血氧饱和度": "spo2", "氧饱和度": "spo2", "산소포화도": "spo2",
    "산소": "spo2",
    "glucose": "glucose", "blood glucose": "glucose", "blood sugar": "glucose", "sugar": "glucose", "bsl": "glucose", "bs": "glucose",
    "bg": "glucose", "fbs": "glucose", "rbs": "glucose", "bgl": "glucose", "血糖": "glucose", "혈당": "glucose", "혈당이": "glucose",
    "pain score": "pain_score", "pain level": "pain_score", "pain scale": "pain_score", "nrs": "pain_score", "vas": "pain_score",
    "疼痛评分": "pain_score", "疼痛": "pain_score", "통증": "pain_score", "통증점수": "pain_score", "pain": "pain_score",
    "age": "age", "aged": "age", "年龄": "age", "今年": "age", "나이": "age", "i am": "age", "i'm": "age", "age is": "age",
    "pregnant": "pregnancy_weeks", "孕": "pregnancy_weeks", "怀孕": "pregnancy_weeks", "妊娠": "pregnancy_weeks", "임신": "pregnancy_weeks",
    "ga": "pregnancy_weeks", "gestation": "pregnancy_weeks", "停经": "pregnancy_weeks",
}  # fmt: skip
NEEDS_UNIT = frozenset(
    ("age:i am", "age:i'm", "age:今年", "spo2:oxygen", "spo2:o2", "spo2:산소", "pain_score:pain", "pain_score:疼痛", "pain_score:통증")
)
# Labels that are findings themselves: the number belongs to the value, the word stays a finding.
FINDING_LABELS = frozenset(listed("fever febrile 发烧 发热 高烧 열이 열 고열 pain 疼痛 통증 pregnant 怀孕 임신 孕 烧 停经 妊娠"))

WEEK = r"weeks?|wks?|w|周|个?星期|주차?"
MONTH = r"months?|mos?|m|个月|개월"

_EN_AGE = r"days?|weeks?|wks?|months?|mos?|mths?|years?|yrs?"
_EN_KIN = "mother|mom|mum|father|dad|brother|sister|uncle|aunt|grandmother|grandfather|grandma|grandpa|husband|wife|son|daughter|nephew|niece|cousin|neighbou?r|friend"


@lru_cache(maxsize=1)
def labelled() -> re.Pattern[str]:
    """A label, perhaps a second number after a slash, and a unit: "bp 90/60", 体温39度, 맥박 120회."""
    labels = "|".join(re.escape(label) for label in sorted(LABELS, key=lambda label: -len(label)))
    return re.compile(
        rf"(?<![a-z가-힣高低])({labels})(?![a-z])(?:[\s:=,~≈]|이|은|는|가|을|를|수는|도는|is|was|of|at|around|about|up to|as high as|right now|最高|达|到|约|为|是|测|有|大概|高达|了){{0,10}}?"
        rf"(\d{{1,3}}(?:\.\d+)?)(?![\d])(?:\s{{0,3}}(?:/|over|-|对)\s{{0,3}}(\d{{1,3}})(?!\d))?\s{{0,3}}"
        rf"(mg/?dl|mmol(?:/l)?|mmhg|毫米汞柱|%|°c|°f|℃|c(?![a-z])|f(?![a-z])|度\d?|도|次/?分?(?:钟)?|회|점|分(?!钟)|/\s{{0,3}}min|bpm|per min(?:ute)?|out of 10|/10|岁|세|살"
        rf"|y(?:ears?|rs?|/?o)?\b|(?:{WEEK})\+?|(?:{MONTH}))?"
    )


@lru_cache(maxsize=1)
def with_unit() -> re.Pattern[str]:
    """A number that only its unit explains; the group that matched names the unit."""
    return re.compile(
        rf"(?<![\d./a-z])({NUMERAL})\s{{0,3}}-?\s{{0,3}}(?:"
        r"(?P<years>y(?:ea)?rs?[\s-]*olds?|y\.?/?o\.?(?![a-z])|y(?=\s{0,3}/?\s{0,3}[mf]\b)|岁|周岁|세|살|yrs?(?=\s+(?:male|female|man|woman|boy|girl)))"
        r"|(?P<months>(?:months?|mos?|mths?|m)[\s-]*(?:old|/o)|mo(?=\s+(?:male|female|boy|girl))|个月大|个多?月(?=的?(?:宝宝|孩子|婴儿|娃|小孩|男|女|患儿))|개월\s{0,3}(?:된|아|애기|신생아|남아|여아|아기|영아|남자|여자|딸|아들))"
        r"|(?P<weeksold>(?:weeks?|wks?)[\s-]*old|wo(?![a-z])|周大|周(?=的?(?:宝宝|婴儿|娃|新生儿))|주\s{0,3}(?:된|아기))"
        r"|(?P<daysold>days?[\s-]*old|do(?![a-z])|天大|天(?=的?(?:宝宝|婴儿|娃|新生儿))|일\s{0,3}(?:된|아기))"
        rf"|(?P<pregnant>(?:{WEEK})\s{{0,3}}(?:pregnant|preg|gestation|gravid|孕|임신|임산부|임부|산모)|주차?\s{{0,3}}(?:임신|임산부|임부|산모))"
        rf"|(?P<pregnantmonths>(?:{MONTH})\s{{0,3}}(?:pregnant|preg|身孕))"
        r"|(?P<decade>代|대(?=\s{0,3}(?:남|여|후반|초반|중반|$|[\s,])))"
        r"|(?P<celsius>°\s{0,3}c|℃|degrees? c(?:elsius)?|c(?![a-z])|度(?!数)(?P<tenth>\d(?![\d天日小周个月年]))?|도(?![가-힣])|도(?=까지|의|로|가|를|나|예|입|이|씨|에|였))"
        r"|(?P<fahrenheit>°\s{0,3}f|degrees? f(?:ahrenheit)?|f(?![a-z]))"
        r"|(?P<mmhg>mmhg)|(?P<bpm>bpm)"
        r"|(?P<percent>%(?=\s{0,3}(?:on|ra|room|sat|spo2|o2|oxygen|血氧|산소)))"
        r"|(?P<sugar>mg/?dl|mmol(?:/l)?)"
        r"|(?P<pain>/\s{0,3}10(?!\d|/)|out of (?:10|ten))"
        r"|(?P<sexed>[mf](?![a-z/]))"
        r")"
    )


class _Lazy(dict[str, re.Pattern[str]]):
    """Patterns by name, each compiled when first asked for: most texts need few of them, and compiling all would cost an answer 10 ms."""

    def __init__(self, sources: dict[str, str]) -> None:
        super().__init__()
        self._sources = sources

    def __missing__(self, name: str) -> re.Pattern[str]:
        self[name] = re.compile(self._sources[name])
        return self[name]


@lru_cache(maxsize=1)
def patterns() -> dict[str, re.Pattern[str]]:
    """The small patterns by name."""
    return _Lazy(_sources())


def _sources() -> dict[str, str]:
    return {
        "digit": (r"\d"),
        "worded": (r"\bold\b|pregnan|岁|살|세|月|周|天|度|도|개월|주"),  # without which no number in words is an age or a temperature
        "pressure": (r"(?<![\d/.])(\d{2,3})\s{0,3}/\s{0,3}(\d{2,3})(?![\d/])\s{0,3}(mmhg)?"),
        "chart": (r"(?<![a-z])([mf])\s{0,3}[/,]?\s{0,3}(\d{1,3})(?![\d/.%])|(?<![\d/.])(\d{1,3})\s{0,3}/\s{0,3}([mf])(?![a-z])"),
        "lived": (
            rf"(?:생후|태어난\s?지|宝宝|孩子|婴儿|娃娃?|小孩|新生儿|出生)\s{{0,3}}(?:(?:现在|今年|还?不到|才|刚刚?|只有?|还|满|是|겨우|이제)\s{{0,3}}){{0,2}}"
            rf"({NUMERAL})\s{{0,3}}(个多?月|개월|[周天](?!都|没|未|不|一直)|주|일)(?!\s{{0,3}}(?:前|以来|来|内|没好|전|째|간|동안|부터|내내|넘게))"
            rf"|(?:아기|아가|애기|신생아|영아|아이)(?:가|는|은|이|도)?\s{{0,3}}(?:(?:이제|지금|현재|겨우|아직)\s{{0,3}}){{0,2}}({NUMERAL})\s{{0,3}}"
            r"(개월(?!\s{0,3}(?:전|째|간|동안|부터|내내|넘게|이상))|[주일]\s{0,3}(?=인데|이에|예요|이고|입니다|이라|이야|됐|된|되었|됨|밖에|[,.]|$))"
        ),
        "child": (
            rf"(?:^|[,.;:(]|(?<![a-z])(?:my|our|the|a|an|this|with|has|have|is))\s{{0,3}}(?P<before>{NUMERAL}|one|an?)[\s-]{{0,3}}(?P<unit>{_EN_AGE})"
            r"(?:[\s-]{0,3}old)?[\s-]{1,3}(?:baby|newborn|infant|neonate|toddler|child|kid|boy|girl|son|daughter)(?![a-z])"
            r"|(?<![a-z])(?:(?:baby|newborn|infant|neonate|toddler)(?: (?:boy|girl|son|daughter))?[\s,:(]{1,3}(?:(?:is|was|now|only|just|about|of|at|age|aged)\s){0,3}"
            r"|(?:child|kid|boy|girl|son|daughter)\s(?:(?:is|aged|age)\s)(?:(?:now|only|just|about)\s){0,2})"
            rf"(?P<after>{NUMERAL})[\s-]{{0,3}}(?P<unit2>{_EN_AGE})"
            r"(?![a-z]|\s{0,3}(?:of|ago|history|hx|duration|before|early|late|later|premature|preterm|sick|ill|unwell|without|now with|already|since)(?![a-z]))"
        ),
        "newborn": (
            r"^\s{0,3}(?:(?:my|our|the|a|this)\s)?(?:newborn|neonate)(?: (?:baby|infant|boy|girl|son|daughter))?(?=[\s,:]{1,3}(?:with|has|had|is|having|not|fever|vomit|cough|temp))"
            r"|^\s{0,3}(?:저희|우리)?\s{0,3}신생아(?=가|인데|는|예요|[\s,])|^\s{0,3}(?:我家|我的|我们)?新生儿(?!科|筛查)"
        ),
        "leading": (
            r"^\s{0,3}(?:(?:pt|patient|male|female|man|woman|boy|girl|lady|[mf])[\s,:]{1,3})?(\d{1,3})[\s-]{0,3}(?:years?|yrs?)(?![a-z]|\s{0,3}(?:ago|of|history|hx|back|before|since|later|duration|now)(?![a-z]))"
        ),
        "person": (
            rf"(?<![a-z])(?:(?P<kin>{_EN_KIN}|妈妈?|爸爸?|母亲|父亲|奶奶|爷爷|妻子|丈夫|老伴|儿子|女儿|어머니|아버지|엄마|아빠|할머니|할아버지|아내|남편|아들|딸)(?P<gap>\s{{0,3}},\s{{0,3}}|\s)"
            r"|(?:(?:male|female|man|woman|boy|girl|lady|gentleman|patient|pt)[\s,:]{1,3}|(?<![가-힣])(?:남자|여자|남성|여성|남|여)[\s,:]{1,3}|[男女]性?[\s,:]{0,3})(?:aged?\s)?)"
            r"(\d{1,3})(?P<end>\s{0,3}(?:[,;)]|\.(?!\d)|$|\s(?=has|have|is|with|who|complain|c/o))|(?![\d.]*\d)(?!\s{0,3}[/%°℃度回次号月分点번회시층도]|\s{0,3}(?:kg|cm|mg|ml|mm|lbs?)(?![a-z])))"
        ),
        "sexed": (r"(?<![\d./a-z])(\d{1,3})\s{1,3}(?:year\s)?(?:male|female|man|woman|boy|girl|lady|gentleman)(?![a-z])"),
        "litres": (r"\s{0,3}(?:l|lpm|lit(?:er|re)s?)(?![a-z])"),
        "air": (r"(?<![a-z])(?:(?:on|in|at)\s)?(?:room air|ra)(?![a-z])"),
        "time": (
            r"\s{0,3}(?:-\s{0,3})?(?:年|个?月|天|周|日|小时|分钟|years?|yrs?|months?|days?|weeks?|wks?|hours?|hrs?|min|[hdw]\b|년|개월|일|주|시간|분)"
        ),
        "ends": (r"\s{0,3}(?:[,.;]|$|and\b|male|female|years?)"),
        "sex": (
            r"(?<![a-z])(?P<male>males?|man|boy|gentleman|guy|mr)(?![a-z])|(?<![a-z])(?P<female>females?|woman|girl|lady|mrs|ms)(?![a-z])"
            r"|(?P<nan>男(?![友朋人科]))|(?P<nv>女(?![友朋儿人科婿]))|(?P<namja>남자(?!친구)|남성|남아|할아버지)"
            r"|(?P<yeoja>여자(?!친구)|여성|여아|할머니|산모|임산부)|(?P<nam>(?<![가-힣])남(?![가-힣]))|(?P<yeo>(?<![가-힣])여(?![가-힣]))"
            r"|(?<![a-z'])(?P<m>m)(?![a-z/'])|(?<![a-z'])(?P<f>f)(?![a-z/'])"
        ),
    }
