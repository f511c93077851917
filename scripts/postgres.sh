# Sourced by scripts that need a PostgreSQL server of their own; nothing that runs already is touched.

# The newest server's programs; empty where none is installed.
postgres_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)

# as_postgres COMMAND...: PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"); else "$@"; fi
}

# start_postgres FOLDER [PORT]: makes a database in FOLDER and starts its server; sets postgres_url.
start_postgres() {
    local port=${2:-$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')}
    mkdir -p "$1"
    [ "$(id -u)" != 0 ] || { chmod 711 "$(dirname "$1")"; chown postgres "$1"; }
    as_postgres "$postgres_bin/initdb" -D "$1/data" -A trust -U facet -E UTF8 --locale=C.UTF-8 >"$1.log" 2>&1
    resume_postgres "$1" "$port"
    postgres_url=postgresql://facet@127.0.0.1:$port/postgres
}

# resume_postgres FOLDER PORT: starts the server of a database that is there.
resume_postgres() {
    as_postgres "$postgres_bin/pg_ctl" -D "$1/data" -l "$1/server.log" -w \
        -o "-p $2 -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 -c shared_buffers=64MB" \
        start >/dev/null
}

# stop_postgres FOLDER [MODE]: MODE is fast, or immediate as in a crash.
stop_postgres() { as_postgres "$postgres_bin/pg_ctl" -D "$1/data" -m "${2:-fast}" -w stop >/dev/null; }
