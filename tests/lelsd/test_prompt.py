"""The part a prompt means: a table of prompts as people type them, negation, bad input and the command line."""
from __future__ import annotations

import json

import pytest

from lelsd import lexicon, prompt as prompt_module, similarity
from lelsd.prompt import main, parse_prompt

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
    from segmentation.parts import PARTS
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


NEGATED = [line.split(" | ") for line in """
someone without a hat | hat | someone with a hat
no beard | skin | a person with beard
a man with no beard | skin | a man with beard
not smiling | mouth | a person who is smiling
she isn't smiling | mouth | she is smiling
a clean-shaven man | skin | a bearded man
hatless | hat | a person who is wearing a hat
a woman who never wears glasses | eyeglasses | a woman who wears glasses
a person without a necklace or earrings | necklace | a person with a necklace or earrings
without glasses | eyeglasses | a person with glasses
not wearing a hat | hat | a person wearing a hat
""".strip().splitlines()]


@pytest.mark.parametrize("text, part, source", NEGATED)
def test_negation(text, part, source):
    prompt = parse_prompt(text)
    assert prompt.part == part and prompt.negated
    assert prompt.source_text("a person") == source


@pytest.mark.parametrize("text", ["un-smiling", "a face with the wrinkles removed", "wrinkle-free", "take the hat off", "get rid of the beard", "she removes her hat",
                                  "contact lenses rather than glasses", "no glasses, hat or beard", "remove the hat and the glasses", "shave off his beard",
                                  "doesnt wear a necklace", "free of freckles", "stop smiling"])
def test_ways_to_say_no(text):
    assert [m for m in parse_prompt(text).mentions if m.kind != "whole"][-1].negated


@pytest.mark.parametrize("text", ["not only curly hair", "take a picture of blue eyes", "a hoodie off the shoulder", "no hat and long hair", "remove the hat and add glasses"])
def test_ways_that_only_look_like_no(text):
    assert not parse_prompt(text).mentions[-1].negated


@pytest.mark.parametrize("text, part", [("hiar", "hair"), ("eys", "eyes"), ("glases", "eyeglasses"), ("scraf", "clothes"), ("spectecles", "eyeglasses"), ("sunglases", "eyeglasses"), ("beared", "skin")])
def test_misspelt(text, part):
    prompt = parse_prompt(text)
    assert (prompt.part, prompt.phrase, prompt.decided_by) == (part, text, "lexicon")


@pytest.mark.parametrize("word", "hire hear chair hut bear noose ship clip heat cup lid seas news mound sking bread dress zzz qq xhair".split())
def test_words_are_not_corrected_into_parts(word):
    from lelsd.matching import vocabulary
    corrected = vocabulary().speller.correct(word)
    assert corrected == word or word in ("sking", "xhair")


@pytest.mark.parametrize("text", ["a man with no hat but a beard", "a person with no glasses and with long hair", "a smiling man without a hat"])
def test_negation_reaches_only_its_own_part(text):
    by_part = {next(iter(m.parts)): m.negated for m in parse_prompt(text).mentions if m.kind != "subject"}
    assert sorted(by_part.values()) == [False, True]
    assert by_part.get("hat", by_part.get("eyeglasses")) is True


def test_several_parts_and_weights():
    prompt = parse_prompt("a smiling woman with short curly red hair and glasses")
    assert prompt.part == "mouth"
    assert prompt.parts["hair"] == prompt.parts["eyeglasses"] == 1.0
    assert parse_prompt("an old man with a red hat").parts == {"hat": 1.0, "face": 0.5, "hair": 0.25, "neck": 0.2}


def test_texts_for_clip():
    assert parse_prompt("curly hair").target_text("a person") == "a person with curly hair"
    assert parse_prompt("smiling").target_text("a person") == "a person who is smiling"
    assert parse_prompt("a woman with curly hair").source_text("a person") == "a woman"
    assert parse_prompt("a person with curly hair").source_text("a person") == "a person"
    assert parse_prompt("a woman").source_text("a person") == "a person"


@pytest.mark.parametrize("text, word", [("", "empty"), ("  \n ", "empty"), ("hair " * 2000, "300"), ("\0", "empty")])
def test_bad_prompts(text, word):
    with pytest.raises(ValueError, match=word) as caught:
        parse_prompt(text)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("text", ["!!!", "🙂", "x" * 300, "'; DROP TABLE", "ein Mensch", "-", "and and and", "no"])
def test_odd_prompts_fall_back_to_the_face(text):
    assert parse_prompt(text).part == "face"


def test_vectors_decide_when_installed(monkeypatch):
    monkeypatch.setattr(similarity, "by_vectors", lambda text: ("vectors", "hair", "thatch"))
    prompt = parse_prompt("a man with a thatch")
    assert prompt.decided_by in ("vectors", "lexicon")
    prompt = parse_prompt("somebody's thatch")
    assert (prompt.decided_by, prompt.part, prompt.phrase) == ("vectors", "hair", "thatch")


def test_pack_tells_unknown_words_and_its_encoder_may_decide(tiny_pack, monkeypatch):
    from packs.pack import load_pack
    pack = load_pack(tiny_pack) if not hasattr(tiny_pack, "unknown_words") else tiny_pack
    prompt = parse_prompt("somebody qwertyish", pack)
    assert prompt.decided_by in ("clip", "default") and prompt.part in similarity.EXAMPLES
    monkeypatch.setattr(similarity, "MIN_CLIP_SIMILARITY", -1.0)
    monkeypatch.setattr(similarity, "MIN_CLIP_MARGIN", 0.0)
    monkeypatch.setattr(type(pack), "unknown_words", lambda self, text: ["qwertyish"])
    prompt = parse_prompt("somebody qwertyish", pack)
    assert prompt.decided_by == "clip" and prompt.unknown_words == ("qwertyish",)


def test_command_line(capsys, tmp_path):
    result = main(["a person with curly hair"])
    assert result == {"prompt": "a person with curly hair", "part": "hair", "parts": {"hair": 1.0}, "phrase": "curly hair", "negated": False,
                      "decided_by": "lexicon", "unknown_words": [], "region": {}, "explanation": "Because of “curly hair”."}
    file = tmp_path / "prompts.txt"
    file.write_text("curly hair\n\nno beard\n")
    assert main(["--file", str(file)]) is None
    assert [json.loads(line)["part"] for line in capsys.readouterr().out.splitlines()] == ["hair", "skin"]
    with pytest.raises(ValueError, match="either"):
        main([])


def test_same_answer_twice():
    assert parse_prompt("curly hair and a hat") == parse_prompt("curly hair and a hat")
    assert prompt_module.WEIGHT_BY_KIND["noun"] == 1.0


ORDERS = [[cell.strip() for cell in line.split("|")] for line in """
remove the glasses | a person without the glasses | a person with the glasses
take off his hat | a person without his hat | a person with his hat
give him a beard | a person with a beard | a person
put a hat on her | a person with a hat | a person
make her hair blonde | a person with blonde hair | a person
make him sad | a person who is sad | a person
open the mouth | a person with the mouth open | a person
close his eyes | a person with the eyes closed | a person
a person with glasses | a person with glasses | a person
with glasses | a person with glasses | a person
""".strip().splitlines()]


@pytest.mark.parametrize("text, target, source", ORDERS)
def test_orders_become_descriptions(text, target, source):
    prompt = parse_prompt(text)
    assert (prompt.target_text("a person"), prompt.source_text("a person")) == (target, source)


EXPLANATIONS = [line.split(" | ") for line in """
curly hair | Because of “curly hair”.
no hat | Because of “hat”. It is asked to go away.
surprised | Because of “surprised”.
a hiar clip | Because of “hiar clip”, read as “hair clip”.
glasses and no beard | Because of “glasses” (eyeglasses) and “beard” (skin, mouth, neck, to go).
a beard on his face | Because of “beard”.
hat, tie, beard, nose, ears, lips | Because of “hat” (hat), “tie” (clothes), “beard” (skin, mouth, neck), “nose” (nose) and 2 more.
a truck | No part was recognised, so the whole face may change.
""".strip().splitlines()]


@pytest.mark.parametrize("text, line", EXPLANATIONS)
def test_explanations_are_one_line(text, line):
    assert parse_prompt(text).explanation == line


def test_the_choice_of_a_user_is_said_to_be_one():
    assert parse_prompt("curly hair").with_parts("hat").explanation == "Chosen by you."
