#!/usr/bin/env python3
"""Writes what Jinja2, as transformers sets it up, makes of random templates, in the form of
behaviour.json: `fuzz.py FILE [SEED [COUNT]]`. Then

    FACET_JINJA_BEHAVIOUR=FILE swift test --filter JinjaBehaviourTests
"""
import datetime
import json
import pathlib
import random
import re
import signal
import sys

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

VARIABLES = {
    "s": "Hello, Wörld! 日本 𝄞", "t": "  x  y\tz\n ", "u": "<a href='x'>&\"Ab\"</a>", "w": "aXbXcX",
    "n": 42, "m": -7, "zero": 0, "f": 3.5, "g": -0.25, "b": True, "z": None,
    "l": [3, 1, 2], "e": [], "nums": [1, 2, 3, 4, 5, 6, 7], "words": ["b", "A", "c", "a", "B"],
    "nested": [[1, [2, [3]]], [], [4]], "d": {"b": 1, "a": [1, 2.0, None, True, "x\"y'"], "é": "ü"},
    "users": [{"name": "bob", "age": 3, "k": {"v": 1}}, {"name": "Al", "age": 7, "k": {"v": 0}},
              {"name": "cy", "age": 3}],
    "tree": [{"n": 1, "c": [{"n": 2, "c": []}, {"n": 3, "c": [{"n": 4, "c": []}]}]}],
    "messages": [
        {"role": "system", "content": "Be  brief.\n"}, {"role": "user", "content": "Hi <|x|> there"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "get", "arguments": {"q": "é\n\"x\"", "n": 1.0, "k": [1, {}]}}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "{\"r\": 1}"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "<think>hm</think>\n\nyes", "reasoning_content": "hm"}],
    "tools": [{"type": "function", "function": {"name": "get", "description": "d/é", "parameters": {
        "type": "object", "properties": {"q": {"type": "string", "enum": ["a", "b"]}, "n": {"type": ["number", "null"]}}, "required": ["q"]}}}],
    "bos_token": "<s>", "add_generation_prompt": True,
}
STRINGS = ["s", "t", "u", "w", "'a'", "'Xx y'", "\"it's\"", "''", "'%s-%d'", "'a,b,,c'", "'é日'", "' \\n\\t'", "messages[0].content", "messages[5]['content']", "'12'", "'3.7'", "'abc' ~ n"]
NUMBERS = ["n", "m", "zero", "f", "g", "3", "0", "-1", "2.5", "1e3", "10", "l|length", "loop_n"]
LISTS = ["l", "e", "nums", "words", "users", "messages", "tools", "nested", "[1,'a',none]", "range(5)", "(1,2,3)", "d.a", "s.split()", "w.split('X')", "d.items()", "d|items", "users|map(attribute='name')|list", "[n, f, b]"]
MAPS = ["d", "users[0]", "messages[2]", "tools[0].function", "{'x': 1, 'y': [2]}", "dict(a=1, b='c')", "messages[2].tool_calls[0].function.arguments"]
OTHERS = ["z", "b", "missing", "true", "none", "False", "d.nope", "users[9]", "ns.x"]
STRING_FILTERS = ["upper", "lower", "title", "capitalize", "trim", "length", "reverse", "list", "first", "last", "string", "escape", "e", "safe", "tojson", "wordcount", "urlencode", "int", "float", "replace('a','Z')", "replace('X','',1)", "center(12)", "truncate(5)", "truncate(8, true, '..')", "truncate(6, false, '…', 0)", "indent", "indent(2, true)", "indent('> ', blank=true)", "default('q')", "default('q', true)", "d('q')", "join('-')", "trim('He')", "format(1, 2)", "format('p', 3)", "unique|list", "batch(2)|list", "slice(3)|list", "int(default=9)", "int(0, 16)", "sort", "sort|join", "max", "min", "select('in', 'abc')|join", "map('upper')|join", "attr('upper')", "abs", "round", "items|list", "forceescape", "count"]
NUMBER_FILTERS = ["abs", "round", "round(1)", "round(1,'floor')", "round(0,'ceil')", "round(-1)", "int", "float", "string", "tojson", "default(1)", "string|length", "e", "format(1)", "upper", "length", "list", "round|int", "filesizeformat(true)"]
LIST_FILTERS = ["first", "last", "length", "count", "sum", "join", "join(', ')", "join('|', 'name')", "join('-', attribute='age')", "reverse|list", "sort", "sort(reverse=true)", "sort(attribute='age')", "sort(attribute='age,name')", "sort(case_sensitive=true)", "unique|list", "unique(attribute='age')|list", "unique(true)|list", "min", "max", "max(attribute='age')", "list", "tojson", "tojson(indent=2)", "tojson(indent=4, sort_keys=true)", "tojson(ensure_ascii=true)", "tojson(separators=(',', ':'))", "map('string')|list", "map('upper')|list", "map(attribute='name')|list", "map(attribute='k.v', default='D')|list", "map(attribute=0)|list", "select|list", "reject|list", "select('number')|list", "reject('none')|list", "select('greaterthan', 2)|list", "select('in', [1,2])|list", "selectattr('age')|list", "selectattr('age', 'equalto', 3)|list", "selectattr('age', '>', 3)|map(attribute='name')|join", "rejectattr('name', 'eq', 'Al')|list", "selectattr('k', 'defined')|list", "selectattr('k.v')|list", "groupby('age')|list", "groupby('age')|map(attribute='grouper')|list", "groupby('role')|map('first')|list", "batch(2)|list", "batch(3, 'x')|list", "slice(2)|list", "slice(3, 'y')|list", "string", "sum(attribute='age')", "sum(start=10)", "items|list", "dictsort", "default('q')", "map('default', 7)|list", "map('int')|sum", "map('tojson')|join(';')", "batch(2)|map('join')|list", "upper", "map('replace', 'a', 'b')|list", "map('length')|list", "rejectattr('age', 'in', [3])|list", "selectattr('content', 'string')|list|length", "selectattr('role', 'ne', 'tool')|map(attribute='role')|join(' ')"]
MAP_FILTERS = ["tojson", "tojson(2)", "tojson(indent=1)", "tojson(sort_keys=true)", "items|list", "dictsort", "dictsort(false, 'value')", "dictsort(reverse=true)", "dictsort(case_sensitive=true)", "length", "list", "string", "first", "last", "join(',')", "sort", "default(1)", "urlencode", "max", "attr('items')", "map('upper')|list", "select|list"]
STRING_METHODS = ["upper()", "lower()", "strip()", "lstrip()", "rstrip()", "strip('He!')", "split()", "split('X')", "split('X', 1)", "split(maxsplit=1)", "rsplit('X', 1)", "rsplit()", "splitlines()", "splitlines(true)", "partition('X')", "rpartition('X')", "replace('X', '--')", "replace('l', 'L', 1)", "startswith('He')", "startswith(('a', 'H'))", "endswith('X')", "endswith(('X', 'b'))", "find('o')", "rfind('X')", "find('zz')", "index('X')", "count('X')", "count('')", "title()", "capitalize()", "swapcase()", "casefold()", "center(9, '*')", "ljust(9, '.')", "rjust(9)", "zfill(8)", "isdigit()", "isalpha()", "isspace()", "isupper()", "islower()", "isalnum()", "isnumeric()", "istitle()", "join(['1','2'])", "join(words)", "format(1, a=2)", "removeprefix('He')", "removesuffix('X')", "expandtabs(4)", "encode()", "isidentifier()", "isdecimal()", "isascii()", "isprintable()", "find('X', 2)", "find('X', 2, 4)", "count('X', 1, 4)", "startswith('X', 1)"]
LIST_METHODS = ["append(1)", "index(1)", "count(1)", "copy()", "pop()", "extend([1])", "index('zz')"]
MAP_METHODS = ["keys()|list", "values()|list", "items()|list", "get('a')", "get('q')", "get('q', 5)", "copy()", "update({})", "pop('a')", "keys()", "values()", "items()"]
TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "iterable", "sequence", "callable", "true", "false", "odd", "even", "divisibleby(3)", "divisibleby 2", "eq(42)", "equalto 42", "ne 1", "gt 2", "ge 3.5", "lt 100", "le 0", "in l", "in ['a', 'b']", "sameas none", "sameas true", "lower", "upper", "escaped", "filter", "test", "in 'abc'", "==3", "not none", "not string", "not defined"]
SLICES = ["[0]", "[-1]", "[1:]", "[:2]", "[::-1]", "[1:-1]", "[::2]", "[-3:]", "[5:1:-1]", "[10]", "[:-1]", "['name']", "['zz']", "[1:3][0]", "[n]", "[none:2]", "[:-1:2]", "[-100:100]", "[::0]"]
ATTRIBUTES = [".name", ".role", ".k.v", ".function.name", ".nope", ".content", ".a", ".items", ".x", "['content']", "|attr('name')"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "and", "or", "in", "not in"]
FORMATS = ["'%s %r'|format(s, w)", "'%05.2f|%-6d|%+d|%x|%o|%e|%g|%%'|format(f, n, n, n, n, f, f)", "'%(a)s'|format(a=1)", "'{} {:>5} {:.2f} {!r}'.format(s, n, f, w)", "'{0}{1}{0}'.format(1, 2)", "'{a[x]}-{b}'.format(a={'x': 1}, b=2)", "'{:,}'.format(1234567)", "'%s' % s", "'%d and %s' % (n, w)", "'{:08.3f}'.format(f)", "'{:^10}|'.format(w)", "'{:x}'.format(n)", "'%c' % 65", "'{:%}'.format(0.25)", "strftime_now('%Y-%m-%d %H:%M:%S %j %a %A %b %B %d %e %-d %y %p %I %%')", "strftime_now('%d %b %Y')", "range(3)|list", "range(2, 9, 3)|list", "range(5, 0, -2)|list", "namespace(a=1).a", "cycler('a','b').next()", "joiner(', ')()", "dict(x=1)|tojson", "[1,2] + [3]", "'a' * 3", "[0] * 3", "(1, 2) + (3,)", "1 if b else 2", "1 if z", "not b", "-n", "+n", "1 < n < 50", "n // 0", "7 // -2", "-7 % 3", "2 ** -1", "10 / 4", "1_000", "0x1F", "0b11", "0o17", "1.5e-3", "'a' 'b'", "\"\\u00e9\\x41\"", "'\\\\n'", "d == {'b': 1}", "l is sameas l", "'x' in d", "none == missing", "missing|default('u') ~ 1", "[] or 'no'", "{} and 1", "s[0] ~ s[-1]", "users[0].name.upper()", "d.a[4]", "{'a': {'b': [1, {'c': 2}]}}.a.b[1].c", "true and false or 3", "(1, 'a')", "(1,)", "()", "{1: 2}", "1 == 1.0", "true == 1", "'b' > 'a'", "[1, 2] < [1, 3]", "1 < 'a'", "loop.index"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.depth = 0

    def pick(self, *groups):
        return self.random.choice(self.random.choice(groups))

    def expression(self, depth=0):
        r = self.random
        kind = r.randrange(16)
        if depth > 3:
            return self.pick(STRINGS, NUMBERS, LISTS, MAPS, OTHERS)
        if kind < 3:
            return f"{self.pick(STRINGS)}|{r.choice(STRING_FILTERS)}"
        if kind < 5:
            return f"{self.pick(LISTS)}|{r.choice(LIST_FILTERS)}"
        if kind == 5:
            return f"{self.pick(MAPS)}|{r.choice(MAP_FILTERS)}"
        if kind == 6:
            return f"({self.pick(NUMBERS)})|{r.choice(NUMBER_FILTERS)}"
        if kind == 7:
            source, methods = r.choice([(STRINGS, STRING_METHODS), (STRINGS, STRING_METHODS), (LISTS, LIST_METHODS), (MAPS, MAP_METHODS)])
            return f"({r.choice(source)}).{r.choice(methods)}"
        if kind == 8:
            return f"({self.expression(depth + 1)}) is {r.choice(['', 'not '])}{r.choice(TESTS)}"
        if kind == 9:
            return f"({self.pick(STRINGS, LISTS, MAPS)}){r.choice(SLICES)}"
        if kind == 10:
            return f"({self.pick(LISTS, MAPS, OTHERS)}){r.choice(SLICES)}{r.choice(ATTRIBUTES)}"
        if kind < 13:
            return f"({self.expression(depth + 1)}) {r.choice(OPERATORS)} ({self.expression(depth + 1)})"
        if kind == 13:
            return f"({self.expression(depth + 1)} if {self.expression(depth + 1)} else {self.expression(depth + 1)})"
        if kind == 14:
            return r.choice(FORMATS)
        return f"({self.expression(depth + 1)})|{r.choice(STRING_FILTERS + LIST_FILTERS + MAP_FILTERS + NUMBER_FILTERS)}"

    def tag(self, text):
        r = self.random
        return f"{{%{r.choice(['', '', '-', '+'])} {text} {r.choice(['', '', '-', '+'])}%}}"

    def space(self):
        return self.random.choice(["", "", " ", "\n", "  \n  ", "x", " text\n", "\t", "\n\n", "{# c #}", "{#- c -#}\n", "é "])

    def block(self, depth=0):
        parts = []
        for _ in range(self.random.randrange(1, 4)):
            parts += [self.space(), self.statement(depth), self.space()]
        return "".join(parts)

    def statement(self, depth):
        r = self.random
        kind = r.randrange(15) if depth < 3 else 0
        name = r.choice(["x", "y", "item", "s", "ns2"])
        if kind < 4:
            return f"{{{{{r.choice(['', '', '-'])} {self.expression()} {r.choice(['', '', '-'])}}}}}"
        if kind == 4:
            return self.tag(f"if {self.expression()}") + self.block(depth + 1) + (self.tag(f"elif {self.expression()}") + self.block(depth + 1) if r.random() < 0.4 else "") + (self.tag("else") + self.block(depth + 1) if r.random() < 0.5 else "") + self.tag("endif")
        if kind < 8:
            target = r.choice(["x", "x", "item", "k, v", "a, b"])
            loop = r.choice(["{{ loop.index }}", "{{ loop.index0 }}/{{ loop.length }}", "{{ loop.first }}{{ loop.last }}", "{{ loop.revindex }}", "{{ loop.previtem }}|{{ loop.nextitem }}", "{{ loop.cycle('a', 'b') }}", "{{ loop.changed(x) }}", "{{ loop.depth }}", "{{ x }}", "{{ item }}", "{{ k }}={{ v }}", "{% if loop.index > 2 %}{% break %}{% endif %}", "{% if loop.index is odd %}{% continue %}{% endif %}", "{% set y = loop.index %}", "{% set ns.x = loop.index %}", "{{ loop.index }}"])
            test = f" if {self.expression(2)}" if r.random() < 0.25 else ""
            return self.tag(f"for {target} in {r.choice([self.pick(LISTS), self.pick(LISTS), self.pick(MAPS), self.expression()])}{test}") + loop + self.block(depth + 1) + (self.tag("else") + self.block(depth + 1) if r.random() < 0.3 else "") + self.tag("endfor")
        if kind == 8:
            return self.tag(f"set {name} = {self.expression()}") + f"{{{{ {name} }}}}"
        if kind == 9:
            return self.tag("set ns = namespace(x=1, y=[])") + self.tag(f"set ns.x = {self.expression()}") + "{{ ns.x }}"
        if kind == 10:
            return self.tag(f"set {name}{r.choice(['', ' | upper', ' | trim'])}") + self.block(depth + 1) + self.tag("endset") + f"[{{{{ {name} }}}}]"
        if kind == 11:
            return self.tag(f"macro f(p, q={self.expression(2)})") + "{{ p }}-{{ q }}-{{ varargs }}-{{ kwargs }}" + self.block(depth + 1) + self.tag("endmacro") + r.choice([f"{{{{ f({self.expression(2)}) }}}}", f"{{{{ f(1, q={self.expression(2)}) }}}}", "{{ f() }}", "{{ f(1, 2, 3, k=4) }}", "{{ f(p=2) }}", "{{ f.name }}{{ f.arguments }}", "{% call f(1) %}in{% endcall %}"])
        if kind == 12:
            return self.tag("for x in tree recursive") + "{{ x.n }}({{ loop(x.c) if x.c else loop.depth }})" + self.tag("endfor")
        if kind == 13:
            return self.tag(f"filter {r.choice(['upper', 'trim', 'indent(3)', 'replace(1, 2)', 'length', 'e'])}") + self.block(depth + 1) + self.tag("endfilter")
        return r.choice(["{%- raw %} {{ x }} {% if %}{% endraw -%}", self.tag(f"with x = {self.expression(2)}, y = 2") + "{{ x }}{{ y }}" + self.block(depth + 1) + self.tag("endwith"), self.tag("do l.append(1)"), "{{ raise_exception('no ' ~ n) }}", self.tag(f"set x, y = {self.pick(LISTS)}") + "{{ x }}{{ y }}", self.tag("generation") + self.block(depth + 1) + self.tag("endgeneration")])


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


class AssistantTracker(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        lineno = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_generation_support"), [], [], body).set_lineno(lineno)

    def _generation_support(self, caller):
        return caller()


environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[AssistantTracker, loopcontrols])
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception
environment.globals["strftime_now"] = datetime.datetime(2026, 1, 15, 12).strftime


def main(file, seed="1", count="2000"):
    maker = Maker(int(seed))
    cases = []
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError()))
    while len(cases) < int(count):
        source = maker.block() if maker.random.random() < 0.6 else "{{ " + maker.expression() + " }}"
        result = {"source": source}
        signal.setitimer(signal.ITIMER_REAL, 1)
        try:
            result["expected"] = environment.from_string(source).render(**json.loads(json.dumps(VARIABLES)))
        except TimeoutError:
            continue
        except Exception as error:
            if maker.random.random() > 0.15:
                continue
            result["error"] = f"{type(error).__name__}: {error}"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        text = json.dumps(result)
        if len(text) < 20000 and not re.search(r" at 0x[0-9a-f]{6,}|b'|Undefined", result.get("expected", "")):
            cases.append(result)
    print(len(cases), sum("error" in c for c in cases), "errors", file=sys.stderr)
    pathlib.Path(file).write_text(json.dumps({"variables": VARIABLES, "cases": cases}, ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
