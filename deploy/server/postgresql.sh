# PostgreSQL, with a password and a database of its own.

known+=(postgresql)
usual+=(postgresql)
postgresql_packages=(postgresql)
postgresql_stop_signal=INT # SIGINT closes its connections; SIGTERM would wait for them

postgresql_port() {
    echo $((first_port + 5))
}

postgresql_pid() {
    head -n 1 "$folder/postgresql/data/postmaster.pid" 2>/dev/null || true
}

postgresql_program() {
    local found
    found=$(find /usr/lib/postgresql -path "*/bin/$1" 2>/dev/null | sort -V | tail -n 1)
    [[ -n $found ]] || fail "PostgreSQL is not installed; run deploy/servers install postgresql"
    echo "$found"
}

postgresql_start() {
    local home=$folder/postgresql control port
    port=$(postgresql_port)
    control=$(postgresql_program pg_ctl)
    owned_folder postgres "$home"
    cd "$home"
    if [[ ! -e $home/ready ]]; then
        rm -rf "$home/data"
        echo headrace >"$home/password"
        as postgres "$(postgresql_program initdb)" -D "$home/data" -U headrace --pwfile="$home/password" -A scram-sha-256 \
            -E UTF8 --locale=C.UTF-8 --no-sync >"$home/output"
        cat >>"$home/data/postgresql.conf" <<TEXT
port = $port
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_wal_size = 2GB
TEXT
    fi
    as postgres "$control" -D "$home/data" -l "$home/data/log" -w -t "$wait_seconds" start >>"$home/output" 9>&- ||
        { tail -n 30 "$home/data/log" >&2; fail "PostgreSQL does not start; its log is $home/data/log"; }
    if [[ ! -e $home/ready ]]; then
        PGPASSWORD=headrace "$(postgresql_program psql)" -q -h 127.0.0.1 -p "$port" -U headrace -d postgres -c 'CREATE DATABASE headrace'
        touch "$home/ready"
    fi
}

# The pid file says that it still runs.
postgresql_bury() {
    rm -f "$folder/postgresql/data/postmaster.pid"
}

postgresql_addresses() {
    if answers "$(postgresql_port)"; then
        echo "POSTGRESQL=postgresql://headrace:headrace@127.0.0.1:$(postgresql_port)/headrace"
    fi
}
