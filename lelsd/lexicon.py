"""What people type about a face, and which part of it they mean.

One table. A concept says which parts its words mean (the first one named is the part; weights in [0, 1]), and how its
words behave in a phrase:

noun       heads a phrase and takes in the adjectives before it: "curly red beard" is about the beard
attribute  means its part unless a noun follows: "curly" is hair, "a curly beard" is not
general    an attribute of the whole face; counts half beside a part that is named: "an old man with a hat" is the hat
subject    who is in the picture; counts only when nothing else does: "a woman with a hat" is the hat
look_alike looks like a part and is none: the shades in "shades of grey hair"

`absent` words say that their part's thing is not there ("clean-shaven"); the text after the arrow says it is.
Phrases are written lower case and separated by commas; plurals in -s are added to the nouns.
"""
from __future__ import annotations

from dataclasses import dataclass

KINDS = ("noun", "attribute", "general", "subject", "look_alike")
MAX_PROMPT_CHARACTERS = 300


@dataclass(frozen=True)
class Concept:
    """parts {part name: weight in (0, 1]}, words by kind, and words that deny the thing with what they deny."""
    parts: dict[str, float]
    noun: str = ""
    attribute: str = ""
    general: str = ""
    subject: str = ""
    look_alike: str = ""
    absent: tuple[tuple[str, str], ...] = ()

    def words(self, kind: str) -> list[str]:
        """The phrases of one kind, as written."""
        return [phrase.strip() for phrase in getattr(self, kind).split(",") if phrase.strip()]


CONCEPTS: tuple[Concept, ...] = (
    Concept({"hair": 1.0},
            noun="hair, hairs, curl, ringlet, lock, locks of hair, strand of hair, tress, tresses, mane, perm, afro, dreadlock, dreads, braid, plait, "
                 "cornrow, pigtail, ponytail, pony tail, bun, man bun, topknot, bob, bob cut, pixie cut, mullet, mohawk, buzz cut, crew cut, bowl cut, "
                 "undercut, quiff, pompadour, fringe, bang, haircut, hair cut, hairstyle, hair style, hairdo, hair do, hairline, wig, toupee, highlight, "
                 "hair clip, hair band, hairband, hair tie, hairpin, widow's peak, cowlick, bedhead, bed hair, hat hair, hair colour, hair color, shade of hair, "
                 "bald head, shaved head, shaven head, bald patch, bald spot, comb-over, parting",
            attribute="curly, wavy, frizzy, kinky, blonde, blond, brunette, brunet, redhead, red head, redheaded, ginger, auburn, straight-haired, "
                      "curly-haired, wavy-haired, long-haired, short-haired, dark-haired, fair-haired, light-haired, grey-haired, gray-haired, "
                      "white-haired, red-haired, black-haired, brown-haired, blue-haired, pink-haired, golden-haired, haired, bald, balding, baldness, "
                      "bald-headed, hairless, tousled, unkempt, shoulder-length, permed, tied back, slicked back, salt and pepper, receding",
            look_alike="shade of, shades of, head of, heads of, mop of, shock of"),
    Concept({"hair": 1.0, "skin": 0.6}, noun="sideburn, mutton chop"),
    Concept({"skin": 1.0, "mouth": 0.6, "neck": 0.5},
            noun="beard, mustache, moustache, mustachio, moustachio, goatee, stubble, whisker, facial hair, chin hair, five o'clock shadow, "
                 "5 o'clock shadow, soul patch, handlebar, hair on the chin, hair on his chin, hair on the face, hair on his face",
            attribute="bearded, moustached, mustached, moustachioed, unshaven, stubbly, bewhiskered",
            absent=(("clean-shaven", "bearded"), ("clean shaven", "bearded"), ("freshly shaven", "bearded"), ("freshly shaved", "bearded"),
                    ("beardless", "bearded"), ("shaved off", "bearded"))),
    Concept({"eyes": 1.0},
            noun="eye, eyelid, eyelash, eyelashes, lash, lashes, iris, irises, pupil, gaze, eyeball, eye colour, eye color, eyes closed, closed eyes, "
                 "eyes shut, shut eyes, eyes open, open eyes, eyes wide open, contact lens, contact lenses, eye patch, eyepatch, tear, "
                 "eye shadow, eyeshadow, eyeliner, eye liner, mascara, wink",
            attribute="blue-eyed, green-eyed, brown-eyed, grey-eyed, hazel-eyed, wide-eyed, narrow-eyed, dark-eyed, cross-eyed, eyed, winking, winks, "
                      "blinking, blinks, squinting, squints, sleeping, asleep, sleepy, drowsy, staring, stares, glancing, looking left, looking right, "
                      "looking up, looking down, looking away, crying, weeping, tearful"),
    Concept({"skin": 1.0, "eyes": 0.7},
            noun="bags under the eyes, bags under his eyes, bags under her eyes, bags under their eyes, bags under eyes, eye bag, dark circles, "
                 "circles under the eyes, dark circles under the eyes, crow's feet, crows feet"),
    Concept({"eyebrows": 1.0, "skin": 0.2}, noun="eyebrow, eye brow, brow, monobrow, unibrow, raised eyebrow, arched eyebrow",
            attribute="bushy-browed, browed, bushy"),
    Concept({"eyeglasses": 1.0, "eyes": 0.5, "eyebrows": 0.3},
            noun="glasses, eyeglass, eyeglasses, eye glasses, spectacle, spec, sunglass, sunglasses, sun glasses, dark glasses, shade, goggle, monocle, aviator, "
                 "rim, reading glasses, bifocal, pince-nez, glasses frame, spectacle frame, wayfarer, eyewear, sunnies",
            attribute="bespectacled, spectacled, glasses-wearing", look_alike="glass of, glasses of"),
    Concept({"ears": 1.0}, noun="ear, earlobe, ear lobe, headphone, earphone, earbud, hearing aid, elf ear, ear lobes",
            attribute="big-eared, pointy-eared, eared, jug-eared"),
    Concept({"earrings": 1.0, "ears": 0.4}, noun="earring, ear ring, ear-ring, ear stud, ear piercing, ear cuff, hoop, hoop earring, stud, pierced ear"),
    Concept({"nose": 1.0}, noun="nose, nostril, snout, nose ring, nose stud, nose piercing, nosering, bridge of the nose, tip of the nose, nose hair, septum",
            attribute="big-nosed, hook-nosed, snub-nosed, nosed"),
    Concept({"mouth": 1.0, "skin": 0.3},
            noun="smile, grin, smirk, laugh, laughter, sneer, pout, snarl, jaw drop, dimple smile, toothy grin, happy smile",
            attribute="smiling, smiles, smiley, grinning, grins, smirking, laughing, laughs, pouting, smiled, beaming"),
    Concept({"mouth": 1.0},
            noun="mouth, tooth, teeth, tongue, brace, mouth open, open mouth, mouth wide open, mouth closed, closed mouth, mouth shut, yawn, lips parted, parted lips, "
                 "tongue out, gap tooth, fang, cigarette, pipe, corner of the mouth",
            attribute="open-mouthed, mouthed, gaping, yawning, shouting, screaming, singing, talking, speaking, whistling, toothless, toothy, "
                      "gap-toothed, agape, yelling"),
    Concept({"lips": 1.0, "mouth": 0.5}, noun="lip, lipstick, lip stick, lip gloss, lipgloss, upper lip, lower lip, cupid's bow, kiss",
            attribute="full-lipped, thin-lipped, red-lipped, lipped, kissing, lipsticked"),
    Concept({"skin": 1.0},
            noun="skin, complexion, freckle, wrinkle, blush, blusher, rouge, tan, suntan, sunburn, acne, pimple, spot, scar, mole, birthmark, tattoo, cheek, rosy cheeks, "
                 "red cheeks, dimple, forehead, chin, jaw, jawline, cheekbone, skin tone, skin colour, skin color, beauty mark, sweat, temple, face paint",
            attribute="freckled, freckly, wrinkled, wrinkly, blushing, pale, pallid, tanned, sunburnt, sunburned, rosy, rosy-cheeked, flushed, "
                      "dark-skinned, light-skinned, fair-skinned, brown-skinned, pale-skinned, skinned, spotty, scarred, dimpled, sweaty, olive-skinned"),
    Concept({"skin": 1.0, "neck": 0.6}, noun="double chin"),
    Concept({"neck": 1.0}, noun="neck, throat, adam's apple, nape", attribute="long-necked, necked"),
    Concept({"necklace": 1.0, "neck": 0.5}, noun="necklace, pendant, choker, neck chain, chain, locket, pearl, string of pearls, bead, medallion, amulet"),
    Concept({"necklace": 1.0, "earrings": 1.0}, noun="jewelry, jewellery, jewel"),
    Concept({"clothes": 1.0},
            noun="clothes, clothing, cloth, shirt, t-shirt, tshirt, tee shirt, tie, necktie, neck tie, bow tie, bowtie, suit, dress, dresses, jacket, coat, sweater, jumper, "
                 "pullover, hoodie, blouse, collar, uniform, scarf, scarves, shawl, vest, waistcoat, cardigan, turtleneck, turtle neck, v-neck, crew neck, "
                 "polo neck, polo shirt, tank top, crop top, outfit, costume, robe, gown, cape, shoulder, shoulders, garment, neckline, tuxedo, blazer, "
                 "overall, dungarees, apron, lapel",
            attribute="dressed, clothed, well-dressed, suited"),
    Concept({"hat": 1.0, "hair": 0.5},
            noun="hat, cap, beanie, beret, fedora, bonnet, helmet, hood, turban, crown, tiara, headscarf, head scarf, headgear, headwear, hijab, bandana, bandanna, "
                 "veil, sombrero, bowler, top hat, cowboy hat, straw hat, sun hat, woolly hat, baseball cap, bobble hat, party hat, headdress, "
                 "headband, sweatband, visor, trilby, stetson, panama",
            attribute="hatted, hooded, helmeted, crowned", absent=(("hatless", "wearing a hat"), ("bareheaded", "wearing a hat"),
                                                                  ("bare-headed", "wearing a hat")),
            look_alike="crown of the head, crown of his head, crown of her head"),
    Concept({"background": 1.0},
            noun="background, backdrop, scenery, landscape, sky, skies, beach, forest, wood, mountain, sea, ocean, wall, room, studio, street, city, park, garden, "
                 "tree, sunset, sunrise, wallpaper, surroundings, setting, cloud, snow, field, brick wall, green screen, scene",
            attribute="outdoors, outside, indoors, inside, at night, in nature"),
    Concept({"face": 1.0, "neck": 0.4},
            general="chubby, fat, plump, overweight, thin, skinny, slim, gaunt, round-faced, long-faced, thin-faced, oval-faced, square-jawed, heavy, slender, "
                    "obese"),
    Concept({"face": 1.0},
            noun="face, head, facial expression, expression, face shape, makeup, make-up, make up, cosmetics, face mask, mask, frown, scowl, facial feature",
            general="sad, unhappy, gloomy, miserable, angry, furious, mad, cross, surprised, astonished, shocked, amazed, happy, cheerful, joyful, afraid, "
                    "scared, frightened, disgusted, bored, worried, confused, serious, tired, frowning, scowling, beautiful, attractive, handsome, pretty, "
                    "ugly, cute, evil, made-up, calm, excited, alien, zombie, robot, elf, vampire, clown, cartoon, oval, drunk, healthy, sick, neutral, stern",
            look_alike="face to face"),
    Concept({"face": 1.0, "hair": 0.5, "neck": 0.4},
            general="old, older, elderly, aged, ageing, aging, young, younger, youthful, middle-aged, teenage, senior, child, children, baby, kid, toddler, "
                    "teenager, pensioner, grandma, grandmother, granny, grandpa, grandfather, ancient, infant, adult"),
    Concept({"face": 1.0, "hair": 0.5, "skin": 0.5},
            general="male, female, masculine, feminine, manly, womanly, girlish, boyish, androgynous",
            subject="man, men, woman, women, boy, girl, guy, lady, gentleman, bloke, chap, dude, lad, lass, princess, queen, king, prince, "
                    "businessman, businesswoman, mother, father"),
)

PEOPLE = frozenset("person people someone somebody human individual portrait photo photograph picture image drawing illustration sketch he she they "
                   "who model character".split())
"""Words that say there is somebody; they mean no part."""

MODIFIERS = frozenset(
    "red orange yellow green blue purple violet pink brown black white grey gray golden gold silver dark light bright pale deep fair hazel amber turquoise "
    "teal crimson scarlet beige navy colourful colorful coloured colored dyed natural rosy big bigger large larger huge small smaller little tiny long longer "
    "short shorter medium tall wide wider narrow narrower thick thicker thin thinner full fuller fine bushy bushier heavy light lighter darker very quite "
    "really slightly extremely rather super so too more less round rounded square pointy pointed sharp flat straight crooked hooked button snub arched "
    "raised thick-rimmed rimmed open closed shut wide slight broad broader soft smooth shiny glossy messy neat tidy tight loose fluffy spiky greasy wet dry "
    "new old young funny nice pretty beautiful ugly cute elegant stylish fancy plain knitted woollen woolly leather wooden plastic metal striped patterned "
    "checked floral shaggy trimmed groomed luscious puffy droopy sparkling piercing shining smiling sad happy angry white-rimmed horn-rimmed full-length "
    "shoulder-length upturned double prominent strong weak high low sunken hollow chubby horn dangling hoop pearl diamond and-a-half natural-looking "
    "protruding sticking-out pursed parted wrinkled freckled tanned".split())
"""Adjectives with no part of their own: they belong to the noun they stand before."""

AFTER_NOUN = frozenset("open closed shut wide parted raised dyed curled down up visible showing".split())
"""Adjectives that may follow their noun: "the mouth wide open"."""

NEGATORS = frozenset("no not n't without never lacking minus neither nor hardly barely cannot lose loses remove removes removing removed missing take rid delete".split())
SCOPE_ENDS = frozenset("but with who whose that wearing having has instead yet while although though : ; .".split())
"""A negation reaches up to one of these; also past "or" and "nor", and past "and" only after "without"."""


def check_prompt(text: str) -> str:
    """`text` with white space tidied; ValueError if nothing is left or it is longer than 300 characters."""
    tidy = " ".join(str(text).replace("\0", " ").split())
    if not tidy:
        raise ValueError("the prompt is empty: describe the face you want in up to 300 characters, such as 'a person with curly hair'")
    if len(tidy) > MAX_PROMPT_CHARACTERS:
        raise ValueError(f"the prompt '{tidy[:40]}…' has {len(tidy)} characters: at most {MAX_PROMPT_CHARACTERS} are accepted")
    return tidy
