"""What people say about a face: one table of words for every topic and both of its values.

A *topic* is an attribute of `portraits.scene.ATTRIBUTES`, or one of the finer topics of `portraits.topics.GRADES`
(lower-case names: "very_long_hair", "wide_open_mouth"). A key of `PHRASES` is (topic, value); its entry says in which
places of a sentence which words fit:

    adjective   before the noun              "a *bald* man"
    hair        before the word "hair"       "*curly* red hair"
    having      after "with" / "who has"     "a face with *freckles*"
    wearing     after "with" or "wearing"    "someone wearing *glasses*"
    after       after the noun, as it is     "a woman *not smiling*"

Words stand in one string, separated by "|"; those after "//" are held out from training: they are for asking whether
the text encoder understands more than it was told, or for measuring with words that it was not trained on.
"""

from __future__ import annotations

import functools
from typing import NamedTuple


class Phrases(NamedTuple):
    """The words of one (topic, value), by place in the sentence; see the module's docstring."""

    adjective: str = ""
    hair: str = ""
    having: str = ""
    wearing: str = ""
    after: str = ""

    @functools.cache
    def options(self, place: str, split: str) -> tuple[str, ...]:
        """Words for `place` ("adjective", "hair", ...) in `split` ("train" or "heldout"; train where none is held out)."""
        train, _, heldout = getattr(self, place).partition("//")
        chosen = heldout if split == "heldout" and heldout else train
        return tuple(words.strip() for words in chosen.split("|") if words.strip())


PHRASES: dict[tuple[str, bool], Phrases] = {
    # hair
    ("Bald", True): Phrases(adjective="bald|hairless//bald-headed", having="no hair|a bald head|a shaved head//a bare scalp",
                            after="without hair//without any hair"),
    ("Bald", False): Phrases(having="hair|a full head of hair//hair on the head", after="who is not bald//who isn't bald"),
    ("Bangs", True): Phrases(having="bangs|a fringe|hair over the forehead//bangs over the forehead|a fringe of hair"),
    ("Bangs", False): Phrases(having="no bangs|no fringe", after="without bangs|without a fringe//without any fringe"),
    ("Black_Hair", True): Phrases(adjective="black-haired|dark-haired", hair="black|jet black|dark//raven black"),
    ("Black_Hair", False): Phrases(after="without black hair"),
    ("Blond_Hair", True): Phrases(adjective="blonde|blond|fair-haired//blonde-haired",
                                  hair="blonde|blond|fair|golden|light blond//yellow|golden blonde"),
    ("Blond_Hair", False): Phrases(after="without blonde hair|who is not blond//who isn't blonde"),
    ("Brown_Hair", True): Phrases(adjective="brunette|brown-haired", hair="brown|brunette|chestnut//brownish|chestnut brown"),
    ("Brown_Hair", False): Phrases(after="without brown hair"),
    ("Gray_Hair", True): Phrases(adjective="grey-haired|gray-haired//white-haired",
                                 hair="grey|gray|silver|white//silvery|greying"),
    ("Gray_Hair", False): Phrases(after="without grey hair|without gray hair"),
    ("Red_Hair", True): Phrases(adjective="red-haired|ginger//redheaded", hair="red|ginger|auburn|copper//orange|reddish"),
    ("Red_Hair", False): Phrases(after="without red hair"),
    ("Straight_Hair", True): Phrases(adjective="straight-haired", hair="straight|sleek|smooth//straightened"),
    ("Straight_Hair", False): Phrases(having="hair that is not straight", after="without straight hair"),
    ("Wavy_Hair", True): Phrases(adjective="wavy-haired", hair="wavy|slightly wavy//waving", having="waves in the hair|wavy locks"),
    ("Wavy_Hair", False): Phrases(after="without wavy hair|without waves in the hair"),
    ("Curly_Hair", True): Phrases(adjective="curly-haired|curly", hair="curly|frizzy|curled//ringleted|tightly curled",
                                  having="curls|ringlets|a head of curls//corkscrew curls|lots of curls"),
    ("Curly_Hair", False): Phrases(having="no curls", after="without curls|without curly hair//without any curls"),
    ("Long_Hair", True): Phrases(adjective="long-haired", hair="long|long flowing//flowing"),
    ("Long_Hair", False): Phrases(after="without long hair", having="hair that is not long"),
    ("short_hair", True): Phrases(adjective="short-haired", hair="short|short cropped|close-cropped//cropped|trimmed"),
    ("medium_hair", True): Phrases(hair="medium length|chin-length|shoulder-length//mid-length"),
    ("very_long_hair", True): Phrases(hair="very long|extremely long//really long"),
    ("very_curly_hair", True): Phrases(hair="very curly|extremely curly//really curly"),
    ("Receding_Hairline", True): Phrases(having="a receding hairline|receding hair|a high forehead//a hairline that recedes"),
    ("Receding_Hairline", False): Phrases(after="without a receding hairline", having="no receding hairline"),
    # brows and eyes
    ("Bushy_Eyebrows", True): Phrases(having="bushy eyebrows|thick eyebrows|heavy brows|bushy brows//dense eyebrows|thick brows"),
    ("Bushy_Eyebrows", False): Phrases(after="without bushy eyebrows", having="eyebrows that are not bushy"),
    ("thin_eyebrows", True): Phrases(having="thin eyebrows|thin brows|fine eyebrows//slim brows"),
    ("Arched_Eyebrows", True): Phrases(having="arched eyebrows|arched brows|high arched eyebrows//curved eyebrows"),
    ("Arched_Eyebrows", False): Phrases(after="without arched eyebrows", having="eyebrows that are not arched"),
    ("Narrow_Eyes", True): Phrases(having="narrow eyes|narrowed eyes|half-closed eyes//small narrow eyes"),
    ("Narrow_Eyes", False): Phrases(after="without narrow eyes"),
    ("wide_open_eyes", True): Phrases(having="wide eyes|wide open eyes|the eyes wide open//eyes opened wide"),
    ("Bags_Under_Eyes", True): Phrases(having="bags under the eyes|tired eyes|dark circles under the eyes//eye bags|bags below the eyes"),
    ("Bags_Under_Eyes", False): Phrases(after="without bags under the eyes"),
    ("Blue_Eyes", True): Phrases(adjective="blue-eyed", having="blue eyes|bright blue eyes//eyes that are blue"),
    ("Blue_Eyes", False): Phrases(after="without blue eyes"),
    ("Green_Eyes", True): Phrases(adjective="green-eyed", having="green eyes|bright green eyes//eyes that are green"),
    ("Green_Eyes", False): Phrases(after="without green eyes"),
    ("Brown_Eyes", True): Phrases(adjective="brown-eyed", having="brown eyes|dark eyes|dark brown eyes//eyes that are brown"),
    ("Brown_Eyes", False): Phrases(after="without brown eyes"),
    ("Eyes_Closed", True): Phrases(adjective="sleeping", having="the eyes closed|closed eyes|the eyes shut|shut eyes|eyes closed//"
                                   "eyes that are closed|both eyes shut", after="whose eyes are closed"),
    ("Eyes_Closed", False): Phrases(having="open eyes|the eyes open//eyes that are open", after="whose eyes are open"),
    # worn
    ("Eyeglasses", True): Phrases(wearing="glasses|eyeglasses|spectacles|reading glasses//specs|a pair of glasses", adjective="bespectacled"),
    ("Eyeglasses", False): Phrases(having="no glasses", after="without glasses|without eyeglasses|without spectacles|not wearing glasses//"
                                   "without any glasses|who wears no glasses"),
    ("Sunglasses", True): Phrases(wearing="sunglasses|dark glasses|shades|black sunglasses//sun glasses|dark sunglasses"),
    ("Sunglasses", False): Phrases(after="without sunglasses|not wearing sunglasses"),
    ("Wearing_Hat", True): Phrases(wearing="a hat|a cap|a hat on the head//a cap on the head|some hat"),
    ("Wearing_Hat", False): Phrases(having="no hat", after="without a hat|not wearing a hat|bareheaded//who wears no hat"),
    ("Wearing_Earrings", True): Phrases(wearing="earrings|ear rings|big earrings//earrings in both ears|a pair of earrings"),
    ("Wearing_Earrings", False): Phrases(having="no earrings", after="without earrings|not wearing earrings"),
    ("Wearing_Necklace", True): Phrases(wearing="a necklace|a chain around the neck|a neck chain//a necklace around the neck"),
    ("Wearing_Necklace", False): Phrases(having="no necklace", after="without a necklace|not wearing a necklace"),
    ("Wearing_Necktie", True): Phrases(wearing="a tie|a necktie//a neck tie|a tie around the neck"),
    ("Wearing_Necktie", False): Phrases(having="no tie", after="without a tie|without a necktie"),
    # nose, mouth, face
    ("Big_Nose", True): Phrases(having="a big nose|a large nose|a broad nose|a wide nose//a huge nose"),
    ("Big_Nose", False): Phrases(after="without a big nose"),
    ("small_nose", True): Phrases(having="a small nose|a little nose|a tiny nose//a narrow nose"),
    ("Pointy_Nose", True): Phrases(having="a pointy nose|a pointed nose|a sharp nose//a nose that is pointy"),
    ("Pointy_Nose", False): Phrases(after="without a pointy nose", having="a rounded nose"),
    ("Big_Lips", True): Phrases(having="big lips|full lips|thick lips//plump lips|large lips"),
    ("Big_Lips", False): Phrases(after="without big lips"),
    ("thin_lips", True): Phrases(having="thin lips|narrow lips|small lips//slim lips"),
    ("Mouth_Slightly_Open", True): Phrases(adjective="open-mouthed", having="the mouth open|an open mouth|an opened mouth|mouth open//"
                                           "a mouth that is open", after="whose mouth is open|opening the mouth"),
    ("Mouth_Slightly_Open", False): Phrases(having="the mouth closed|a closed mouth|the mouth shut|closed lips|mouth closed//"
                                            "a mouth that is shut|a shut mouth", after="whose mouth is closed"),
    ("slightly_open_mouth", True): Phrases(having="the mouth slightly open|slightly parted lips|the mouth a little open//"
                                           "a slightly open mouth"),
    ("wide_open_mouth", True): Phrases(having="the mouth wide open|a wide open mouth//a mouth opened wide", after="shouting"),
    ("Smiling", True): Phrases(adjective="smiling|happy|cheerful//grinning|joyful", having="a smile|a happy smile|a smiling mouth//a grin",
                               after="who is smiling|smiling//who smiles"),
    ("Smiling", False): Phrases(adjective="unsmiling", having="no smile", after="not smiling|who is not smiling|without a smile//who isn't smiling"),
    ("broad_smile", True): Phrases(having="a broad smile|a big smile|a wide smile//a very big smile", adjective="laughing"),
    ("Wearing_Lipstick", True): Phrases(wearing="lipstick|bright lipstick|painted lips//some lipstick"),
    ("Wearing_Lipstick", False): Phrases(having="no lipstick", after="without lipstick|not wearing lipstick"),
    ("High_Cheekbones", True): Phrases(having="high cheekbones|prominent cheekbones//strong cheekbones"),
    ("High_Cheekbones", False): Phrases(after="without high cheekbones"),
    ("Oval_Face", True): Phrases(having="an oval face|an oval head//an oval shaped face"),
    ("Oval_Face", False): Phrases(having="a face that is not oval", after="without an oval face"),
    ("Chubby", True): Phrases(adjective="chubby|plump|fat//overweight", having="a chubby face|a round face|full cheeks//chubby cheeks"),
    ("Chubby", False): Phrases(after="who is not chubby"),
    ("slim_face", True): Phrases(adjective="slim|thin", having="a thin face|a slim face|a narrow face//a slender face"),
    ("Double_Chin", True): Phrases(having="a double chin//a second chin"),
    ("Double_Chin", False): Phrases(after="without a double chin"),
    ("Big_Ears", True): Phrases(having="big ears|large ears|ears that stick out//huge ears"),
    ("Big_Ears", False): Phrases(after="without big ears"),
    ("small_ears", True): Phrases(having="small ears|little ears//tiny ears"),
    # beard
    ("Mustache", True): Phrases(adjective="moustached", having="a moustache|a mustache|a thick moustache//a mustache above the lips"),
    ("Mustache", False): Phrases(having="no moustache|no mustache", after="without a moustache|without a mustache"),
    ("Goatee", True): Phrases(having="a goatee|a goatee beard|a chin beard//a small beard on the chin"),
    ("Goatee", False): Phrases(after="without a goatee"),
    ("No_Beard", False): Phrases(adjective="bearded", having="a beard|facial hair//a beard on the face", after="who has a beard"),
    ("No_Beard", True): Phrases(adjective="beardless", having="no beard", after="without a beard//without any beard"),
    ("full_beard", True): Phrases(having="a full beard|a big beard|a thick beard//a bushy beard|a large beard"),
    ("grey_beard", True): Phrases(adjective="grey-bearded", having="a grey beard|a gray beard|a white beard//a silver beard"),
    ("clean_shaven", True): Phrases(adjective="clean-shaven", having="no facial hair|a clean-shaven face//a shaven face",
                                    after="without facial hair|clean shaven"),
    ("5_o_Clock_Shadow", True): Phrases(adjective="unshaven|stubbly", having="stubble|a five o'clock shadow|light stubble//a stubbly chin"),
    ("5_o_Clock_Shadow", False): Phrases(after="without stubble"),
    ("Sideburns", True): Phrases(having="sideburns|long sideburns//side whiskers"),
    ("Sideburns", False): Phrases(after="without sideburns"),
    # skin
    ("Pale_Skin", True): Phrases(adjective="pale|fair-skinned|light-skinned//white-skinned", having="pale skin|fair skin|light skin//very light skin"),
    ("Pale_Skin", False): Phrases(after="who is not pale", having="skin that is not pale"),
    ("dark_skin", True): Phrases(adjective="dark-skinned|brown-skinned", having="dark skin|brown skin|dark brown skin//deep brown skin"),
    ("tan_skin", True): Phrases(adjective="tanned", having="tan skin|tanned skin|olive skin//bronzed skin"),
    ("Rosy_Cheeks", True): Phrases(adjective="rosy-cheeked|blushing", having="rosy cheeks|pink cheeks|red cheeks//flushed cheeks"),
    ("Rosy_Cheeks", False): Phrases(after="without rosy cheeks"),
    ("Heavy_Makeup", True): Phrases(wearing="heavy makeup|heavy make-up|makeup|a lot of makeup//thick makeup", having="eye shadow"),
    ("Heavy_Makeup", False): Phrases(having="no makeup", after="without makeup|without make-up|not wearing makeup"),
    ("Freckles", True): Phrases(adjective="freckled|freckle-faced", having="freckles|a freckled face|many freckles//freckles on the cheeks"),
    ("Freckles", False): Phrases(having="no freckles", after="without freckles"),
    ("wrinkles", True): Phrases(adjective="wrinkled", having="wrinkles|a wrinkled face|lines in the face//wrinkled skin"),
    # moods
    ("Surprised", True): Phrases(adjective="surprised|astonished|shocked//amazed|startled",
                                 having="a surprised look|a surprised expression", after="looking surprised|who looks surprised"),
    ("Surprised", False): Phrases(after="who is not surprised"),
    ("Sad", True): Phrases(adjective="sad|unhappy|sorrowful//gloomy", having="a sad face|a sad expression|a frown", after="looking sad|who is sad"),
    ("Sad", False): Phrases(after="who is not sad"),
    ("Angry", True): Phrases(adjective="angry|furious|mad//cross", having="an angry face|an angry expression|an angry look",
                             after="looking angry|who is angry"),
    ("Angry", False): Phrases(after="who is not angry"),
    # who
    ("Male", True): Phrases(adjective="male", after="who is a man"),
    ("Male", False): Phrases(adjective="female", after="who is a woman"),
    ("Young", True): Phrases(adjective="young|youthful//youngish"),
    ("Young", False): Phrases(adjective="older|not so young//mature"),
    ("elderly", True): Phrases(adjective="elderly|old|aged//senior|very old"),
}

# (Male, Young) -> nouns; None: not said. "girl" and "boy" say two things.
NOUNS: dict[tuple[bool | None, bool | None], str] = {
    (None, None): "person|person|person|person|person|human//individual|human being",
    (True, None): "man|man|guy|gentleman//fellow|male",
    (False, None): "woman|woman|lady//female",
    (True, True): "young man|boy|young guy//lad",
    (False, True): "young woman|girl|young lady//young female",
}

# What only says which kind of picture it is; true of every picture.
KINDS = ("a person|a person|a portrait|a face|a drawing of a face|a portrait of a person|a photo of a person|a human face|"
         "a picture of someone|an illustration of a person|a drawn portrait|someone|a head and shoulders portrait//"
         "a painting of a face|an image of a person|a drawing of a human|the face of a person|a cartoon portrait")

# Before "a person ...".
OPENINGS = ("|" * 9 + "a photo of|a picture of|a portrait of|portrait of|a drawing of|the face of|an illustration of|a close-up of|"
            "a photo showing|photo of//" + "|" * 7 + "an image of|a painting of|this is|a headshot of|a sketch of|a snapshot of")

# Harmless words that people add; they change nothing and are trained to change nothing.
FILLERS = (
    "beautiful nice good lovely great pretty amazing detailed simple plain digital high quality professional studio outdoor "
    "indoor friendly kind modern classic artistic colourful colorful clear vivid typical normal ordinary random certain "
    "unknown famous generic cute funny cool stylish elegant realistic fictional virtual cartoon rendered drawn painted "
    "sketched photographed single lone front facing camera centred centered hq hd 4k art artwork photo image picture "
    "portrait profile avatar character cartoonish animated flat vector style styled texture render 3d cgi design poster "
    "card print screen online internet website social media gallery museum collection sample example version final draft "
    "please make give show want would like need try just also really quite rather somewhat maybe perhaps probably clearly "
    "obviously usually often always simply exactly basically today tomorrow yesterday now here there everywhere morning "
    "evening summer winter city street office home work school party wedding holiday travel sport music film movie actor "
    "actress celebrity model friend neighbour neighbor teacher doctor student worker boss customer visitor tourist guest "
    "stranger citizen somebody anyone anybody everyone my your our their his her its this that these those such same other "
    "another some any each every one two first second last next new favourite favorite best better perfect ideal standard "
    "common usual regular special unique original true actual possible different similar particular main general whole "
    "looking seen shown standing sitting posing staring watching waiting living called named known made taken given used"
).split()
