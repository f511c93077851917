"""The closed world of the demo model: Alderbrook, a maker of kitchen and household appliances.

Everything the demo model reads is written by the generators in this folder from the facts below.
All of them take a `random.Random`, so a seed fixes every word.
"""

MAKER = "Alderbrook"

# kind: (names of the models, parts, what it does, verbs of use)
KINDS = {
    "kettle": (["Norvik", "Pico", "Samovar", "Rill"], ["lid", "base", "heating plate", "filter"], "boils water"),
    "toaster": (["Crispin", "Duo", "Ember", "Slate"], ["lever", "crumb tray", "slot", "timer dial"], "browns bread"),
    "blender": (["Vortex", "Mistral", "Whirl", "Tango"], ["jug", "blade", "seal", "speed dial"], "blends fruit and soup"),
    "mixer": (["Atlas", "Dough King", "Pearl", "Orbit"], ["bowl", "whisk", "dough hook", "arm"], "kneads dough"),
    "fan": (["Breeze", "Zephyr", "Aria", "Polar"], ["grille", "blade", "stand", "remote control"], "cools a room"),
    "heater": (["Solis", "Hearth", "Comet", "Cosy"], ["thermostat", "grille", "tip switch", "cable"], "warms a room"),
    "lamp": (["Luna", "Beacon", "Firefly", "Halo"], ["shade", "bulb", "switch", "dimmer"], "lights a desk"),
    "vacuum": (["Gulp", "Swift", "Badger", "Feather"], ["hose", "dust bag", "brush", "filter"], "cleans floors"),
    "iron": (["Smooth", "Steamer", "Press", "Glide"], ["soleplate", "water tank", "steam button", "cable"], "presses shirts"),
    "grinder": (["Mocca", "Burr", "Fino", "Roast"], ["hopper", "burr", "dial", "catch cup"], "grinds coffee beans"),
}
COLOURS = ["red", "blue", "green", "black", "white", "grey", "silver", "yellow"]
MATERIALS = ["steel", "glass", "oak", "copper", "ceramic", "plastic"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
CITIES = ["Harlow", "Kestrel Bay", "Milford", "Oakham", "Penrith", "Ravenna", "Stonebridge", "Tallow", "Umber", "Westfield"]
FIRST = ["Ada", "Ben", "Clara", "David", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Karin", "Lars",
         "Mila", "Noor", "Otto", "Petra", "Quinn", "Rosa", "Sven", "Tara", "Uma", "Viktor", "Wanda", "Yusuf", "Zoe"]
LAST = ["Abel", "Brandt", "Costa", "Dahl", "Engel", "Fischer", "Grant", "Hale", "Ivers", "Jensen", "Keller",
        "Lund", "Moreau", "Novak", "Olsen", "Price", "Quist", "Reyes", "Stone", "Thorn", "Vance", "West"]
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
PLURALS = {kind: kind + "s" for kind in KINDS}

# symptom: (what the customer says, the part to look at is chosen from the kind, cause, remedy)
FAULTS = [
    ("does not switch on", "the plug is loose", "push the plug in firmly and try another socket"),
    ("makes a loud noise", "something is stuck", "switch it off, pull the plug and clear what is stuck"),
    ("smells of smoke", "dust has burned", "pull the plug at once, let it cool and clean it"),
    ("leaks", "the seal is worn", "order a new seal and press it in all round"),
    ("stops after a minute", "it gets too hot", "let it cool for half an hour and free the vents"),
    ("has a cracked part", "it fell or was sent badly packed", "send us a photo and we replace the part"),
    ("blinks three times", "the safety switch has tripped", "hold the button for five seconds to reset it"),
    ("is very slow", "the filter is clogged", "rinse the filter under warm water and dry it"),
]


class Product:
    """One model of the catalogue; its facts follow from its name and never change."""

    def __init__(self, kind, name, index):
        self.kind, self.name = kind, name
        self.price = 15 + (index * 37) % 180
        self.watts = 100 * (3 + (index * 7) % 19)
        self.years = 1 + index % 5
        self.colour = COLOURS[(index * 3) % len(COLOURS)]
        self.material = MATERIALS[(index * 5) % len(MATERIALS)]
        self.weight = 1 + (index * 11) % 9
        self.code = f"{kind[0].upper()}{name[0].upper()}{10 + (index * 13) % 90}"

    def __str__(self):
        return f"{self.name} {self.kind}"


PRODUCTS = [Product(kind, name, 4 * i + j) for i, kind in enumerate(KINDS) for j, name in enumerate(KINDS[kind][0])]


def parts(kind):
    return KINDS[kind][1]


def purpose(kind):
    return KINDS[kind][2]


def person(rng):
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def article(word):
    return ("an " if word[0].lower() in "aeiou" else "a ") + word


def number_word(n):
    return NUMBERS[n] if n < len(NUMBERS) else str(n)


def capital(text):
    return text[0].upper() + text[1:]
