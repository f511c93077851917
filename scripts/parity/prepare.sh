# Shared by the scripts that compare the executable with transformers: PYTHON, FACET, $work.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONPATH=$PWD/Tests/Fixtures/models

if [ -z "${PYTHON:-}" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet -r Tests/Fixtures/models/requirements.txt
    PYTHON="$work/venv/bin/python"
fi
. scripts/lib.sh
require_facet

# write_table NAME FILE: puts a table between the marks of its name in docs/MODELS.md.
write_table() {
    awk -v name="$1" -v table="$2" '
        $0 == "<!-- " name " -->" { print; while ((getline line < table) > 0) print line; skip = 1 }
        $0 == "<!-- end " name " -->" { skip = 0 }
        !skip { print }
    ' docs/MODELS.md > "$work/MODELS.md"
    cp "$work/MODELS.md" docs/MODELS.md
    echo "docs/MODELS.md has the table" >&2
}
