# Redis with a password, on a plain and an encrypted port; it syncs to the disk before it answers.

known+=(redis)
usual+=(redis)
redis_packages=(redis-server openssl)

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
    certify redis "$home"
    cat >"$home/redis.conf" <<TEXT
bind 127.0.0.1
port $(redis_port)
tls-port $(($(redis_port) + 30))
tls-cert-file $home/certificate.pem
tls-key-file $home/key.pem
tls-auth-clients no
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

# The pid file names a process that is gone.
redis_bury() {
    rm -f "$folder/redis/pid"
}

redis_addresses() {
    if answers "$(redis_port)"; then
        echo "REDIS=redis://:headrace@127.0.0.1:$(redis_port)/0"
        echo "REDIS_TLS=rediss://:headrace@127.0.0.1:$(($(redis_port) + 30))/0?cacertfile=$folder/redis/certificate.pem"
    fi
}
