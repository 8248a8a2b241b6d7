"""Surface forms: normalised text with a map back to the original, English stems, and the matching tables of the lexicons.

Both sides of every match, the forms of the lexicon and the text of a patient, pass through `normalise` and `stem`, so that
"Vomitting", "ｖｏｍｉｔｉｎｇ" and "vomits" meet the form "vomit". Standard library only: this module is imported to answer a patient.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

VERSION = 1


def listed(words: str) -> list[str]:
    """The words of a text, for tables of words that would be long as lists."""
    return words.split()


# Traditional and simplified in pairs: the characters of complaints, histories, bodies, times and families.
_PAIRS = (
    "頭头醫医療疗藥药癥症瘡疮瘍疡痙痉攣挛癱瘫瘧疟癢痒癬癣癤疖癰痈癲癫癇痫腫肿脹胀膿脓腦脑臟脏膽胆腸肠腎肾膚肤關关節节頸颈頜颌頰颊臉脸顏颜額额顱颅齒齿齦龈齶腭嚨咙聲声氣气噴喷聞闻嘔呕嘰叽噁恶惡恶瀉泻濁浊淚泪視视瞼睑紅红綠绿"
    "黃黄藍蓝紺绀蒼苍發发燒烧熱热溫温凍冻顫颤戰战慄栗暈晕聾聋鳴鸣啞哑語语說说話话講讲詞词認认識识記记憶忆憂忧鬱郁慮虑驚惊緊紧張张壓压縮缩擴扩傷伤損损斷断創创癒愈彎弯車车禍祸墜坠樓楼樹树動动靜静脈脉過过還还進进遠远運运轉转"
    "輕轻較较體体週周歲岁個个們们時时間间鐘钟點点兩两雙双單单側侧邊边裡里裏里後后從从來来剛刚開开幾几數数連连續续經经歷历曆历陣阵現现長长媽妈爺爷孫孙兒儿婦妇嬰婴寶宝懷怀產产閉闭殘残餘余養养護护師师無无沒没並并為为與与對对"
    "於于會会應应該该當当給给讓让請请買买賣卖喫吃飲饮飯饭餓饿嚥咽嘗尝農农劑剂殺杀蟲虫貓猫雞鸡鴨鸭豬猪魚鱼蝦虾螫蜇爐炉煙烟菸烟針针檢检驗验診诊掛挂號号證证書书複复術术濃浓乾干濕湿潰溃塊块腳脚蓋盖臍脐脅胁勁劲虛虚軟软癡痴鬆松"
    "強强劇剧慘惨厲厉嚴严難难輸输盡尽總总樣样覺觉夢梦亂乱瘋疯鬧闹煩烦惱恼歡欢樂乐親亲愛爱國国學学習习電电燈灯線线網网門门戶户廠厂塵尘礦矿業业務务實实際际見见觀观聽听讀读寫写問问題题穩稳擺摆滾滚絞绞隱隐鈍钝銳锐燙烫鏽锈釘钉"
    "髒脏淨净鮮鲜爛烂黴霉餿馊變变質质擔担負负舉举達达遲迟趕赶馬马騎骑飛飞機机場场鄉乡鎮镇縣县區区衛卫員员歐欧衝冲擊击導导異异狀状態态況况級级類类種种別别誰谁這这麼么嗎吗皰疱屍尸滲渗嗆呛痠酸羣群傳传豔艳黏粘鹹咸澀涩闆板臺台"
    "灣湾髮发鬍胡鬚须纔才祇只隻只衹只悶闷痺痹臥卧闌阑蕁荨齲龋顳颞脛胫鉤钩鴿鸽蠍蝎螞蚂蟻蚁減减勢势罵骂嚇吓稱称許许陽阳陰阴風风絲丝細细緩缓結结統统終终絕绝繼继維维綁绑脫脱褲裤撐撑搖摇擠挤攪搅灑洒漲涨滿满溼湿嘆叹鋸锯鏟铲鐵铁"
    "鍋锅麵面餅饼飽饱餵喂貧贫賬账贏赢遺遗鄰邻釋释鎖锁闖闯陳陈隨随險险靈灵頂顶項项順顺預预領领頻频顧顾飄飘駕驾騷骚鬥斗齊齐龍龙"
)
_QUOTES = {
    "’": "'",
    "‘": "'",
    "ʼ": "'",
    "′": "'",
    "`": "'",
    "´": "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "−": "-",
    "–": "-",
    "—": "-",
    "‐": "-",
    "‑": "-",
}
_SIMPLIFIED = {_PAIRS[i]: _PAIRS[i + 1] for i in range(0, len(_PAIRS), 2)}


def _normal_character(character: str) -> str:
    """The normal form of one character, possibly empty or longer."""
    category = unicodedata.category(character)
    if character in "\n\r\x0b\x0c\x85\u2028\u2029":
        return "\n"
    if category in ("Cc", "Cf", "Cs", "Zs") or character == "\ufffd":
        return "" if category == "Cf" or (category == "Cc" and character != "\t") else " "
    text = unicodedata.normalize("NFKC", _QUOTES.get(character, character)).casefold()
    return "".join(_SIMPLIFIED.get(c, _QUOTES.get(c, c)) for c in text)


def _joins(character: str) -> bool:
    """True for a mark or conjoining jamo that belongs to the character before it."""
    return "\u1160" <= character <= "\u11ff" or unicodedata.combining(character) != 0


class _Translation(dict[int, str]):
    """The normal form of every code point met so far, filled on demand; `irregular` holds those that change length
    or join the character before."""

    def __init__(self) -> None:
        super().__init__()
        self.irregular: set[str] = set()

    def __missing__(self, code: int) -> str:
        text = _normal_character(chr(code))
        if len(text) != 1 or _joins(chr(code)):
            self.irregular.add(chr(code))
        self[code] = text
        return text


_TRANSLATION = _Translation()


class Normal:
    """A normalised text; `span` turns offsets of it into offsets of the original."""

    __slots__ = ("ends", "starts", "text")

    def __init__(self, text: str, starts: list[int] | None, ends: list[int] | None) -> None:
        self.text = text
        self.starts = starts
        self.ends = ends

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The offsets in the original text of the normalised characters from `start` up to `end`."""
        if self.starts is None or self.ends is None or start >= end:
            return start, end
        return self.starts[start], self.ends[end - 1]


def normalise(text: str) -> Normal:
    """The text in lower case, half width, simplified characters and plain quotes, with a map back to the original."""
    plain = text.translate(_TRANSLATION)
    if _TRANSLATION.irregular.isdisjoint(text):
        return Normal(plain, None, None)
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position, length = 0, len(text)
    while position < length:
        after = position + 1
        while after < length and after - position < 8 and _joins(text[after]):
            after += 1
        cluster = text[position:after]
        composed = cluster if after - position == 1 else unicodedata.normalize("NFKC", cluster)
        normal = composed.translate(_TRANSLATION)
        pieces.append(normal)
        starts.extend([position] * len(normal))
        ends.extend([after] * len(normal))
        position = after
    return Normal("".join(pieces), starts, ends)


# ---------------------------------------------------------------------------------------------------------------- words

# Latin word | number | Hangul | Han | any other character. White space is skipped.
TOKEN = re.compile(r"([a-zß-ɏ]+(?:'[a-z]+)*)|(\d+(?:\.\d+)?)|([가-힣]+)|([々㐀-䶿一-鿿豈-﫿]+)|(\n|[^\s])")
LATIN, NUMBER, HANGUL, HAN, OTHER = 1, 2, 3, 4, 5

# Inflections a rule would miss, words a rule would spoil ("hives" is not HIV, "burning" is no burn), and contractions made one.
_IRREGULAR = {
    "hives": "hives", "burning": "burning", "burnt": "burn", "burns": "burn", "crushing": "crushing", "stabbing": "stabbing", "tearing": "tearing", "cutting": "cutting", "fitting": "fitting", "burned": "burn", "aching": "ache", "aches": "ache", "ached": "ache",
    "bitten": "bite", "biting": "bite", "stung": "sting", "swollen": "swell", "fell": "fall", "fallen": "fall", "threw": "throw", "thrown": "throw",
    "felt": "feel", "broke": "break", "broken": "break", "shook": "shake", "shaken": "shake", "bled": "bleed", "drank": "drink", "drunk": "drunk",
    "ate": "eat", "eaten": "eat", "slept": "sleep", "woke": "wake", "woken": "wake", "passes": "pass", "lost": "lose", "losing": "lose", "loses": "lose",
    "coming": "come", "came": "come", "comes": "come", "having": "have", "making": "make", "taking": "take", "took": "take", "taken": "take",
    "getting": "get", "got": "get", "gotten": "get", "dying": "die", "died": "die", "dies": "die", "lying": "lie", "morning": "morning",
    "evening": "evening", "during": "during", "nothing": "nothing", "something": "something", "anything": "anything", "everything": "everything",
    "cannot": "can't", "cant": "can't", "couldn't": "can't", "couldnt": "can't", "dont": "don't", "doesnt": "don't", "doesn't": "don't",
    "didnt": "don't", "didn't": "don't", "wont": "won't", "wouldn't": "won't", "isnt": "isn't", "wasn't": "isn't", "wasnt": "isn't",
    "aren't": "isn't", "arent": "isn't", "weren't": "isn't", "havent": "haven't", "hasn't": "haven't", "hasnt": "haven't", "hadn't": "haven't",
    "hadnt": "haven't",
}  # fmt: skip
AMERICAN = {
    "diarrhea": "diarrhoea", "anemia": "anaemia", "edema": "oedema", "dyspnea": "dyspnoea", "hemorrhage": "haemorrhage", "tumor": "tumour",
    "color": "colour", "esophagus": "oesophagus", "fetus": "foetus", "apnea": "apnoea", "orthopnea": "orthopnoea", "hemoptysis": "haemoptysis",
    "hematemesis": "haematemesis", "hematuria": "haematuria", "melena": "melaena", "hemorrhoid": "haemorrhoid", "anesthesia": "anaesthesia",
    "pediatric": "paediatric", "hematoma": "haematoma", "odor": "odour", "rigor": "rigour", "labor": "labour", "gynecological": "gynaecological",
}  # fmt: skip
_VOWELS = frozenset("aeiouy")
_CHAR_CLASS_ES = ("shes", "ches", "xes", "sses", "zes")
FILLERS = {
    "en": frozenset(
        listed(
            "the a an my his her its our your their of in on at to some very really so quite rather much bit lot little kind sort like is "
            "are was be been am were has have had i he she feel get become this that these those just also pretty terribly awful awfully "
            "bad badly such too more all both any me him up"
        )
    ),
    "ko": frozenset(
        listed(
            "좀 너무 많이 자꾸 계속 갑자기 약간 조금 매우 아주 심하게 심한 막 더 또 다시 살짝 진짜 정말 왜 조금씩 "
            "가끔 자주 확 푹 엄청 굉장히 무척 몹시 계속해서 점점 부위 부위가 쪽이 쪽 쪽에 요즘 오늘 어제부터 많은 "
            "심해서 꽤 되게 제일 항상 늘 아직 지금 같이 이렇게"
        )
    ),
}
# Words a form loses when it is compiled: never verbs or words of place, or "no feeling in leg" would become "no leg".
_DROPPED = frozenset(listed("the a an my his her its our your their of in on at is are was were be been am"))
ZH_FILLERS = tuple(
    listed(
        "有点儿 有些儿 有点 有些 一点 一阵阵 一阵 阵阵 一直 老是 老 总是 总 突然 忽然 突发 感觉 觉得 感到 感 非常 "
        "特别 特 很 也 都 又 还 再 就 越来越 得厉害 得很 得 的 地 了 着 在 是 会 好 挺 太 真 那么 这么 比较 "
        "持续 反复 经常 时常 常常 偶尔 轻微 明显 剧烈 严重 部 里面 里 处 这里 那里 这 儿 子"
    )
)
NEGATORS = {
    "en": frozenset(("not", "don't", "isn't", "never", "haven't")),
    "zh": ("并没有", "没有", "不怎么", "不是很", "并不", "不太", "不", "没", "无"),
    "ko": ("안", "별로", "전혀"),
}
# Forms that end in one of these may be split before it: 头疼 also matches 头有点疼 and 头不疼.
_ZH_SPLIT = frozenset("疼痛晕痒麻肿胀闷酸")


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """The word without plural, -ing, -ed and possessive endings; the same for a form and for a text."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    word = AMERICAN.get(word, word)
    if word.endswith("'s"):
        word = word[:-2]
    if len(word) < 4 or "'" in word:
        return word
    base = word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("ing") and len(word) > 5 and not _VOWELS.isdisjoint(word[:-3]):
        base = _undouble(word[:-3])
    elif word.endswith("ed") and len(word) > 4 and word[-3] != "e" and not _VOWELS.isdisjoint(word[:-2]):
        base = word[:-3] + "y" if word.endswith("ied") else _undouble(word[:-2])
    elif word.endswith(_CHAR_CLASS_ES):
        base = word[:-2]
    elif word.endswith("s") and word[-2] not in "sui":
        base = word[:-1]
    base = AMERICAN.get(base, base)
    if base in _IRREGULAR:
        return _IRREGULAR[base]
    return base[:-1] if base.endswith("e") and len(base) > 4 else base


def _undouble(base: str) -> str:
    """The base without the consonant doubled by an ending ("stopp" to "stop"); ll, ss and zz stay."""
    return base[:-1] if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lsz" else base


# --------------------------------------------------------------------------------------------------------------- tables


def _pieces_en(form: str, *, keep_fillers: bool = False) -> list[str]:
    """The stems of an English form; articles and the like are dropped if two other words remain."""
    found = [(match.lastindex, match.group()) for match in TOKEN.finditer(form)]
    words = [stem(word) if kind == LATIN else word for kind, word in found if word not in "-'.,()\""]
    strong = [word for word in words if word not in _DROPPED]
    return words if keep_fillers or len(strong) < 2 else strong


def _pieces(language: str, form: str, *, cue: bool = False) -> tuple[str, list[str]]:
    """The language of the table and the pieces of a form; a form in Latin letters is English wherever it stands."""
    form = form.replace("|", " ")
    if form.isascii():
        return "en", _pieces_en(form, keep_fillers=cue)
    pieces = form.split()
    if language == "zh" and not cue and len(pieces) == 1 and 2 <= len(form) <= 5 and form[-1] in _ZH_SPLIT:
        pieces = [form[:-1], form[-1]]
    return language, pieces


_KO_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"


def _korean_stems(piece: str) -> list[str]:
    """The stem and what it becomes before a vowel: 아프 아파, 저리 저려, 어지럽 어지러워, 오르 올라, 붓 부어, 하 해."""
    code = ord(piece[-1]) - 0xAC00
    if len(piece) < 2 or not 0 <= code < 11172:
        return [piece]
    before, initial, vowel, final = piece[:-1], code // 588, _KO_VOWELS[code % 588 // 28], code % 28

    def syllable(new_vowel: str, new_final: int = 0) -> str:
        return chr(0xAC00 + initial * 588 + _KO_VOWELS.index(new_vowel) * 28 + new_final)

    if final == 17:  # ㅂ falls out
        return [piece, before + syllable(vowel) + "우", before + syllable(vowel) + "워", before + syllable(vowel) + "운"]
    if final in (8, 19):  # ㅅ and ㄹ fall out
        return [piece, before + syllable(vowel)]
    if final:
        return [piece]
    if piece[-1] == "르" and (ord(before[-1]) - 0xAC00) % 28 == 0:
        doubled = before[:-1] + chr(ord(before[-1]) + 8)
        return [piece, doubled + "라", doubled + "러"]
    if piece[-1] == "하":
        return [piece, before + "해"]
    new = {"ㅡ": "ㅏㅓ", "ㅣ": "ㅕ", "ㅗ": "ㅘ", "ㅜ": "ㅝ"}.get(vowel, "")
    return [piece, *(before + syllable(one) for one in new)]


def _key(language: str, pieces: Sequence[str]) -> str:
    """The bucket of a form: its first stem, or the first one or two characters of its first piece."""
    return pieces[0] if language == "en" else pieces[0][:2]


# Part the buckets of a language and their keys; characters that no form holds and JSON does not escape.
RECORD, UNIT = "\u241e", "\u241f"


def build_tables(lexicon: Mapping[str, Mapping[str, Sequence[str]]], cues: Mapping[str, Any]) -> dict[str, Any]:
    """The matching tables as plain dicts, lists, strings and integers.

    `lexicon` is language -> finding id -> forms, `cues` the parsed lexicon/cues.toml. All forms of a language are one string, taken apart
    when the language is first met: buckets parted by RECORD, each a key, UNIT and its lines "targets piece piece …", parted by "|" (no
    character that JSON escapes). A target is 2·finding, plus 1 for a bare attribute form, or -1-cue.
    """
    findings = sorted({finding for forms in lexicon.values() for finding in forms})
    number = {finding: index for index, finding in enumerate(findings)}
    entries: dict[str, dict[tuple[str, ...], list[int]]] = {"en": {}, "zh": {}, "ko": {}}
    for language, by_finding in lexicon.items():
        for finding, forms in by_finding.items():
            for form in forms:
                bare = form.startswith("~")
                table, pieces = _pieces(language, normalise(form.lstrip("~")).text.strip())
                target = 2 * number[finding] + bare
                for last in _korean_stems(pieces[-1]) if table == "ko" else pieces[-1:]:
                    targets = entries[table].setdefault((*pieces[:-1], last), [])
                    if target not in targets:
                        targets.append(target)
    rows = list(cues.get("cue", ()))
    for index, row in enumerate(rows):
        for literal in row.get("literals", ()):
            table, pieces = _pieces(row["language"], normalise(literal).text.strip(), cue=True)
            if pieces:
                targets = entries[table].setdefault(tuple(pieces), [])
                if -1 - index not in targets:
                    targets.append(-1 - index)
    buckets: dict[str, dict[str, str]] = {}
    for language, table_entries in entries.items():
        lines: dict[str, list[str]] = {}
        for entry, targets in table_entries.items():
            lines.setdefault(_key(language, entry), []).append(",".join(map(str, targets)) + " " + " ".join(entry))
        buckets[language] = {key: "|".join(bucket) for key, bucket in lines.items()}
    latin_first = {language: sorted(key for key in buckets[language] if key[0].isascii()) for language in ("zh", "ko")}
    english = lexicon.get("en", {}).values()
    vocabulary = sorted(
        {word for forms in english for form in forms for word in normalise(form).text.split() if len(word) >= 4 and word.isalpha()}
    )
    return {
        "version": VERSION,
        "findings": findings,
        "forms": {language: RECORD.join(UNIT.join(item) for item in table.items()) for language, table in buckets.items()},
        "latin_first": latin_first,
        "cues": [{key: value for key, value in row.items() if key not in ("literals", "note")} for row in rows],
        "words": _words(cues.get("words", {})),
        "vocabulary": " ".join(vocabulary),
    }


def _words(words: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, dict[str, str]]:
    """Language -> word (stemmed in English) -> its class, the first of the [words.*] tables that has it; fillers, then ordinary words, last."""
    result: dict[str, dict[str, str]] = {}
    for language, fillers in (("en", sorted(FILLERS["en"])), ("zh", ZH_FILLERS), ("ko", sorted(FILLERS["ko"]))):
        classes = dict(words.get(language, {}))
        ordinary = classes.pop("ordinary", ())
        table = result.setdefault(language, {})
        for name, members in (*classes.items(), ("filler", fillers), ("ordinary", ordinary)):
            for member in members:
                word = normalise(member).text
                table.setdefault(stem(word) if language == "en" else word, name)
    return result


def form_problems(
    lexicon: Mapping[str, Mapping[str, Sequence[str]]],
    known: frozenset[str] | set[str] | None = None,
    cues: Mapping[str, Any] | None = None,
) -> list[str]:
    """One line for every unknown finding id, empty form, form shared by two findings, and form equal to a context cue."""
    problems: list[str] = []
    literals = {
        (table, tuple(pieces)): row["category"]
        for row in (cues or {}).get("cue", ())
        if row["category"] not in ("pseudo", "minimising")  # where the finding wins, as it should
        for literal in row["literals"]
        for table, pieces in [_pieces(row["language"], normalise(literal).text.strip(), cue=True)]
    }
    for language, by_finding in lexicon.items():
        owners: dict[tuple[str, ...], str] = {}
        for finding, forms in by_finding.items():
            place = f"lexicon/{language}: {finding}"
            if known is not None and finding not in known:
                problems.append(f"{place}: unknown finding. Expected an id of findings/*.toml")
            for form in forms:
                table, pieces = _pieces(language, normalise(form.lstrip("~")).text.strip())
                entry = tuple(pieces)
                if not entry:
                    problems.append(f"{place}: empty form {form!r}")
                    continue
                if form.startswith("~"):
                    continue  # a bare attribute may serve several findings: each counts with its own parent only
                owner = owners.setdefault(entry, finding)
                if owner != finding:
                    problems.append(f"{place}: form {form!r} is also a form of {owner}")
                if (table, entry) in literals:
                    problems.append(f"{place}: form {form!r} is also a context cue ({literals[table, entry]})")
    return problems
