"""Records anew what Jinja2, as transformers sets it up, makes of the templates in behaviour.json.

Usage: python3 record.py (with jinja2 3.1.6 installed). To add templates, append {"source": …} to its
cases and run this; results that contain an address in memory are dropped.
"""
import datetime
import json
import pathlib
import re

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


environment = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
)
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception
environment.globals["strftime_now"] = datetime.datetime(2026, 1, 15, 12).strftime

path = pathlib.Path(__file__).with_name("behaviour.json")
recording = json.loads(path.read_text())
cases = []
for case in recording["cases"]:
    result = {"source": case["source"]}
    try:
        result["expected"] = environment.from_string(case["source"]).render(**recording["variables"])
    except Exception as error:
        result["error"] = f"{type(error).__name__}: {error}"
    if not re.search(r" at 0x[0-9a-f]{6,}", json.dumps(result)):
        cases.append(result)
lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
variables = json.dumps(recording["variables"], ensure_ascii=False)
path.write_text(f'{{"variables": {variables},\n"cases": [\n{lines}\n]}}\n')
print(len(cases), "templates,", sum("error" in case for case in cases), "of them errors")
