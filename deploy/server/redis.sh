# Redis, with a password; what it has answered for is synced to the disk.

known+=(redis)
usual+=(redis)
redis_packages=(redis-server)

redis_port() {
    echo $((first_port + 6))
}

redis_pid() {
    cat "$folder/redis/pid" 2>/dev/null || true
}

redis_start() {
    local home=$folder/redis
    [[ -x /usr/bin/redis-server ]] || fail "Redis is not installed; run deploy/servers install redis"
    owned_folder redis "$home"
    cat >"$home/redis.conf" <<TEXT
bind 127.0.0.1
port $(redis_port)
requirepass headrace
dir $home
pidfile $home/pid
daemonize yes
logfile $home/log
appendonly yes
appendfsync always
save ""
TEXT
    as redis redis-server "$home/redis.conf" >"$home/output" 9>&-
    wait_for_port redis "$(redis_port)" "$home/log"
}

# After it was killed: its file names a process that is gone.
redis_bury() {
    rm -f "$folder/redis/pid"
}

redis_addresses() {
    if answers "$(redis_port)"; then echo "REDIS=redis://:headrace@127.0.0.1:$(redis_port)/0"; fi
}
