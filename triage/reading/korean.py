"""Korean words: stems are matched as beginnings, and what may follow them is known here."""

from __future__ import annotations

from triage.knowledge.forms import listed

# Korean endings that may follow a one-syllable noun: anything else begins another word (목요일, 열심히, 배추).
PARTICLES = frozenset(
    listed(
        "이 가 은 는 을 를 도 에 의 만 로 으로 에서 이나 나 랑 이랑 하고 과 와 부터 까지 에도 에는 이랑도 "
        "께서 마저 조차 뿐 이며 며 쪽 속 안 밑 위 옆 앞 뒤 쪽이 쪽에 쪽도 속이 안이 안에 밑이 위에 이요 요 "
        "인데 이고 이라 이에요 예요 입니다 있어요 있음 없어요 없음 이란 만이 에만 나요 나고 나서 나는 납니다 났어요 "
        "도요 이도 들이 들도"
    )
)
_CONTRACTED = frozenset((4, 8, 16, 17, 20))  # finals ㄴ ㄹ ㅁ ㅂ ㅆ: 아프 + ㅂ니다 = 아픕니다
_HANGUL_BASE = 0xAC00


def ends_well(rest: str, short: bool) -> bool:
    """True if a Korean form may end before `rest`: a one-syllable form wants a particle, and 기침약 is a medicine."""
    if short and rest and rest not in PARTICLES:
        return False
    return not rest.startswith("약") or rest.startswith("약하")


def opened_syllable(syllable: str) -> str:
    """The Hangul syllable without its final, if that final is one that contraction adds; else an empty string."""
    code = ord(syllable) - _HANGUL_BASE
    return chr(_HANGUL_BASE + code - code % 28) if 0 <= code < 11172 and code % 28 in _CONTRACTED else ""


def piece_end(text: str, position: int, piece: str, contracted: bool) -> int:
    """The end of a Korean piece at a position, its last syllable possibly contracted with an ending; or -1."""
    if text.startswith(piece, position):
        return position + len(piece)
    end = position + len(piece)
    if contracted and end <= len(text) and opened_syllable(text[end - 1]) == piece[-1] and text.startswith(piece[:-1], position):
        return end
    return -1


def run_end(text: str, position: int) -> int:
    """Where the Hangul run that contains a position ends; at most 12 syllables on, which is longer than any word."""
    end, limit = position, min(len(text), position + 12)
    while end < limit and "가" <= text[end] <= "힣":
        end += 1
    return end
