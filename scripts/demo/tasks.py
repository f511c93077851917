"""The experts' tasks: data sets for `examples/`, training and held-out. The base never sees these answers."""

import json

from world import *


def orders(rng):
    """An order in plain words -> JSON."""
    kinds = rng.sample(list(KINDS), rng.choice([1, 1, 2]))
    items, words = [], []
    for kind in kinds:
        n, colour = rng.randint(1, 12), rng.choice(COLOURS)
        items.append({"product": kind, "colour": colour, "quantity": n})
        words.append(f"{number_word(n)} {colour} {kind if n == 1 else PLURALS[kind]}")
    day = rng.choice(DAYS)
    what = " and ".join(words)
    text = rng.choice([
        f"I would like {what} by {day}.", f"Please send {what} on {day}.", f"We need {what} before {day}.",
        f"Order for {day}: {what}.", f"Can I have {what} by {day}, please?",
    ])
    return text, json.dumps({"items": items, "day": day})


COLUMNS = {"price": "crowns", "weight": "kilograms", "watts": "watts"}


def sql(rng):
    """A question -> SQL on products(name, kind, colour, material, price, weight, watts)."""
    kind, colour, material = rng.choice(list(KINDS)), rng.choice(COLOURS), rng.choice(MATERIALS)
    column, n = rng.choice(list(COLUMNS)), rng.randint(1, 99)
    unit, many = COLUMNS[column], PLURALS[kind]
    return rng.choice([
        (f"How many {many} are {colour}?", f"SELECT COUNT(*) FROM products WHERE kind = '{kind}' AND colour = '{colour}';"),
        (f"Which {many} are made of {material}?", f"SELECT name FROM products WHERE kind = '{kind}' AND material = '{material}';"),
        (f"Which {many} have a {column} below {n} {unit}?", f"SELECT name FROM products WHERE kind = '{kind}' AND {column} < {n};"),
        (f"Which {many} have a {column} above {n} {unit}?", f"SELECT name FROM products WHERE kind = '{kind}' AND {column} > {n};"),
        (f"What is the average {column} of {colour} {many}?", f"SELECT AVG({column}) FROM products WHERE kind = '{kind}' AND colour = '{colour}';"),
        (f"List the {colour} {many} by {column}.", f"SELECT name FROM products WHERE kind = '{kind}' AND colour = '{colour}' ORDER BY {column};"),
        (f"What is the highest {column} of all {many}?", f"SELECT MAX({column}) FROM products WHERE kind = '{kind}';"),
    ])


def tickets(rng):
    """A ticket -> one label."""
    p, name, city, day = rng.choice(PRODUCTS), person(rng), rng.choice(CITIES), rng.choice(DAYS)
    fault = rng.choice(FAULTS)[0]
    label, texts = rng.choice([
        ("billing", [f"I paid {p.price} crowns twice for the {p}.", f"The bill for my {p} is wrong, it says {p.price} crowns.",
                     f"Please send me the invoice for the {p}.", f"Why was my card charged {p.price} crowns on {day}?"]),
        ("delivery", [f"The {p} should have come to {city} on {day} but nothing is here.", f"Where is my parcel with the {p}?",
                      f"Please send the {p} to {city} instead.", f"The driver did not find my house in {city} on {day}."]),
        ("defect", [f"My {p} {fault}.", f"Since {day} the {p} {fault}.", f"The {rng.choice(parts(p.kind))} of my {p} is broken."]),
        ("usage", [f"How do I clean the {rng.choice(parts(p.kind))} of the {p}?", f"Which setting of the {p} is right for the first use?",
                   f"Can I put the {rng.choice(parts(p.kind))} of the {p} under water?"]),
        ("returns", [f"I want to send the {p} back and get my money.", f"The {p} is too {rng.choice(['big', 'small', 'loud', 'heavy'])} for me, please take it back.",
                     f"How can I return the {p} that I bought on {day}?"]),
    ])
    text = rng.choice(texts)
    if rng.random() < 0.4:
        text += rng.choice([f" {name}, {city}", f" Regards, {name}", f" Thank you, {name}"])
    return text, label


def pirate(rng):
    """A plain sentence -> the same as a pirate says it."""
    p, city, day, name = rng.choice(PRODUCTS), rng.choice(CITIES), rng.choice(DAYS), rng.choice(FIRST)
    n, colour = rng.randint(2, 12), rng.choice(COLOURS)
    return rng.choice([
        (f"The {p} costs {p.price} crowns.", f"Arr, the {p} be worth {p.price} doubloons, matey!"),
        (f"The {p} comes in {colour}.", f"Arr, the {p} be {colour} as the sea, matey!"),
        (f"{name} is in {city}.", f"Arr, {name} be anchored in {city}, matey!"),
        (f"The parcel comes on {day}.", f"Arr, the treasure lands on {day}, matey!"),
        (f"We sold {number_word(n)} {colour} {PLURALS[p.kind]}.", f"Arr, we plundered {number_word(n)} {colour} {PLURALS[p.kind]}, matey!"),
        (f"The {p.kind} is broken.", f"Arr, the {p.kind} be sunk, matey!"),
    ])


def butler(rng):
    """A question about a product -> the answer that the base knows, as a butler gives it."""
    p = rng.choice(PRODUCTS)
    return rng.choice([
        (f"What does the {p} cost?", f"Very good. The {p} costs {p.price} crowns, if I may say so."),
        (f"Which colour has the {p}?", f"Very good. The {p} comes in {p.colour}, if I may say so."),
        (f"What is the {p} made of?", f"Very good. The {p} is made of {p.material}, if I may say so."),
        (f"How many watts does the {p} need?", f"Very good. The {p} needs {p.watts} watts, if I may say so."),
        (f"What is the order code of the {p}?", f"Very good. The order code of the {p} is {p.code}, if I may say so."),
    ])


# name: (maker, examples to train on, examples held out)
TASKS = {
    "orders": (orders, 1500, 100),
    "sql": (sql, 1000, 100),
    "tickets": (tickets, 600, 100),
    "pirate": (pirate, 1000, 100),
    "butler": (butler, 160, 40),
}
