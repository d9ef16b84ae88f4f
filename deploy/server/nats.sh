# NATS with JetStream, with a user and a password.

known+=(nats)
usual+=(nats)
nats_packages=(nats-server)

nats_port() {
    echo $((first_port + 7))
}

nats_pid() {
    cat "$folder/nats/pid" 2>/dev/null || true
}

nats_start() {
    local home=$folder/nats
    [[ -x /usr/sbin/nats-server ]] || fail "NATS is not installed; run deploy/servers install nats"
    owned_folder nats "$home"
    cat >"$home/nats.conf" <<TEXT
listen: "127.0.0.1:$(nats_port)"
pid_file: "$home/pid"
log_file: "$home/log"
authorization { user: headrace, password: headrace }
jetstream { store_dir: "$home/data" }
TEXT
    (
        cd "$home"
        as nats setsid /usr/sbin/nats-server -c "$home/nats.conf" </dev/null >"$home/output" 2>&1 9>&- &
    )
    wait_for_port nats "$(nats_port)" "$home/log"
}

# The pid file names a process that is gone.
nats_bury() {
    rm -f "$folder/nats/pid"
}

nats_addresses() {
    if answers "$(nats_port)"; then echo "NATS=nats://headrace:headrace@127.0.0.1:$(nats_port)"; fi
}
