# Shared by the scripts in this folder: what the machine must have before anything can be built.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Where scripts/install-toolchain puts Swift.
toolchain=${XDG_DATA_HOME:-$HOME/.local/share}/facet/toolchain

# The Swift toolchain, found on PATH or where installers put it; 6.3 or newer. Where there is none it is fetched if
# `install_toolchain` is set, or if a person at the terminal says yes.
require_swift() {
    local candidate answer=''
    if ! command -v swift >/dev/null 2>&1; then
        for candidate in /opt/swift/usr/bin "$HOME/.local/share/swiftly/bin" /usr/libexec/swift/bin "$toolchain/usr/bin"; do
            if [ -x "$candidate/swift" ]; then
                PATH="$candidate:$PATH"
                break
            fi
        done
    fi
    if ! command -v swift >/dev/null 2>&1; then
        if [ -z "${install_toolchain:-}" ] && [ -t 0 ] && [ -t 2 ]; then
            read -r -p "The Swift toolchain is missing. Fetch it (about 1 GB) into $toolchain? [y/N] " answer
        fi
        if [ -n "${install_toolchain:-}" ] || [[ $answer == [yY]* ]]; then
            "$root/scripts/install-toolchain"
            PATH="$toolchain/usr/bin:$PATH"
        fi
    fi
    command -v swift >/dev/null 2>&1 ||
        die "the Swift toolchain is missing: run this again with --install-toolchain to fetch it, or install Swift 6.3 or newer from https://www.swift.org/install/linux and put it on PATH."
    local version major minor
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    major=${version%%.*}
    minor=${version#*.}
    [ -n "$version" ] || die "'swift --version' did not say which version it is: install Swift 6.3 or newer from https://www.swift.org/install/linux."
    if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 3 ]; }; then
        die "Swift $version is too old: facet needs 6.3 or newer from https://www.swift.org/install/linux."
    fi
}

# Installs Debian packages that are not there yet, or says which ones to install.
require_packages() {
    local missing=() package sudo=()
    command -v dpkg-query >/dev/null 2>&1 ||
        die "this script installs packages on Debian and Ubuntu only; install these by hand, with headers: libuv, OpenSSL 3, OpenBLAS, PCRE2 (8 bit), libcurl, SQLite 3, zlib, Zstandard, pkg-config; then run 'swift build -c release'."
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
            missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
            sudo=(sudo)
        else
            die "these packages are missing and only root may install them: ${missing[*]}
Run: sudo apt-get install -y ${missing[*]}"
        fi
    fi
    say "installing: ${missing[*]}"
    "${sudo[@]}" apt-get update -qq || say "warning: 'apt-get update' failed; trying with the lists that are there"
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >&2 ||
        die "apt-get could not install: ${missing[*]}. Install them by hand and run this again."
}

# python_tests NAME TESTS ARGUMENT…: runs tests with what their requirements.txt asks for.
python_tests() {
    local environment=$root/.build/$1 tests=$2
    shift 2
    if ! cmp -s "$tests/requirements.txt" "$environment/requirements.txt"; then
        rm -rf "$environment"
        python3 -m venv "$environment"
        "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$tests/requirements.txt"
        cp "$tests/requirements.txt" "$environment/requirements.txt"
    fi
    "$environment/bin/python" -m pytest -q "$tests" "$@"
}

# FACET, the release build. Swift's libraries are inside it, so that it runs where there is no toolchain, and no path
# of this machine is.
build_facet() {
    require_build_tools
    local options=(-c release --static-swift-stdlib -Xcc "-ffile-prefix-map=$root=.")
    swift build "${options[@]}" --product facet >&2
    FACET=$(swift build "${options[@]}" --show-bin-path)/facet
    export FACET
}

# FACET, the executable that tests run: the release build, which is made where it is missing.
require_facet() {
    [ -n "${FACET:-}" ] || build_facet
    export FACET
}

# What building facet takes.
require_build_tools() {
    require_swift
    require_packages pkg-config libuv1-dev libssl-dev libopenblas-dev libpcre2-dev libcurl4-openssl-dev zlib1g-dev libzstd-dev libsqlite3-dev libpq-dev
}
