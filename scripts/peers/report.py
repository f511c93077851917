"""The table: what each reached, and facet's ratio to the best of the others."""

PROGRAMS = ("facet", "llama.cpp Q4_0", "llama.cpp IQ4_NL", "transformers")


def text(results):
    names = [name for name in PROGRAMS if name in results]
    whats = []
    for name in names:
        whats += [what for what in results[name] if what not in whats]
    lines = ["| | " + " | ".join(names) + " | facet ÷ best other |"]
    lines.append("|---|" + "---|" * (len(names) + 1))
    for what in whats:
        values = [results[name].get(what, {}).get("value") for name in names]
        cells = [show(what, value) for value in values]
        lines.append(f"| {what} | " + " | ".join(cells) + f" | {ratio(what, names, values)} |")
    return "\n".join(lines)


def ratio(what, names, values):
    """Of rates the largest is best, of memory the smallest."""
    others = [value for name, value in zip(names, values) if name != "facet" and value]
    own = dict(zip(names, values)).get("facet")
    if not own or not others:
        return ""
    return f"{own / (min if 'memory' in what else max)(others):.2f}"


def show(what, value):
    if value is None:
        return ""
    if "memory" in what:
        return f"{value / 1e9:.2f} GB"
    return f"{value:.1f}"
