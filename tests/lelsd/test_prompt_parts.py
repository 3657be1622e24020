"""The part a prompt means: a table of prompts as people type them, moods, places, and words that are not spelt right."""

from __future__ import annotations

import pytest

from lelsd import lexicon, similarity
from lelsd.matching import vocabulary
from lelsd.prompt import parse_prompt
from segmentation.parts import PARTS

TABLE = [[cell.strip() for cell in line.split("|")] for line in """
a person with curly hair | hair | curly hair
a person with blonde hair | hair | blonde hair
a person with the mouth open | mouth | mouth open
a person with glasses | eyeglasses | glasses
curls | hair | curls
A WOMAN WITH BANGS | hair | BANGS
girl with a fringe | hair | fringe
a bald man | hair | bald
redhead | hair | redhead
a long-haired man | hair | long-haired
an old man with long hair | hair | long hair
shades of grey hair | hair | grey hair
hat hair | hair | hat hair
hair clip | hair | hair clip
she has a head of curly hair | hair | curly hair
long and wavy hair | hair | long and wavy hair
short, curly red hair | hair | short, curly red hair
a ponytail | hair | ponytail
receding hairline | hair | receding hairline
someone with a buzz cut | hair | buzz cut
sideburns | hair | sideburns
a man with a beard | skin | beard
a curly red beard | skin | curly red beard
moustache | skin | moustache
a bearded man | skin | bearded
five o'clock shadow | skin | five o'clock shadow
facial hair | skin | facial hair
freckles | skin | freckles
blushing | skin | blushing
a person with wrinkles | skin | wrinkles
pale skin | skin | pale skin
rosy cheeks | skin | rosy cheeks
tanned | skin | tanned
a scar on the forehead | skin | scar
dark-skinned woman | skin | dark-skinned
bags under the eyes | skin | bags under the eyes
double chin | skin | double chin
blue eyes | eyes | blue eyes
pale blue eyes | eyes | pale blue eyes
smiling eyes | eyes | smiling eyes
a blue-eyed boy | eyes | blue-eyed
eyes closed | eyes | eyes closed
winking | eyes | winking
eye shadow | eyes | eye shadow
long eyelashes | eyes | long eyelashes
bushy eyebrows | eyebrows | bushy eyebrows
blonde eyebrows | eyebrows | blonde eyebrows
thick brows | eyebrows | thick brows
spectacles | eyeglasses | spectacles
shades | eyeglasses | shades
sunglasses | eyeglasses | sunglasses
reading glasses | eyeglasses | reading glasses
a bespectacled man | eyeglasses | bespectacled
big ears | ears | big ears
ear rings | earrings | ear rings
pearl earrings | earrings | pearl earrings
hoops | earrings | hoops
big nose | nose | big nose
nose ring | nose | nose ring
big-nosed | nose | big-nosed
smile | mouth | smile
grinning from ear to ear | mouth | grinning
a smiling woman | mouth | smiling
open mouth | mouth | open mouth
white teeth | mouth | white teeth
sticking his tongue out | mouth | tongue out
yawning | mouth | yawning
red lipstick | lips | red lipstick
full lips | lips | full lips
a long neck | neck | long neck
pearl necklace | necklace | pearl necklace
gold chain | necklace | gold chain
a man in a suit and tie | clothes | suit and tie
bow tie | clothes | bow tie
turtle neck | clothes | turtle neck
a red t-shirt | clothes | red t-shirt
a woolly hat | hat | woolly hat
beanie | hat | beanie
baseball cap | hat | baseball cap
a man in a top hat | hat | top hat
headscarf | hat | headscarf
an old hat | hat | old hat
blue background | background | blue background
mountain scenery | background | mountain scenery
standing on a beach | background | beach
sad | mouth | sad
an angry person | eyebrows | angry
surprised | eyebrows | surprised
an elderly man | face | elderly
a young woman | face | young
female | face | female
a woman | face | woman
heavy makeup | face | heavy makeup
a face | face | face
chubby | face | chubby
a gap-toothed grin | mouth | gap-toothed grin
a man with moustashe | skin | moustashe
eyeglases | eyeglasses | eyeglases
hiar | hair | hiar
purpel eybrows | eyebrows | purpel eybrows
a mowhawk | hair | mowhawk
smoky eye makeup | eyes | smoky eye makeup
jewellery dangling from her ears | earrings | jewellery
a bald eagle | face |
a moon-shaped thing | face |
thin, lopsided lips | lips | lips
heavy-lidded | eyes | heavy-lidded
an ear for music | face |
the eye of a needle | face |
a hair salon | face |
a chair, a hut and a bear for hire | face |
a truck | face |
a person holding a glass of wine | face |
something else entirely | face |
""".strip().splitlines()]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_table(row):
    text, part, phrase = row
    prompt = parse_prompt(text)
    assert (prompt.part, prompt.phrase) == (part, phrase)
    assert prompt.decided_by == ("lexicon" if phrase else "default")
    assert prompt.parts[prompt.part] == 1.0 == max(prompt.parts.values()) and min(prompt.parts.values()) > 0


def test_table_is_large_and_covers_every_part():
    assert len(TABLE) >= 80
    assert {row[1] for row in TABLE} == set(PARTS)
    assert {part for concept in lexicon.concepts() for part in concept.parts} == set(PARTS) == set(similarity.EXAMPLES)


def test_a_phrase_means_one_concept():
    """The vocabulary is one table: a phrase that stands in two rows would mean what the later one says."""
    phrases = [phrase for concept in lexicon.concepts() for some in concept.phrases.values() for phrase in some]
    assert len(phrases) == len(set(phrases)) > 2000
    assert all(phrase == phrase.lower().strip() for phrase in phrases)
    assert not set(phrases) & set(lexicon.idioms())


MOODS = [line.split(" | ") for line in """
surprised | eyebrows eyes mouth
sad | mouth eyebrows eyes
angry | eyebrows eyes mouth
happy | mouth eyes eyebrows
disgusted | nose mouth eyebrows eyes
tired | eyes
crying | eyes
smiling | mouth
a beard | skin mouth neck
elderly | face hair
elf ears | ears
""".strip().splitlines()]


@pytest.mark.parametrize("text, parts", MOODS)
def test_moods_and_beards_are_several_parts(text, parts):
    assert set(parse_prompt(text).sure_parts) == set(parts.split())


def test_the_main_parts_are_those_that_count_as_much_as_the_part():
    assert set(parse_prompt("surprised").main_parts) == {"eyebrows", "eyes", "mouth"}
    assert parse_prompt("a beard").main_parts == ("skin",)
    assert set(parse_prompt("glasses and a hat").main_parts) == {"eyeglasses", "hat"}


PLACES = [line.split(" | ") for line in """
freckles on the nose | nose skin
a scar across the left eye | eyes skin
a mole next to the mouth | skin
a tattoo on his neck | neck skin
a hat pulled down over the eyes | hat
a gold chain around the neck | necklace
a diamond in each ear | earrings
a beard on his face | skin mouth neck
""".strip().splitlines()]


@pytest.mark.parametrize("text, parts", PLACES)
def test_where_a_thing_is(text, parts):
    prompt = parse_prompt(text)
    assert set(prompt.sure_parts) == set(parts.split()) and prompt.part == parts.split()[0]


@pytest.mark.parametrize("text, part", [
    ("hiar", "hair"), ("eys", "eyes"), ("glases", "eyeglasses"), ("scraf", "clothes"), ("spectecles", "eyeglasses"),
    ("sunglases", "eyeglasses"), ("beared", "skin")])
def test_misspelt(text, part):
    prompt = parse_prompt(text)
    assert (prompt.part, prompt.phrase, prompt.decided_by) == (part, text, "lexicon")


@pytest.mark.parametrize("word", "hire hear chair hut bear noose ship clip heat cup lid seas news mound sking bread dress zzz qq "
                                 "xhair".split())
def test_words_are_not_corrected_into_parts(word):
    corrected = vocabulary().speller.correct(word)
    assert corrected == word or word in ("sking", "xhair")
