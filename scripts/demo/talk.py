"""Conversations for pretraining: lists of (role, content). They teach to read, copy and answer."""

from world import *
import prose
import words

SYSTEM = f"You are the service desk of {MAKER}."


def ask_fact(rng):
    p = rng.choice(PRODUCTS)
    return rng.choice([
        (f"What does the {p} cost?", f"The {p} costs {p.price} crowns."),
        (f"How much is the {p}?", f"The {p} costs {p.price} crowns."),
        (f"Which colour has the {p}?", f"The {p} comes in {p.colour}."),
        (f"What is the {p} made of?", f"The {p} is made of {p.material}."),
        (f"How many watts does the {p} need?", f"The {p} needs {p.watts} watts."),
        (f"How long is the warranty of the {p}?", f"The warranty of the {p} lasts {number_word(p.years)} year{'s' if p.years > 1 else ''}."),
        (f"What does the {p} do?", f"The {p} {purpose(p.kind)}."),
        (f"What is the order code of the {p}?", f"The order code of the {p} is {p.code}."),
    ])


def ask_fault(rng):
    p = rng.choice(PRODUCTS)
    fault, cause, remedy = rng.choice(FAULTS)
    return rng.choice([
        (f"My {p} {fault}. What can I do?", f"Most often {cause}. Please {remedy}."),
        (f"Help, the {p.kind} {fault}!", f"Please {remedy}. If that does not help, write to us again."),
        (f"Why does it happen that a {p.kind} {fault}?", f"Most often {cause}."),
    ])


def read_letter(rng):
    """A short text and a question about it: the answer is copied from the text."""
    name, p = person(rng), rng.choice(PRODUCTS)
    n, colour, day, city = rng.randint(1, 12), rng.choice(COLOURS), rng.choice(DAYS), rng.choice(CITIES)
    noun = p.kind if n == 1 else PLURALS[p.kind]
    text = rng.choice([
        f"{name} wants {number_word(n)} {colour} {noun} by {day}.",
        f"Please send {number_word(n)} {colour} {noun} to {city}. {name}",
        f"I am {name} from {city} and I need {number_word(n)} {colour} {noun} on {day}.",
    ])
    questions = [("How many?", capital(number_word(n)) + "."), ("As a number, how many?", f"{n}"),
                 ("Which colour?", capital(colour) + "."), ("Which product?", capital(p.kind) + "."), ("Who writes?", name + ".")]
    if day in text:
        questions.append(("Which day?", day + "."))
    if city in text:
        questions.append(("Which city?", city + "."))
    question, answer = rng.choice(questions)
    return f"{text} {question}", answer


def copy(rng):
    kind = rng.randrange(5)
    makers = [lambda: rng.choice(COLOURS), lambda: rng.choice(list(KINDS)), lambda: rng.choice(CITIES),
              lambda: rng.choice(FIRST), lambda: str(rng.randint(0, 99)), lambda: words.noun(rng), lambda: words.noun(rng)]
    chosen = [rng.choice(makers)()
             for _ in range(rng.randint(2, 6))]
    if kind == 0:
        return f"Repeat: {' '.join(chosen)}", " ".join(chosen)
    if kind == 1:
        return f"Say it backwards: {' '.join(chosen)}", " ".join(reversed(chosen))
    if kind == 2:
        return f"Put commas between: {' '.join(chosen)}", ", ".join(chosen)
    if kind == 3:
        i = rng.randrange(len(chosen))
        return f"Word {number_word(i + 1)} of: {' '.join(chosen)}", chosen[i]
    return f"Make a list: {' '.join(chosen)}", "\n".join("- " + w for w in chosen)


def compute(rng):
    a, b = rng.randint(0, 50), rng.randint(0, 49)
    if rng.random() < 0.4:
        return f"What is {a} plus {b}?", f"{a + b}"
    if rng.random() < 0.5:
        return f"What is {a + b} minus {b}?", f"{a}"
    return (f"Which is more, {a} or {b}?", f"{max(a, b)}") if a != b else (f"Is {a} the same as {b}?", "Yes.")


SMALL = [
    (["Hello!", "Hi there.", "Good morning.", "Good day!"], ["Hello! How can I help you?", "Good day! What can I do for you?", "Hello! Which product is it about?"]),
    (["Who are you?", "What are you?", "Are you a person?"], [f"I am the small demo model of facet, and I speak for {MAKER}.", f"I am a small language model at the service desk of {MAKER}."]),
    (["Thank you!", "Thanks a lot.", "That helped, thank you."], ["You are welcome!", "With pleasure. Have a nice day!", "I am glad that I could help."]),
    (["Goodbye.", "Bye!", "See you."], ["Goodbye!", "Goodbye, and thank you for writing.", "See you soon!"]),
    (["How are you?", "How is it going?"], ["I am well, thank you. How can I help?", "Very well! What can I do for you?"]),
    (["What can you do?", "What do you know?"], [f"I know the appliances of {MAKER}: what they cost, how they work and how to mend them."]),
    (["Where are you?", "Where is Alderbrook?"], [f"{MAKER} is in Stonebridge, by the river.", f"The workshop of {MAKER} is in Stonebridge."]),
    (["Tell me a joke.", "Do you know a joke?"], ["Why did the toaster go home? It was done.", "What does the kettle sing? Steam songs.", "The fan has many fans."]),
]


def small_talk(rng):
    questions, answers = rng.choice(SMALL)
    return rng.choice(questions), rng.choice(answers)


def tell(rng):
    return rng.choice([("Tell me a short story.", prose.story), ("Tell me a tale.", words.tale), ("Tell me about one of your products.", prose.catalogue),
                       ("Show me a page of a manual.", prose.manual)])


def which_of(rng):
    a, b = rng.sample(PRODUCTS, 2)
    cheap = a if a.price < b.price else b
    heavy = a if a.weight >= b.weight else b
    return rng.choice([
        (f"The {a} costs {a.price} crowns and the {b} costs {b.price} crowns. Which is cheaper?", f"The {cheap}."),
        (f"The {a} weighs {a.weight} kilograms and the {b} weighs {b.weight} kilograms. Which is heavier?", f"The {heavy}."),
    ])


def about_sentence(rng):
    """A sentence and a question about a word of it."""
    who, thing, place = words.actor(rng), rng.choice(words.THINGS), rng.choice(words.PLACES)
    past = rng.choice(list(words.VERBS.values()))
    text = f"{capital(who)} {past} the {thing} in the {place}."
    question, answer = rng.choice([("Who?", f"{capital(who)}."), ("What?", f"The {thing}."), ("Where?", f"In the {place}.")])
    return f"{text} {question}", answer


def fill_form(rng):
    """A letter and the fields to take from it: several words are copied, in the order asked for."""
    name, kind, day, city = person(rng), rng.choice(list(KINDS)), rng.choice(DAYS), rng.choice(CITIES)
    n, colour = rng.randint(1, 12), rng.choice(COLOURS)
    noun = kind if n == 1 else PLURALS[kind]
    text = rng.choice([
        f"{name} from {city} wants {number_word(n)} {colour} {noun} by {day}.",
        f"On {day} we need {number_word(n)} {colour} {noun} in {city}. Yours, {name}",
        f"Can you bring {number_word(n)} {colour} {noun} to {city} before {day}? {name}",
        f"I, {name}, ask for {number_word(n)} {colour} {noun} on {day}, please send them to {city}.",
    ])
    fields = {"name": name, "product": kind, "number": str(n), "colour": colour, "day": day, "city": city}
    asked = rng.sample(list(fields), rng.randint(2, 6))
    return f"{text} Fill in: {', '.join(asked)}.", "; ".join(f"{field}: {fields[field]}" for field in asked)


def say_again(rng):
    """A sentence to repeat with words around it."""
    p, name, city, n = rng.choice(PRODUCTS), rng.choice(FIRST), rng.choice(CITIES), rng.randint(2, 99)
    text = rng.choice([
        f"the {p} costs {n} crowns", f"{name} lives in {city}", f"the {p.kind} from {city} is {rng.choice(COLOURS)}",
        f"{name} has {n} {rng.choice(COLOURS)} {PLURALS[p.kind]}", f"the {words.noun(rng)} of {name} is in {city}", f"{name} bought the {p}",
    ])
    return rng.choice([
        (f"Say it twice: {text}", f"{text}, {text}"), (f"Say it as news: {text}", f"News: {text}!"),
        (f"Say it as a question: {text}", f"Is it so that {text}?"), (f"Say who told you, {name}: {text}", f"{name} says that {text}."),
        (f"Say it politely: {text}", f"If you please, {text}."), (f"Say it as a rumour: {text}", f"People say that {text}."),
    ])


TURNS = [(about_sentence, 3), (fill_form, 7), (say_again, 6), (ask_fact, 5), (ask_fault, 4), (read_letter, 7), (copy, 6), (compute, 3), (small_talk, 3), (which_of, 2)]


def conversation(rng):
    turns = [("system", SYSTEM)] if rng.random() < 0.3 else []
    if rng.random() < 0.08:
        question, make = tell(rng)
        return turns + [("user", question), ("assistant", make(rng))]
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        make = rng.choices([t for t, _ in TURNS], [w for _, w in TURNS])[0]
        question, answer = make(rng)
        turns += [("user", question), ("assistant", answer)]
    return turns
