"""Documents and conversations for pretraining: every function returns one text, or a list of turns."""

import words
from world import *


def catalogue(rng):
    p = rng.choice(PRODUCTS)
    facts = [
        rng.choice([f"It is made of {p.material}.", f"The body is {p.material}.", f"Its body is made of {p.material}."]),
        rng.choice([f"It draws {p.watts} watts.", f"It needs {p.watts} watts.", f"Its power is {p.watts} watts."]),
        rng.choice([f"It comes in {p.colour}.", f"The usual colour is {p.colour}.", f"You get it in {p.colour}."]),
        rng.choice([f"It weighs {p.weight} kilograms.", f"Its weight is {p.weight} kilograms."]),
        rng.choice([f"The warranty lasts {number_word(p.years)} years." if p.years > 1 else "The warranty lasts one year.",
                    f"We give {number_word(p.years)} years of warranty." if p.years > 1 else "We give one year of warranty."]),
        rng.choice([f"The order code is {p.code}.", f"Order it with the code {p.code}."]),
    ]
    rng.shuffle(facts)
    opening = rng.choice([
        f"The {p} is {article(p.kind)} by {MAKER} that {purpose(p.kind)}.",
        f"{MAKER} makes the {p}, which {purpose(p.kind)}.",
        f"Meet the {p}. It {purpose(p.kind)}.",
    ])
    closing = rng.choice([f"It costs {p.price} crowns.", f"The price is {p.price} crowns.", f"You pay {p.price} crowns."])
    return " ".join([opening] + facts[: rng.randint(2, 6)] + [closing])


def manual(rng):
    p = rng.choice(PRODUCTS)
    part, other = rng.sample(parts(p.kind), 2)
    steps = [
        f"Take the {p.kind} out of the box and remove all tape.",
        f"Put it on a dry and level table.",
        f"Fit the {part} and check that the {other} is clean.",
        f"Push the plug into a socket.",
        f"Press the button on the front until the light turns {rng.choice(['green', 'blue', 'white'])}.",
        f"Wait {number_word(rng.randint(2, 10))} minutes before you use it for the first time.",
        f"Never put the {p.kind} under water.",
        f"Clean the {part} with a soft cloth after each use.",
        f"Keep children away while it is hot.",
        f"Empty the {other} once a week.",
    ]
    chosen = sorted(rng.sample(range(len(steps)), rng.randint(3, 6)))
    lines = [f"{i + 1}. {steps[s]}" for i, s in enumerate(chosen)]
    return f"How to use the {p}\n" + "\n".join(lines)


def fault_page(rng):
    p = rng.choice(PRODUCTS)
    fault, cause, remedy = rng.choice(FAULTS)
    part = rng.choice(parts(p.kind))
    return rng.choice([
        f"Problem: the {p.kind} {fault}. Cause: {cause}. Remedy: {remedy}. Look at the {part} first.",
        f"If your {p} {fault}, then {cause}. To mend it, {remedy}. Then check the {part}.",
        f"Why a {p.kind} {fault}: most often {cause}. What to do: {remedy}.",
    ])


def ticket(rng):
    p, name, city = rng.choice(PRODUCTS), person(rng), rng.choice(CITIES)
    fault, cause, remedy = rng.choice(FAULTS)
    number = rng.randint(100, 999)
    return rng.choice([
        f"Ticket {number}. {name} from {city} writes: my {p} {fault}. We answered: {cause}, so {remedy}. {name.split()[0]} thanked us on {rng.choice(DAYS)}.",
        f"Ticket {number}. On {rng.choice(DAYS)} {name} called from {city}. The {p} {fault}. Our advice was simple: {remedy}. It worked.",
        f"Ticket {number}. Customer: {name}. City: {city}. Product: {p}. Complaint: it {fault}. Answer: {remedy}.",
    ])


PLACES = ["an old mill", "a small kitchen", "a bakery", "a lighthouse", "a school", "a workshop", "a library", "a farm house"]
ANIMALS = ["cat", "dog", "goose", "fox", "owl", "mouse"]


def story(rng):
    name, friend = rng.sample(FIRST, 2)
    p, animal, place = rng.choice(PRODUCTS), rng.choice(ANIMALS), rng.choice(PLACES)
    fault, _, remedy = rng.choice(FAULTS)
    middle = rng.choice([
        f"One {rng.choice(DAYS)} the {animal} jumped on the table and the {p.kind} fell down.",
        f"One {rng.choice(DAYS)} {name} found that the {p.kind} {fault}.",
        f"Every {rng.choice(DAYS)} {name} and {friend} met there and used the {p.kind}.",
        f"It rained for {number_word(rng.randint(2, 9))} days and nobody came to visit.",
    ])
    turn = rng.choice([
        f"{friend} laughed and said: {remedy}.", f"{friend} brought a new {rng.choice(parts(p.kind))} from {rng.choice(CITIES)}.",
        f"{name} read the manual twice and then it was easy.", f"The {animal} looked at them as if it knew the answer.",
    ])
    end = rng.choice([
        "In the end all was well, and they drank tea together.", f"Since that day the {p.kind} has never failed again.",
        f"They gave the {animal} some bread and went home.", f"{name} wrote a kind letter to {MAKER}.",
    ])
    return f"{name} lived in {place} with {article(animal)} and {article(p.colour + ' ' + p.kind)}. {middle} {turn} {end}"


def letter(rng):
    name, p = person(rng), rng.choice(PRODUCTS)
    n, colour, day = rng.randint(1, 9), rng.choice(COLOURS), rng.choice(DAYS)
    noun = p.kind if n == 1 else PLURALS[p.kind]
    return rng.choice([
        f"Dear {MAKER}, I would like {number_word(n)} {colour} {noun} by {day}. Please send them to {rng.choice(CITIES)}. Yours, {name}",
        f"Hello, {name} here. My {p} came on {day} and I love it. The {colour} colour suits my kitchen. Best wishes from {rng.choice(CITIES)}.",
        f"To the service desk: I paid {p.price} crowns for the {p} on {day} but nothing has come. Please look into it. {name}, {rng.choice(CITIES)}",
    ])


def arithmetic(rng):
    a, b = rng.randint(0, 60), rng.randint(0, 39)
    if rng.random() < 0.5:
        return f"{a} plus {b} is {a + b}."
    return f"{a + b} minus {b} is {a}."


DOCUMENTS = [(catalogue, 5), (manual, 3), (fault_page, 3), (ticket, 4), (story, 4), (letter, 4), (arithmetic, 1),
             (words.paragraph, 3), (words.tale, 3)]


def document(rng):
    make = rng.choices([d for d, _ in DOCUMENTS], [w for _, w in DOCUMENTS])[0]
    return make(rng)
