"""What is said instead of what in requests as people speak them: the tables of `lelsd.spoken`, which are gone through in the order of `RULES`."""
from __future__ import annotations

import re
from collections.abc import Callable

from lelsd.colour_words import COLOURS
from lelsd.degrees import PERSON
from lelsd.lexicon import BARE
from lelsd.orders import MODAL, ORDER, SOMEBODY, WHOM, WHOSE

WHO = rf"(?:s?he|they|it|we|i|you|{SOMEBODY})"
HELLO = r"(?:(?:please|pls|plz|kindly)(?: to)?|now|then|next|ok|okay|hi|hey|hello|dear \w+|well|um+|uh|hm+|so|like|maybe|perhaps|possibly|just|also)"
THANKS = r"(?:please|pls|plz|ok|okay|thanks|thank you|thx|dear|lol|haha|again|too|now|instead|as well|(?:for|4) (?:me|him|her|them)|show me|if you can|if possible|i guess|i think|idk|rn|right now|this time|any ?more|nothing else|[:;]-?[)D(]|<3)"
WANT = r"(?:(?:i|we)(?: really)? (?:want|need|prefer|like|love)|(?:i|we)(?: would|'d)(?: really)? (?:like|love|prefer)|(?:i am|i'm) looking for|i wish for)"
UNWANTED = r"(?:i|we) (?:(?:do not|don't|dont) (?:want|need|like)|hate|dislike)"
IS = r"(?:(?:(?P<has>has|have|had|having|gets?|got)|(?P<wears>wears?|wore|wearing)|(?:is|are|was|were|be|being|looks?|looked|become|becomes)(?: like)?) )"
STATE = f"{IS}?"
FRAMES = tuple(re.compile(rf"(?P<before>^|[,;.!?] *|\b(?:and|but) ){pattern}", re.IGNORECASE) for pattern in (
    rf"(?:{HELLO}[,!]* )+",
    rf"(?:(?:can|could|would|will) (?:you|we|i)|(?:is it|would it be) possible to|let's|lets|let us|{WANT} (?:you )?to(?! see))(?: {HELLO})* (?={ORDER})",
    r"would it be possible to (?:have|see|get) ",
    r"there (?:is|are|was|were|should be) (?=(?:no|an?|some) )",
    r"(?:i think|i guess|i feel like) (?:that )?",
    r"no more (?P<no>)",
    r"no longer (?P<not>)",
    rf"{UNWANTED} {WHOM} to (?P<not>){STATE}",
    rf"{UNWANTED} (?:to see )?(?:{WHOSE} |any |an? )?(?P<no>)",
    rf"{WANT} (?:to see )?{WHOM} (?:to {STATE})?",
    rf"{WANT} (?:to (?:see|have|try|get) )?",
    rf"(?:what if|suppose|imagine|pretend|i wish) (?:that )?(?:{WHO} {STATE}|(?={WHOSE} \w+ (?:was|were|is|are)\b))",
    rf"(?:how|what) (?:would|will|does|do|could) {WHO} look (?:like )?(?:as |if {WHO} {STATE})?",
    rf"(?:{WHO} )?would look (?:good|great|nice|better|cute) (?=with|in )",
    rf"{MODAL} {WHO}(?: {HELLO})* {STATE}",
    rf"{MODAL} (?={WHOSE} \w+ (?:be|look|become)\b)",
    rf"{WHO} (?:should|must|shall)(?:n't| not) (?P<not>){STATE}",
    rf"{WHO} {MODAL} {STATE}",
    rf"{WHO} (?P<has>needs|wants) ",
    rf"{WHO} looks? (?=less|more|older|younger)",
    rf"let {WHOM} {STATE}",
    rf"hook {WHOM} up (?=with )",
    rf"see {WHOM} (?:as )?",
    rf"(?:show|imagine|picture)(?: me)? {WHOM} (?:as |(?=with|without|wearing|in ))",
    rf"(?:make|turn|change) {WHOM} (?:look |appear )?(?:like|into|as) (?=an? )",
    rf"make {WHOM} look (?:like|as if) (?:s?he|they)(?:'s|'re| is| are) ",
    r"(?:how about|what about|try(?: on| out)?|go for|(?:generate|create|draw|render|produce|show)(?: me)?) ",
    rf"(?<=and ){WHO} {IS}",
    r"(?:this(?: one)?|(?:the )?(?:same|(?:same )?(?:person|face))),? but ",
    rf"(?:keep|leave) everything(?: else)?(?: the same| as (?:it )?is)?,? (?:but|except)(?: that| for)? ",
    rf"(?:do|does|would|will) {WHO} look (?:better|good|nice|great|ok) (?:as |if {WHO} {STATE})?",
    r"as (?=an? )",
))
"""What stands before a request, at the beginning of a text or of a clause."""

WORDS = {"’": "'", "u": "you", "ur": "your", "cud": "could", "wud": "would", "shud": "should", "lil": "little", "wat": "what", "hes": "he's", "shes": "she's",
         "wanna": "want to", "gimme": "give me", "bg": "background", "blu": "blue", "wavey": "wavy", "gurl": "girl", "grl": "girl", "earings": "earrings", "makup": "makeup", "make up": "makeup",
         "more happy": "happier", "more sad": "sadder", "more old": "older", "more young": "younger", "more big": "bigger", "more long": "longer", "more short": "shorter"}
DECADES = r"(?:(?:a|one|two|three|a few|a couple of|several) decades?)"
NUMBER = r"(?:\d+|a few|few|a couple of|some|a good \w+|five|ten|fifteen|twenty|thirty|forty|fifty)"
SHADE = rf"(?:{'|'.join(COLOURS)}|blonde?|gr[ea]y|ginger|brunette|curly|straight|wavy|long|short|old|young)"
INSTEAD_OF_TOO = {"small": "bigger", "big": "smaller", "large": "smaller", "long": "shorter", "short": "longer", "dark": "lighter", "light": "darker", "pale": "darker",
                  "old": "younger", "young": "older", "thin": "thicker", "thick": "thinner", "wide": "narrower", "narrow": "wider", "serious": "happier", "grumpy": "happier"}
BY_VERB = {"lengthen": "longer", "shorten": "shorter", "straighten": "straight", "darken": "darker", "lighten": "lighter", "thin out": "thinner", "thin down": "thinner", "thicken": "thicker",
           "enlarge": "bigger", "shrink": "smaller", "whiten": "whiter", "widen": "wider"}
DOING = {"adding": "add", "making": "make", "giving": "give", "removing": "remove", "taking": "take", "changing": "change", "turning": "turn"}
ALWAYS_THERE = BARE | {"background", "clothes", "shirt", "expression"}


Said = str | Callable[[re.Match], str]


def _replaced(found: re.Match) -> str:
    """The new for the old, which goes unless everybody has such a thing: "sunglasses instead of glasses", but "blonde hair"."""
    return found["new"] if found["old"].lower().split()[-1] in ALWAYS_THERE else f"{found['new']} instead of {found['old']}"


def _by_verb(found: re.Match) -> str:
    """An order by its verb, as what shall be: "straighten her hair" is "straight hair", "darken the skin" "darker skin"."""
    return f"{found[1]}{BY_VERB[found[2].lower()]} {found[3]}"


def _in(words: dict[str, str]) -> Callable[[re.Match], str]:
    return lambda found: words[found[0].lower()]


def _table(*rows: tuple[str, Said]) -> tuple[tuple[re.Pattern, Said], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), said) for pattern, said in rows)


THE = r"(?:(?:the|that|those|these|this|his|her|their|my|your|its) )"
NAMED = r"([a-z][a-z-]*(?: [a-z-]+)?)"  # a thing, with a word before it
BEGIN = r"(^|[,;:.!?] *|\band )"
DONE = r"(?= *(?:$|[,;.!?]|and\b|but\b))"
GOING = _table(
    (rf"{BEGIN}(?:undo|reverse|revert) {THE}?{NAMED}{DONE}", r"\1no \2"),
    (rf"{BEGIN}{THE}?{NAMED} (?:needs? to|has to|have to|must|should|can|could|ought to) (?:go|disappear|vanish|come off|be (?:gone|removed|deleted|taken off)){DONE}", r"\1no \2"),
    (rf"{BEGIN}(?:wipe|get|knock|pull) {THE}{NAMED} off(?: (?:of )?{WHOSE} (?:face|head|nose|chin))?{DONE}", r"\1no \2"),
    (rf"{BEGIN}{THE}?{NAMED}: *(?:removed?|deleted?|off|gone|none|no){DONE}", r"\1no \2"),
    (rf"{BEGIN}off with {THE}?{NAMED}(?: and {THE}?{NAMED})?{DONE}", lambda found: f"{found[1]}no {found[2]}" + (f" and no {found[3]}" if found[3] else "")),
    (rf"{BEGIN}(?!put |try |take |get |keep |leave |with |pull |turn |have |shave |cut ){THE}?{NAMED} off{DONE}", r"\1without \2"),
    (rf"{BEGIN}(?!put |try |keep |leave |with |pull |turn |have ){THE}?{NAMED} on{DONE}", r"\1\2"),
    (rf"{BEGIN}{THE}(\w+) (?:should not|shouldn't|must not|mustn't|isn't supposed to) be (\w+){DONE}", r"\1no \3 \2"),
    (rf"{BEGIN}{THE}?{NAMED} (?:could|should|can|might|needs? to|has to) be (?:toned down|reduced|less)( a bit| slightly| a little)?(?!\w)", r"\1\3 less \2"),
)
"""What shall go or be less, said of the thing."""

# What is said instead of what, in this order: what is beside a request goes first, then what says how much comes to words of `lelsd.degrees`.
BEFORE_FRAMES = _table(
    (r"([a-z])\1{2,}", r"\1"),
    (rf"^.*\b(?:with|wears?|wearing|has|have|having|got) (?:an? |{THE})?{NAMED}[,!?]* (?:take|get|throw|pull|cut) (?:it|them|that|those) (?:away|off|out)$", r"no \1"),
    (r"^(?:no|nope|wait|wrong|sorry)[,.!]* (?:not (?:an? |the )?[\w -]+[,.;!]+ *)?i (?:said|meant|asked for|wanted) ", ""),
    (r",? (?:rather than|instead of) (?:whatever|what|how) [^,.;]*", ""),
    (r"\b(make|give|let|turn) s?he\b", r"\1 them"),
    (r"\b(?:do not|don't|dont) go (?:full |all )?(?!too\b|over|crazy|mad\b|wild|that\b|so\b)(?=[a-z])", "no "),
    (r",? than (?:now|before|it is|they are|(?:s?he|they) (?:is|are|has|have))(?: now)?(?=[ .!?]*$)", ""),
    (rf"(?<!\w)(?:{'|'.join(WORDS)})(?!\w)|’", _in(WORDS)),
    (rf"(?:[,.!?]* *(?<!\w){THANKS}(?!\w))+[ .!?]*$|[ .!?]+$|(?:,? *\b(?:please|pls|plz))+(?= *[,.;!?]| and\b)", ""),
    (r",? so (?:that )?(?:i|we) can see .*$|,? would (?:be|look) (?:nice|good|great|better|cool|cute|lovely)(?: on \w+)?$"
     r"|,? it(?:'s|s| is) (?:kinda |a bit |way )?too \w+$", ""),
    (rf"\b({SHADE})(?: (hair|eyes|skin))?,? (?:and )?not {SHADE}\b(?: \2)?|^not {SHADE}(?: (hair|eyes|skin))?,? (?:but )?(?:rather )?({SHADE})\b",
     lambda found: " ".join(word for word in (found[1] or found[4], found[2] or found[3]) if word)),
    (r"\b((?:give|make|turn|let|on|to|of|for|change) (?:the|this|that)|(?:the|this|that)(?= [\w ]+['’]s )) (?:young|younger|old|older|elderly|poor) (?=(?:person|man|woman|boy|girl|guy|lady|gentleman|kid|chap)\b)", r"\1 "),
    (rf"(^|[,;.] *|\b(?:and|make|turn|give|change|dye|cut|colou?r|paint) ){SOMEBODY}'s (?!\w+ing\b|(?:not|got|an?|too|very|so)\b)", r"\1their "),
    (r"\b(?:completely|totally|entirely|absolutely|fully) (?=\w)", ""),
    (rf"\btake (?:(?:about|some|maybe|at least) )*{NUMBER} (?:years?|yrs?) off(?: (?:of )?(?:{WHOM}|{WHOSE} (?:face|age)))?(?!\w)", "younger"),
    (rf"(?:(?:by|like|about|some|maybe) )*{NUMBER} (?:years?|yrs?) (older|younger)\b", r"\1"),
    (rf"\b(older|younger) by {NUMBER} (?:years?|yrs?)\b", r"\1"),
    (rf"{BEGIN}(?:drop|skip|scrap|toss|wipe off|forget|avoid|exclude|omit) (?={WHOSE} )", r"\1remove "),
    (rf"{BEGIN}({'|'.join(BY_VERB)})(?: out| up| down)? {THE}?(\w+)(?: out| up| down)?{DONE}", _by_verb),
    (rf"\bage {WHOM}(?: up)?(?: by)?(?: {NUMBER} (?:years?|yrs?)| {DECADES})?(?: or so)?$", "older"),
    (rf"{BEGIN}(?:tone down|reduce|decrease|lessen) (?:{WHOSE} )?", r"\1less "),
    (rf"{BEGIN}(?:increase|enhance|boost) (?:{WHOSE} )?", r"\1more "),
    (rf"\bshave {WHOSE} head\b", "bald"),
    (rf"(?:\b(?:make|let) {WHOM} |\b(?:a|some|add) )?\bblush(?:ing cheeks)?(?!\w)", "rosy cheeks"),
    (r"\b(very|really|much|so|far|way)(?:,? \1\b)+", r"\1"),
    (r"(?<!not )\btoo (?:much|many)\b", "less"),  # what there is too much of is to be less
    (r"(?<!not )\btoo (\w+)(?: here)?(?= *(?:$|[,.;!?]| and\b| but\b))", lambda found: INSTEAD_OF_TOO.get(found[1].lower(), f"less {found[1]}")),
    (r",? but not (?:too|so|that|very)(?: much| \w+)?$", " a bit"),
    (r"\b(?:do not|don't|dont) (\w+) (?:so|that|too) much\b", r"\1 less"),
)
AFTER_FRAMES = _table(
    (rf"\b(?:(?:get|take|put|with) )?(?:{WHOSE} )?hair (?:off|out of) (?:{WHOSE} )?(?:forehead|face|eyes)\b", "no bangs"),
    (r"\b(hair|background|shirt|hat|skin|lipstick|beard)s? colou?r\b(?! of\b)", r"\1"),
    (r"\b(eye|lip|eyebrow|brow)s? colou?r\b(?! of\b)", r"\1s"),
    (rf"\b(an?) (dark|light|pale|fair)-skinned ({PERSON})", r"\1 \3 with \2 skin"),
    (rf"\b({'|'.join(COLOURS)}|gr[ea]y|hazel|dark|light|fair|pale)-(skin|eye)(?:ned|d)(?! (?:{PERSON}|\w+ed\b|[a-z]+-))(?=$|[,.;!?]| and\b| with\b)", lambda found: f"{found[1]} {found[2]}{'s' * (found[2].lower() == 'eye')}"),
    (rf"^(?:replace|swap|exchange) (?:{WHOSE} )?(?P<old>[\w -]+?) (?:with|for|by) (?P<new>[\w -]+)(?<! one)$", _replaced),
    (rf"^(?:{'|'.join(DOING)})\b", _in(DOING)),
)


def _without_frame(found: re.Match) -> str:
    """What stays of words that ask: whether somebody shall have a thing, wear it, or do without it."""
    said = found.groupdict()
    denied = "not " if said.get("not") is not None else "no " if said.get("no") is not None else ""
    return said["before"] + denied + ("with " if said.get("has") else "wearing " if said.get("wears") else "")


RULES = (*GOING, *BEFORE_FRAMES, *((frame, _without_frame) for frame in FRAMES), *AFTER_FRAMES)
