# A standby of the PostgreSQL of postgresql.sh, which it follows asynchronously: what was confirmed last, it may not have. Tests start it
# for themselves; `SELECT pg_promote()` makes it a primary.

known+=(standby)
standby_packages=(postgresql)
standby_stop_signal=INT

standby_port() {
    echo $((first_port + 25))
}

standby_pid() {
    head -n 1 "$folder/standby/data/postmaster.pid" 2>/dev/null || true
}

standby_start() {
    local home=$folder/standby control
    control=$(postgresql_program pg_ctl)
    owned_folder postgres "$home"
    cd "$home"
    if [[ ! -e $home/ready ]]; then
        rm -rf "$home/data"
        as postgres env PGPASSWORD=headrace "$(postgresql_program pg_basebackup)" -h 127.0.0.1 -p "$(postgresql_port)" -U headrace \
            -D "$home/data" -R -c fast --no-sync >"$home/output" 2>&1 ||
            { cat "$home/output" >&2; fail "there is no copy of PostgreSQL for its standby; start postgresql first"; }
        echo "port = $(standby_port)" >>"$home/data/postgresql.conf"
        touch "$home/ready"
    fi
    as postgres "$control" -D "$home/data" -l "$home/data/log" -w -t "$wait_seconds" start >>"$home/output" 9>&- ||
        { tail -n 30 "$home/data/log" >&2; fail "the standby does not start; its log is $home/data/log"; }
}

# The pid file says that it still runs.
standby_bury() {
    rm -f "$folder/standby/data/postmaster.pid"
}

standby_addresses() {
    if answers "$(standby_port)"; then
        echo "STANDBY=postgresql://headrace:headrace@127.0.0.1:$(standby_port)/headrace"
    fi
}
