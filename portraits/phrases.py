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
    ("Bald", True): Phrases(adjective="bald|hairless//bald-headed", having="no hair|a bald head|a shaved head|a head without hair//a bare scalp",
                            after="without hair//without any hair"),
    ("Bald", False): Phrases(having="hair|a full head of hair//hair on the head", after="who is not bald//who isn't bald"),
    ("Bangs", True): Phrases(having="bangs|a fringe|hair over the forehead|short hair over the forehead|some bangs//bangs over the forehead|"
                                    "a fringe of hair"),
    ("Bangs", False): Phrases(having="no bangs|no fringe", after="without bangs|without a fringe|without any bangs//without any fringe"),
    ("Black_Hair", True): Phrases(adjective="black-haired|dark-haired", hair="black|jet black|dark//raven black", having="hair that is black"),
    ("Black_Hair", False): Phrases(after="without black hair"),
    ("Blond_Hair", True): Phrases(adjective="blonde|blond|fair-haired|golden-haired//blonde-haired",
                                  hair="blonde|blond|fair|golden|light blond|bright blonde|dark blonde//yellow|golden blonde",
                                  having="hair that is blonde"),
    ("Blond_Hair", False): Phrases(after="without blonde hair|who is not blond|who is not blonde//who isn't blonde"),
    ("Brown_Hair", True): Phrases(adjective="brunette|brown-haired|chestnut-haired",
                                  hair="brown|brunette|chestnut|light brown|dark brown//brownish|chestnut brown", having="hair that is brown"),
    ("Brown_Hair", False): Phrases(after="without brown hair|who isn't brown-haired"),
    ("Gray_Hair", True): Phrases(adjective="grey-haired|gray-haired|silver-haired|grey-headed//white-haired",
                                 hair="grey|gray|silver|white|light grey|silver grey//silvery|greying", having="hair that is grey"),
    ("Gray_Hair", False): Phrases(after="without grey hair|without gray hair"),
    ("Red_Hair", True): Phrases(adjective="red-haired|ginger|copper-haired|ginger-haired//redheaded",
                                hair="red|ginger|auburn|copper|bright red|ginger red|copper red//orange|reddish", having="hair that is red"),
    ("Red_Hair", False): Phrases(after="without red hair"),
    ("Straight_Hair", True): Phrases(adjective="straight-haired", hair="straight|sleek|smooth//straightened", having="hair that is straight"),
    ("Straight_Hair", False): Phrases(having="hair that is not straight", after="without straight hair"),
    ("Wavy_Hair", True): Phrases(adjective="wavy-haired", hair="wavy|slightly wavy//waving",
                                 having="waves in the hair|wavy locks|hair that is wavy|lots of waves in the hair"),
    ("Wavy_Hair", False): Phrases(after="without wavy hair|without waves in the hair"),
    ("Curly_Hair", True): Phrases(adjective="curly-haired|curly|curly-headed", hair="curly|frizzy|curled//ringleted|tightly curled",
                                  having="curls|ringlets|a head of curls|hair that is curly|many curls|big curls//corkscrew curls|lots of curls"),
    ("Curly_Hair", False): Phrases(having="no curls", after="without curls|without curly hair|who isn't curly-haired//without any curls"),
    ("Long_Hair", True): Phrases(adjective="long-haired", hair="long|long flowing//flowing",
                                 having="hair that is long|long locks|flowing locks|long hair that is flowing"),
    ("Long_Hair", False): Phrases(after="without long hair|who isn't long-haired", having="hair that is not long"),
    ("short_hair", True): Phrases(adjective="short-haired", hair="short|short cropped|close-cropped//cropped|trimmed", having="hair that is short"),
    ("medium_hair", True): Phrases(hair="medium length|chin-length|shoulder-length//mid-length", having="hair of medium length"),
    ("very_long_hair", True): Phrases(hair="very long|extremely long//really long", having="hair that is very long"),
    ("very_curly_hair", True): Phrases(hair="very curly|extremely curly//really curly", having="hair that is very curly"),
    ("Receding_Hairline", True): Phrases(having="a receding hairline|receding hair|a high forehead|a very high forehead//a hairline that recedes"),
    ("Receding_Hairline", False): Phrases(after="without a receding hairline", having="no receding hairline"),
    # brows and eyes
    ("Bushy_Eyebrows", True): Phrases(having="bushy eyebrows|thick eyebrows|heavy brows|bushy brows|very bushy eyebrows|strong eyebrows|"
                                             "big eyebrows|eyebrows that are bushy|brows that are thick|thick bushy brows|large eyebrows//"
                                             "dense eyebrows|thick brows"),
    ("Bushy_Eyebrows", False): Phrases(after="without bushy eyebrows", having="eyebrows that are not bushy"),
    ("thin_eyebrows", True): Phrases(having="thin eyebrows|thin brows|fine eyebrows|very thin eyebrows|narrow brows|slim eyebrows|"
                                            "eyebrows that are thin|slim eyebrows that are thin|brows that are slim|thin narrow brows//slim brows"),
    ("Arched_Eyebrows", True): Phrases(having="arched eyebrows|arched brows|high arched eyebrows|eyebrows that are arched//curved eyebrows"),
    ("Arched_Eyebrows", False): Phrases(after="without arched eyebrows", having="eyebrows that are not arched"),
    ("Narrow_Eyes", True): Phrases(having="narrow eyes|narrowed eyes|half-closed eyes|very narrow eyes|eyes that are narrow|"
                                          "eyes that are half-closed//small narrow eyes"),
    ("Narrow_Eyes", False): Phrases(after="without narrow eyes"),
    ("wide_open_eyes", True): Phrases(having="wide eyes|wide open eyes|the eyes wide open|very wide eyes|big wide eyes|eyes wide open|"
                                             "both eyes wide open|eyes that are wide open|eyes opened very wide//eyes opened wide"),
    ("Bags_Under_Eyes", True): Phrases(having="bags under the eyes|tired eyes|dark circles under the eyes|dark circles below the eyes|"
                                              "heavy bags under the eyes|bags under both eyes|tired looking eyes|dark bags under the eyes|"
                                              "bags beneath the eyes|dark circles around the eyes|bags under eyes that are tired//eye bags|"
                                              "bags below the eyes"),
    ("Bags_Under_Eyes", False): Phrases(after="without bags under the eyes"),
    ("Blue_Eyes", True): Phrases(adjective="blue-eyed",
                                 having="blue eyes|bright blue eyes|deep blue eyes|light blue eyes|eyes that are bright blue//eyes that are blue"),
    ("Blue_Eyes", False): Phrases(after="without blue eyes"),
    ("Green_Eyes", True): Phrases(adjective="green-eyed",
                                  having="green eyes|bright green eyes|deep green eyes|light green eyes|eyes that are bright green//"
                                         "eyes that are green"),
    ("Green_Eyes", False): Phrases(after="without green eyes"),
    ("Brown_Eyes", True): Phrases(adjective="brown-eyed",
                                  having="brown eyes|dark eyes|dark brown eyes|deep brown eyes|eyes that are dark brown//eyes that are brown"),
    ("Brown_Eyes", False): Phrases(after="without brown eyes"),
    ("Eyes_Closed", True): Phrases(adjective="sleeping",
                                   having="the eyes closed|closed eyes|the eyes shut|shut eyes|eyes closed|both eyes closed|eyes shut//"
                                          "eyes that are closed|both eyes shut", after="whose eyes are closed"),
    ("Eyes_Closed", False): Phrases(having="open eyes|the eyes open|both eyes open|eyes open|wide awake eyes//eyes that are open",
                                    after="whose eyes are open"),
    # worn
    ("Eyeglasses", True): Phrases(wearing="glasses|eyeglasses|spectacles|reading glasses|a pair of spectacles|glasses on the nose|some glasses//"
                                          "specs|a pair of glasses", adjective="bespectacled"),
    ("Eyeglasses", False): Phrases(having="no glasses",
                                   after="without glasses|without eyeglasses|without spectacles|not wearing glasses|without any eyeglasses|"
                                         "who wears no spectacles//without any glasses|who wears no glasses"),
    ("Sunglasses", True): Phrases(wearing="sunglasses|dark glasses|shades|black sunglasses|a pair of sunglasses|big sunglasses|very dark glasses|"
                                          "a pair of shades//sun glasses|dark sunglasses"),
    ("Sunglasses", False): Phrases(after="without sunglasses|not wearing sunglasses|without any sunglasses|who wears no sunglasses"),
    ("Wearing_Hat", True): Phrases(wearing="a hat|a cap|a hat on the head|a big hat|a small hat|some cap//a cap on the head|some hat"),
    ("Wearing_Hat", False): Phrases(having="no hat",
                                    after="without a hat|not wearing a hat|bareheaded|without any hat|who wears no cap//who wears no hat"),
    ("Wearing_Earrings", True): Phrases(wearing="earrings|ear rings|big earrings|earrings in the ears|some earrings|huge earrings|small earrings//"
                                                "earrings in both ears|a pair of earrings"),
    ("Wearing_Earrings", False): Phrases(having="no earrings",
                                         after="without earrings|not wearing earrings|without any earrings|who wears no earrings"),
    ("Wearing_Necklace", True): Phrases(wearing="a necklace|a chain around the neck|a neck chain|some necklace|a big necklace|"
                                                "a necklace on the neck//a necklace around the neck"),
    ("Wearing_Necklace", False): Phrases(having="no necklace",
                                         after="without a necklace|not wearing a necklace|without any necklace|who wears no necklace"),
    ("Wearing_Necktie", True): Phrases(wearing="a tie|a necktie|a tie on the neck|some tie|a neck-tie//a neck tie|a tie around the neck"),
    ("Wearing_Necktie", False): Phrases(having="no tie", after="without a tie|without a necktie|who wears no tie|without any tie"),
    # nose, mouth, face
    ("Big_Nose", True): Phrases(having="a big nose|a large nose|a broad nose|a wide nose|a very big nose|a nose that is big|a thick nose|"
                                       "a huge big nose|a nose that is huge//a huge nose"),
    ("Big_Nose", False): Phrases(after="without a big nose", having="a nose that is not big"),
    ("small_nose", True): Phrases(having="a small nose|a little nose|a tiny nose|a slim nose|a thin nose|a very small nose|a nose that is small//"
                                         "a narrow nose"),
    ("Pointy_Nose", True): Phrases(having="a pointy nose|a pointed nose|a sharp nose|a very pointy nose|a nose that is pointed|"
                                          "a sharp pointed nose//a nose that is pointy"),
    ("Pointy_Nose", False): Phrases(after="without a pointy nose", having="a rounded nose"),
    ("Big_Lips", True): Phrases(having="big lips|full lips|thick lips|very full lips|lips that are full|huge lips|plump red lips|broad lips|"
                                       "lips that are plump|lips that are large//plump lips|large lips"),
    ("Big_Lips", False): Phrases(after="without big lips", having="lips that are not big"),
    ("thin_lips", True): Phrases(having="thin lips|narrow lips|small lips|very thin lips|lips that are thin|tiny lips|slim thin lips|"
                                        "a narrow mouth|lips that are slim//slim lips"),
    ("Mouth_Slightly_Open", True): Phrases(adjective="open-mouthed",
                                           having="the mouth open|an open mouth|an opened mouth|mouth open|lips that are open|"
                                                  "a mouth that is opened//a mouth that is open", after="whose mouth is open|opening the mouth"),
    ("Mouth_Slightly_Open", False): Phrases(having="the mouth closed|a closed mouth|the mouth shut|closed lips|mouth closed|a mouth that is closed|"
                                                   "shut lips|lips that are closed//a mouth that is shut|a shut mouth",
                                            after="whose mouth is closed|whose mouth isn't open"),
    ("slightly_open_mouth", True): Phrases(having="the mouth slightly open|slightly parted lips|the mouth a little open|a slightly opened mouth|"
                                                  "slightly open lips//a slightly open mouth"),
    ("wide_open_mouth", True): Phrases(having="the mouth wide open|a wide open mouth|the mouth opened very wide|the mouth very open|"
                                              "a very open mouth//a mouth opened wide", after="shouting"),
    ("Smiling", True): Phrases(adjective="smiling|happy|cheerful//grinning|joyful",
                               having="a smile|a happy smile|a smiling mouth|a smiling face|a happy face|a happy look|a friendly smile|"
                                      "smiling lips|a mouth that is smiling//a grin", after="who is smiling|smiling//who smiles"),
    ("Smiling", False): Phrases(adjective="unsmiling", having="no smile",
                                after="not smiling|who is not smiling|without a smile|who isn't happy|without any smile//who isn't smiling"),
    ("broad_smile", True): Phrases(having="a broad smile|a big smile|a wide smile|a huge smile|a really big smile|a very broad smile|"
                                          "a very wide smile//a very big smile", adjective="laughing"),
    ("Wearing_Lipstick", True): Phrases(wearing="lipstick|bright lipstick|painted lips|lots of lipstick|lipstick on the lips|red lipstick//"
                                                "some lipstick"),
    ("Wearing_Lipstick", False): Phrases(having="no lipstick",
                                         after="without lipstick|not wearing lipstick|without any lipstick|who wears no lipstick"),
    ("High_Cheekbones", True): Phrases(having="high cheekbones|prominent cheekbones|very high cheekbones|cheekbones that are high//"
                                              "strong cheekbones"),
    ("High_Cheekbones", False): Phrases(after="without high cheekbones"),
    ("Oval_Face", True): Phrases(having="an oval face|an oval head|a face that is oval//an oval shaped face"),
    ("Oval_Face", False): Phrases(having="a face that is not oval", after="without an oval face"),
    ("Chubby", True): Phrases(adjective="chubby|plump|fat|round-faced//overweight",
                              having="a chubby face|a round face|full cheeks|plump cheeks|round cheeks|a plump face|a fat face//chubby cheeks"),
    ("Chubby", False): Phrases(after="who is not chubby|who isn't chubby|who isn't fat"),
    ("slim_face", True): Phrases(adjective="slim|thin",
                                 having="a thin face|a slim face|a narrow face|a very thin face|a face that is slim|thin cheeks|a slim head|"
                                        "a narrow slim face//a slender face"),
    ("Double_Chin", True): Phrases(having="a double chin|two chins|a fat chin|a chin that is double|a double chin below the face|"
                                          "a second fat chin//a second chin"),
    ("Double_Chin", False): Phrases(after="without a double chin"),
    ("Big_Ears", True): Phrases(having="big ears|large ears|ears that stick out|very big ears|ears that are big|wide ears//huge ears"),
    ("Big_Ears", False): Phrases(after="without big ears"),
    ("small_ears", True): Phrases(having="small ears|little ears|very small ears|ears that are small|tiny little ears|ears that are tiny|"
                                         "ears that are little//tiny ears"),
    # beard
    ("Mustache", True): Phrases(adjective="moustached",
                                having="a moustache|a mustache|a thick moustache|a moustache above the mouth|a big moustache|some moustache|"
                                       "a moustache on the lips|a bushy moustache|a large moustache|a mustache above the mouth//"
                                       "a mustache above the lips"),
    ("Mustache", False): Phrases(having="no moustache|no mustache",
                                 after="without a moustache|without a mustache|who has no moustache|without any moustache"),
    ("Goatee", True): Phrases(having="a goatee|a goatee beard|a chin beard|a small goatee|a goatee on the chin|a beard on the chin|"
                                     "a short chin beard//a small beard on the chin"),
    ("Goatee", False): Phrases(after="without a goatee|without any goatee", having="no goatee"),
    ("No_Beard", False): Phrases(adjective="bearded",
                                 having="a beard|facial hair|some beard|some facial hair|hair on the chin and cheeks//a beard on the face",
                                 after="who has a beard"),
    ("No_Beard", True): Phrases(adjective="beardless", having="no beard", after="without a beard|who has no beard//without any beard"),
    ("full_beard", True): Phrases(having="a full beard|a big beard|a thick beard|a huge beard|a really big beard|a beard that is thick|"
                                         "a dense beard|a beard that is bushy|a big bushy beard|a very thick beard//a bushy beard|a large beard"),
    ("grey_beard", True): Phrases(adjective="grey-bearded",
                                  having="a grey beard|a gray beard|a white beard|a silver grey beard|a beard that is grey//a silver beard"),
    ("clean_shaven", True): Phrases(adjective="clean-shaven", having="no facial hair|a clean-shaven face|a shaven chin|shaven cheeks//a shaven face",
                                    after="without facial hair|clean shaven"),
    ("5_o_Clock_Shadow", True): Phrases(adjective="unshaven|stubbly",
                                        having="stubble|a five o'clock shadow|light stubble|stubble on the chin|stubbly cheeks|some stubble|"
                                               "a stubbly beard//a stubbly chin"),
    ("5_o_Clock_Shadow", False): Phrases(after="without stubble|without any stubble", having="no stubble"),
    ("Sideburns", True): Phrases(having="sideburns|long sideburns|thick sideburns|big sideburns|hair beside the ears//side whiskers"),
    ("Sideburns", False): Phrases(after="without sideburns|without any sideburns", having="no sideburns"),
    # skin
    ("Pale_Skin", True): Phrases(adjective="pale|fair-skinned|light-skinned//white-skinned",
                                 having="pale skin|fair skin|light skin|very pale skin|very fair skin|white skin|skin that is pale|a pale face//"
                                        "very light skin"),
    ("Pale_Skin", False): Phrases(after="who is not pale|who isn't pale", having="skin that is not pale"),
    ("dark_skin", True): Phrases(adjective="dark-skinned|brown-skinned",
                                 having="dark skin|brown skin|dark brown skin|very dark skin|skin that is dark|deep dark skin|a dark face//"
                                        "deep brown skin"),
    ("tan_skin", True): Phrases(adjective="tanned",
                                having="tan skin|tanned skin|olive skin|skin that is tanned|a tanned face|light brown skin//bronzed skin"),
    ("Rosy_Cheeks", True): Phrases(adjective="rosy-cheeked|blushing",
                                   having="rosy cheeks|pink cheeks|red cheeks|cheeks that are red|bright pink cheeks|very red cheeks//"
                                          "flushed cheeks"),
    ("Rosy_Cheeks", False): Phrases(after="without rosy cheeks|without any blush|without red cheeks"),
    ("Heavy_Makeup", True): Phrases(wearing="heavy makeup|heavy make-up|makeup|a lot of makeup|lots of makeup|very heavy makeup|makeup on the face|"
                                            "some make-up//thick makeup", having="eye shadow"),
    ("Heavy_Makeup", False): Phrases(having="no makeup",
                                     after="without makeup|without make-up|not wearing makeup|without any makeup|who wears no makeup"),
    ("Freckles", True): Phrases(adjective="freckled|freckle-faced",
                                having="freckles|a freckled face|many freckles|freckles on the nose|freckled skin|freckled cheeks|lots of freckles|"
                                       "freckles on the face|some freckles|freckles over the cheeks|freckles in the face|"
                                       "lots of freckles on the nose//freckles on the cheeks"),
    ("Freckles", False): Phrases(having="no freckles", after="without freckles|without any freckles|who has no freckles"),
    ("wrinkles", True): Phrases(adjective="wrinkled",
                                having="wrinkles|a wrinkled face|lines in the face|wrinkles in the face|lots of wrinkles|deep wrinkles|"
                                       "wrinkles in the skin|an old face//wrinkled skin"),
    # moods
    ("Surprised", True): Phrases(adjective="surprised|astonished|shocked//amazed|startled",
                                 having="a surprised look|a surprised expression|a surprised face", after="looking surprised|who looks surprised"),
    ("Surprised", False): Phrases(after="who is not surprised|who isn't surprised"),
    ("Sad", True): Phrases(adjective="sad|unhappy|sorrowful//gloomy", having="a sad face|a sad expression|a frown|a sad look|an unhappy face",
                           after="looking sad|who is sad"),
    ("Sad", False): Phrases(after="who is not sad|who isn't sad"),
    ("Angry", True): Phrases(adjective="angry|furious|mad//cross", having="an angry face|an angry expression|an angry look",
                             after="looking angry|who is angry"),
    ("Angry", False): Phrases(after="who is not angry|who isn't angry|who doesn't look angry"),
    # who
    ("Male", True): Phrases(adjective="male", after="who is a man"),
    ("Male", False): Phrases(adjective="female", after="who is a woman"),
    ("Young", True): Phrases(adjective="young|youthful//youngish", having="a young face"),
    ("Young", False): Phrases(adjective="older|not so young//mature"),
    ("elderly", True): Phrases(adjective="elderly|old|aged|very elderly|really old//senior|very old"),
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
    "please make give show want would like need try just also quite rather somewhat maybe perhaps probably clearly "
    "obviously usually often always simply exactly basically today tomorrow yesterday now here there everywhere morning "
    "evening summer winter city street office home work school party wedding holiday travel sport music film movie actor "
    "actress celebrity model friend neighbour neighbor teacher doctor student worker boss customer visitor tourist guest "
    "stranger citizen somebody anyone anybody everyone my your our their his her its this that these those such same other "
    "another some any each every one two first second last next new favourite favorite best better perfect ideal standard "
    "common usual regular special unique original true actual possible different similar particular main general whole "
    "looking seen shown standing sitting posing staring watching waiting living called named known made taken given used"
).split()
