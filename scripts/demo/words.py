"""Everyday English for the demo's stories and small talk: words by theme, and plain sentences from them."""

PEOPLE = """baker farmer teacher doctor nurse sailor painter singer tailor miller hunter gardener carpenter mason clerk
porter driver pilot captain judge writer poet king queen prince child boy girl mother father sister brother uncle aunt
grandmother grandfather neighbour stranger guest friend student master servant merchant shepherd fisherman blacksmith
dancer cook waiter soldier guard thief beggar traveller inventor engineer mechanic scientist librarian postman""".split()
ANIMALS = """horse cow sheep goat pig hen duck swan rabbit squirrel hedgehog badger otter wolf bear deer frog snake spider
bee ant butterfly sparrow crow robin hawk eagle pigeon turtle fish whale donkey puppy kitten lamb calf""".split()
PLACES = """garden forest meadow river lake harbour village castle tower bridge market church school library museum theatre
station kitchen cellar attic bedroom hallway balcony workshop barn stable mill bakery tavern inn island mountain valley
cave desert beach field orchard vineyard road street square corner hill cliff swamp pond waterfall""".split()
THINGS = """book letter map key lantern candle mirror clock basket bottle barrel bucket rope ladder hammer saw needle thread
blanket pillow carpet curtain chair table cupboard drawer shelf window door gate fence wheel cart wagon boat ship sail
anchor coin ring crown sword shield drum flute violin bell whistle puzzle kite balloon umbrella coat hat glove scarf boot
shoe apron spoon fork knife plate cup bowl pan oven stove chimney broom soap towel sponge brush comb pencil notebook
stamp parcel ticket wallet purse bicycle train tractor telescope compass feather pebble shell stick stone branch leaf""".split()
FOODS = """bread butter cheese honey jam soup stew porridge pancake waffle cake biscuit pudding apple pear plum cherry
strawberry raspberry lemon orange grape melon carrot potato onion garlic tomato cabbage pumpkin bean pea corn rice
noodle sausage bacon fish egg milk cream tea coffee juice water salt pepper sugar cinnamon chocolate""".split()
ADJECTIVES = """old young small large tall short heavy light bright dark quiet loud gentle rough clever foolish brave shy
kind cruel rich poor happy sad angry calm hungry thirsty sleepy busy lazy lucky strange famous secret golden wooden
broken empty full clean dirty warm cold wet dry soft hard sharp sweet bitter fresh rotten smooth thin thick wide narrow
deep shallow early late quick slow proud humble honest curious careful careless patient cheerful lonely tired""".split()
VERBS = {
    "find": "found", "lose": "lost", "carry": "carried", "hide": "hid", "sell": "sold", "buy": "bought", "paint": "painted",
    "clean": "cleaned", "break": "broke", "mend": "mended", "borrow": "borrowed", "steal": "stole", "throw": "threw",
    "catch": "caught", "push": "pushed", "pull": "pulled", "open": "opened", "close": "closed", "draw": "drew",
    "build": "built", "wash": "washed", "keep": "kept", "bring": "brought", "take": "took", "give": "gave", "show": "showed",
    "hold": "held", "drop": "dropped", "lift": "lifted", "fill": "filled", "follow": "followed", "watch": "watched",
    "admire": "admired", "forget": "forgot", "remember": "remembered", "choose": "chose", "share": "shared", "send": "sent",
}
MOVES = """walked ran climbed swam flew rode crept danced marched wandered hurried travelled sailed rolled jumped
hopped slipped returned""".split()
WEATHER = """rain snow wind fog sunshine thunder lightning frost hail storm mist ice dew clouds moonlight starlight
darkness dawn dusk midnight noon spring summer autumn winter""".split()
FEELINGS = """smiled laughed cried sighed shouted whispered nodded trembled blushed yawned sneezed sang hummed waited
listened wondered thought slept dreamed rested worked hesitated agreed refused apologised""".split()
MANNERS = """quickly slowly quietly loudly gently carefully suddenly finally secretly happily sadly bravely politely
patiently proudly easily nearly almost together alone again twice forever today yesterday tomorrow tonight""".split()
THANKS = """because although while until unless whenever before after since though""".split()
TRADES = """metal timber cotton wool leather paper silver iron marble clay brick cement paint varnish glue wax oil gas
electricity steam battery engine motor pump valve pipe screw bolt nut nail spring gear chain belt lever handle button
switch socket cable fuse circuit sensor display speaker camera printer keyboard computer telephone radio television
network internet website password message address account invoice receipt discount refund deposit payment contract
delivery shipment warehouse factory office meeting manager customer supplier worker shift holiday salary budget report
project deadline problem solution question answer reason result example mistake rule law right duty choice chance""".split()


def noun(rng):
    return rng.choice(rng.choice([PEOPLE, ANIMALS, THINGS, PLACES, FOODS]))


def an(word):
    return ("an " if word[0] in "aeiou" else "a ") + word


def actor(rng):
    return f"the {rng.choice(ADJECTIVES)} {rng.choice(rng.choice([PEOPLE, ANIMALS]))}"


def plural(word):
    irregular = {"child": "children", "thief": "thieves", "wolf": "wolves", "sheep": "sheep", "deer": "deer", "fish": "fish",
                 "calf": "calves", "shelf": "shelves", "knife": "knives", "scarf": "scarves", "leaf": "leaves", "goose": "geese"}
    if word in irregular:
        return irregular[word]
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def comparison(rng):
    """A sentence about kinds of things."""
    a, b = rng.choice(rng.choice([PEOPLE, ANIMALS, PLACES, THINGS])), rng.choice(rng.choice([PEOPLE, ANIMALS, PLACES, THINGS]))
    adjective, other = rng.sample(ADJECTIVES, 2)
    text = rng.choice([
        f"{plural(a)} are often more {adjective} than {plural(b)}",
        f"some {plural(a)} are {adjective}, others are {other}",
        f"{adjective} {plural(a)} like {adjective} {plural(b)}",
        f"{rng.choice(TRADES)} is not {adjective} but {other}",
        f"{rng.choice(FOODS)} and {rng.choice(FOODS)} make {plural(rng.choice(PEOPLE))} {adjective}",
        f"{rng.choice(MANNERS)} the {plural(a)} {rng.choice(FEELINGS)}",
        f"{rng.choice(WEATHER)} makes {plural(a)} {adjective}",
        f"{rng.choice(list(VERBS))} the {a} {rng.choice(MANNERS)}",
    ])
    return text[0].upper() + text[1:] + "."


def sentence(rng):
    who, thing, adjective = actor(rng), rng.choice(rng.choice([THINGS, FOODS])), rng.choice(ADJECTIVES)
    present = rng.choice(list(VERBS))
    past = VERBS[present]
    place, weather = rng.choice(PLACES), rng.choice(WEATHER)
    text = rng.choice([
        f"{who} {past} {an(adjective)} {thing} in the {place}",
        f"{who} {rng.choice(MOVES)} {rng.choice(MANNERS)} to the {place} and {rng.choice(FEELINGS)}",
        f"in the {weather} {who} {past} the {thing}",
        f"{who} {rng.choice(FEELINGS)} {rng.choice(THANKS)} the {thing} was {adjective}",
        f"there is {an(adjective)} {thing} behind the {place}",
        f"a {rng.choice(PEOPLE)} must {present} the {thing} {rng.choice(MANNERS)}",
        f"nobody could {present} the {rng.choice(TRADES)} of {who}",
        f"the {rng.choice(TRADES)} and the {rng.choice(TRADES)} are {adjective}",
        f"after the {weather} {who} and {actor(rng)} {rng.choice(FEELINGS)} {rng.choice(MANNERS)}",
        f"we talked about {rng.choice(TRADES)}, {rng.choice(TRADES)} and {rng.choice(FOODS)}",
    ])
    return text[0].upper() + text[1:] + rng.choice([".", ".", ".", "!"])


def paragraph(rng):
    return " ".join(rng.choice([sentence, sentence, comparison])(rng) for _ in range(rng.randint(2, 5)))


def tale(rng):
    """A few sentences about the same two actors and one thing."""
    first, second, thing = actor(rng), actor(rng), rng.choice(THINGS)
    place, verbs = rng.choice(PLACES), rng.sample(list(VERBS.values()), 3)
    short = first.split()[-1]
    return " ".join([
        f"Once {an(first[4:])} {verbs[0]} {an(thing)} near the {place}.",
        f"{second[0].upper()}{second[1:]} came along in the {rng.choice(WEATHER)} and {rng.choice(FEELINGS)}.",
        rng.choice([f"\"Give me the {thing},\" said the {second.split()[-1]}.", f"\"What a {rng.choice(ADJECTIVES)} {thing}!\" said the {second.split()[-1]}."]),
        rng.choice([f"The {short} {rng.choice(FEELINGS)} and {verbs[1]} it {rng.choice(MANNERS)}.", f"But the {short} {verbs[1]} the {rng.choice(FOODS)} instead."]),
        rng.choice([f"So they {verbs[2]} the {thing} together.", f"From that day the {thing} stayed in the {place}.", f"Then both {rng.choice(MOVES)} home."]),
    ])
