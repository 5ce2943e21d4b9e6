"""Words as the English Web Treebank cuts them.

Raw text is cut as the annotators of UD English EWT cut it (Silveira et al. 2014): after
the Penn Treebank, but with the parts of hyphenated compounds apart. One pattern does
it, whose alternatives are tried in their order: what stays whole comes before what it
is made of. The lists are of English; the rest works on letters and digits of any
script.

Words of EWT r2.10 recovered from the raw text of its sentences, by F1 of their spans
(multiword tokens count as their words): 99.49 on dev, after which the rules were made,
as after train; 99.21 on test. `Tokenizer("words")` recovers 93.10 and 92.88.
"""

from __future__ import annotations

import regex

from zoo.text.scripts import SIGN, SPACED_SIGN


def _either(words: str) -> str:
    """Returns a pattern of one of several words, the longest tried first."""
    return "|".join(sorted(map(regex.escape, words.split()), key=len, reverse=True))


# Endings of a file's or a host's name, which keep `report.doc` and `enron.com` whole.
ENDINGS = _either(
    """asp aspx avi biz cfm com csv doc docx edu exe gif gov gz html htm info jpeg jpg
    mil mov mp3 mp4 mpg net nsf org pdf php png ppt pptx ps pst py rtf shtml tar tex tif
    tiff txt vcf wav wmf xls xlsx xml zip au br ca cn de es eu fr il in io it jp kr ly
    mx nl nz ru se tv uk url us za"""
)
# Abbreviations whose period is theirs; `no.` and the like only in front of a number.
ABBREVIATIONS = _either(
    """Adm Asst Ass't Attn Aug Ave Blvd Brig Bros Capt Cmdr Co Col Conf Corp Ct Dec Dept
    Det Dr Drs Esq Feb Fri Ft Gen Gov Hon Inc Jan Jr Lt Ltd Maj Mr Mrs Ms Mt Messrs Nov
    Oct Ph Pres Prof Pvt Rd Rep Reps Rev Sen Sens Sep Sept Sgt Sr St Ste Supt Thur Thurs
    Tue Tues Univ al approx arrv ca cf dom eg eq esp est et ext ft hrs ie incl intl lb
    lbs mins misc oz rec vs yrs"""
)
BEFORE_A_NUMBER = _either("No Nos Vol pp p Fig Sec Art Ch Para Jul Jun Apr Mar")
# Before a hyphen these are no words of their own: `co-founder`, but `well - known`.
PREFIXES = _either(
    """anti arch bi bio co counter couter de dis e eco ex extra hyper inter intra macro
    mega mid micro mis mono multi neo non over para poly post pre pro proto pseudo
    psycho quasi re semi socio sub super trans tri ultra un under uni"""
)
UNITS = _either(
    """am bn cm ft gb hh hr hrs hz k kb kg km lb lbs m mb min mins mm mph p pm sq x yr
    yrs"""
)
NEGATED = _either(
    "ai are ca could did do does had has have is must should was were would wo"
)
# The first of two words that are written as one, and what may follow it.
FUSED = "|".join(
    rf"{first}(?=(?:{second})(?!{SIGN}))"
    for first, second in {
        "can": "not",
        "(?:gon|wan)": "na",
        "(?:got|out)": "ta",
        "(?:gim|lem)": "me",
        "a": "lot",
        "i": "m|ve",
        "(?:that|there|what|let|he|else)": "s",
        "(?:they|you)": "re|ve|ll",
        "we": "ve",
        f"(?:{NEGATED})": "nt",
    }.items()
)

_LETTER = r"[\p{L}\p{M}\u200c\u200d]"
_EDGE, _END = rf"(?<!{SIGN})", rf"(?!{SIGN})"
_NT = rf"(?i:n['’]t){_END}"
_CLITIC = rf"['’`](?i:s|re|ve|ll|d|m){_END}"
_MONTH, _DAY = r"(?:1[0-2]|0?[1-9])", r"(?:3[01]|[12]\d|0?[1-9])"
# Long runs are bounded, so that the work for a character is.
TREEBANK_WORD = regex.compile(
    rf"""
    # addresses
      (?:(?i:https?|ftp)://|(?i:www\.))[^\s<>"“”]*[^\s<>"“”,;:!?'’)\]}}*.]
    | {_EDGE}(?i:mailto:)?[\w.+%-]{{0,40}}[\w.]@\w[\w-]*(?:\.\w[\w-]*)*
    | (?<!\S)@\w(?:[\w.-]*\w)?
    # names of files, hosts and newsgroups
    | {_EDGE}\w[\w\#&%~-]{{0,40}}(?:\.[\w-]{{1,40}}){{0,8}}\.(?i:{ENDINGS}){_END}
    | {_EDGE}\p{{Ll}}+(?:\.\p{{Ll}}+){{2,}}(?:-\p{{Ll}}+)?{_END}
    | (?<![\w.])\.(?i:{ENDINGS}){_END}
    # emoticons, rulers, ellipses, what is doubled
    | (?<![\p{{L}}\p{{N}}])[<>]?[:;=][-o*'^]?[()\[\]DPpO/\\|*]+(?![\p{{L}}\p{{N}}/])
    | (?<!\S)\(:(?!\S) | <3(?!\S) | \^_+\^
    | [-=<>|*~+\#{{}}_]{{0,40}}(?P<drawn>[-=*~_+\#])(?P=drawn){{2,}}[-=<>|*~+\#{{}}_]*
    | [.!?]{{2,}} | …+\.* | (?P<twice>[-=*~_+$,"'’‘`/\\])(?P=twice)+
    | << | >> | [-=]{{1,40}}> | <[-=]+ | ‘’
    # abbreviations
    | {_EDGE}(?:\p{{L}}\.){{2,}}(?!\p{{L}}) | {_EDGE}(?:\p{{L}}\.)+\p{{L}}{_END}
    | {_EDGE}\p{{Lu}}\.(?=\s+\p{{Lu}})
    | {_EDGE}(?i:{ABBREVIATIONS})\.(?![\p{{L}}.])
    | {_EDGE}(?i:etc)\.(?!\s*$|\s+\p{{Lu}}|\.)
    | {_EDGE}(?i:{BEFORE_A_NUMBER})\.(?=\s*\d)
    | {_EDGE}(?i:[bcw]/[co]|a/c|n/a){_END} | {_EDGE}\p{{Lu}}{{1,2}}&\p{{Lu}}{_END}
    # dates, telephones, zip codes, 1980's, 1,000.50 and 12:30, 5 pm, '99, .5, +1
    | {_EDGE}(?:\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}|{_MONTH}/{_DAY}){_END}
    | {_EDGE}\+?(?:\d{{1,2}}[-.])?(?:\d{{3}}[-./])?\d{{3}}[-.]\d{{4}}{_END}
    | {_EDGE}\d-\d{{4}}{_END} | {_EDGE}\d{{5}}-\d{{4}}{_END}
    | (?<![\w+])\+?\d+(?:[.,:]\d+)*['’]s{_END}
    | {_EDGE}\d+(?:[.,:]\d+)+(?!\d) | {_EDGE}\d+(?=(?i:{UNITS}){_END})
    | (?<!\S)['’]\d\ds?{_END} | {_EDGE}\.\d+{_END} | (?<![\w+])\+\d+{_END}
    # words
    | {_EDGE}(?i:{PREFIXES})-{SIGN}+{_END}
    | {_EDGE}(?i:{FUSED}|it(?=s\s+(?:a|an|the|not|been)\b))
    | {SPACED_SIGN}+?(?={_NT}) | {_NT} | {_CLITIC} | {SPACED_SIGN}+(?={_CLITIC})
    | {_LETTER}+['’]{_LETTER}{{2,}}{_END}
    | {SPACED_SIGN}+ | (?![\s\x1c-\x1f])\X
    """,
    regex.VERBOSE | regex.V1,
)
