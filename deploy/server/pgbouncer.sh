# PgBouncer in transaction mode, in front of the PostgreSQL of postgresql.sh: a pool that is smaller than the number of its clients.
# PGBOUNCER_POOL_MODE=session or =statement sets another mode; PGBOUNCER_SETTINGS holds further lines of its configuration.

known+=(pgbouncer)
usual+=(pgbouncer)
pgbouncer_packages=(pgbouncer postgresql)

pgbouncer_port() {
    echo $((first_port + 15))
}

pgbouncer_pid() {
    cat "$folder/pgbouncer/pid" 2>/dev/null || true
}

pgbouncer_start() {
    local home=$folder/pgbouncer
    [[ -x /usr/sbin/pgbouncer ]] || fail "PgBouncer is not installed; run deploy/servers install pgbouncer"
    owned_folder postgres "$home"
    echo '"headrace" "headrace"' >"$home/users"
    cat >"$home/pgbouncer.ini" <<TEXT
[databases]
* = host=127.0.0.1 port=$(postgresql_port)
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $(pgbouncer_port)
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $home/users
admin_users = headrace
pidfile = $home/pid
logfile = $home/log
pool_mode = ${PGBOUNCER_POOL_MODE:-transaction}
default_pool_size = 4
${PGBOUNCER_SETTINGS:-}
TEXT
    rm -f "$home/pid"
    as postgres /usr/sbin/pgbouncer -q -d "$home/pgbouncer.ini" >"$home/output" 2>&1 9>&- ||
        { tail -n 30 "$home/output" "$home/log" >&2; fail "PgBouncer does not start"; }
    wait_for_port pgbouncer "$(pgbouncer_port)" "$home/log"
}

# The pid file names a process that is gone.
pgbouncer_bury() {
    rm -f "$folder/pgbouncer/pid"
}

pgbouncer_addresses() {
    if answers "$(pgbouncer_port)"; then
        echo "PGBOUNCER=postgresql://headrace:headrace@127.0.0.1:$(pgbouncer_port)/headrace"
    fi
}
