# RabbitMQ: nodes 1 to 3 of one cluster; the second and third join the first when they are new.

known+=(rabbitmq rabbitmq-2 rabbitmq-3)
usual+=(rabbitmq)
rabbitmq_packages=(rabbitmq-server openssl)

rabbitmq_number() {
    case $1 in
    rabbitmq) echo 1 ;;
    *) echo "${1#rabbitmq-}" ;;
    esac
}

rabbitmq_port() {
    echo $((first_port + $(rabbitmq_number "$1")))
}

rabbitmq_pid() {
    cat "$folder/$1/pid" 2>/dev/null || true
}

rabbitmq_start() {
    local number port home=$folder/$1
    number=$(rabbitmq_number "$1")
    port=$(rabbitmq_port "$1")
    [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] || fail "RabbitMQ is not installed; run deploy/servers install $1"
    owned_folder rabbitmq "$home"
    certify rabbitmq "$home"
    {
        echo "listeners.tcp.1 = 127.0.0.1:$port"
        echo "listeners.ssl.1 = 127.0.0.1:$((port + 30))"
        echo "ssl_options.certfile = $home/certificate.pem"
        echo "ssl_options.keyfile = $home/key.pem"
        echo "disk_free_limit.absolute = 50MB"
        echo "log.file.level = warning"
        if ((number > 1)); then
            echo "cluster_formation.peer_discovery_backend = classic_config"
            echo "cluster_formation.classic_config.nodes.1 = headrace-1@localhost"
        fi
    } >"$home/rabbitmq.conf"
    echo "headrace-$first_port" >"$home/.erlang.cookie"
    : >"$home/plugins"
    if [[ $(id -u) == 0 ]]; then chown rabbitmq: "$home/.erlang.cookie" "$home/plugins"; fi
    chmod 400 "$home/.erlang.cookie"
    rabbitmq_run "$1" "$number" "$home"
    wait_for_port "$1" "$port" "$home/output"
}

rabbitmq_run() {
    local settings=(
        HOME="$3" LANG=C.UTF-8
        ERL_EPMD_PORT=$((first_port + 10)) ERL_EPMD_ADDRESS=127.0.0.1
        RABBITMQ_CONF_ENV_FILE=/dev/null
        RABBITMQ_NODENAME="headrace-$2@localhost"
        RABBITMQ_DIST_PORT=$((first_port + 20 + $2))
        RABBITMQ_CONFIG_FILE="$3/rabbitmq.conf" RABBITMQ_ADVANCED_CONFIG_FILE="$3/none"
        RABBITMQ_MNESIA_BASE="$3/data" RABBITMQ_LOG_BASE="$3/log"
        RABBITMQ_ENABLED_PLUGINS_FILE="$3/plugins" RABBITMQ_PID_FILE="$3/pid"
        # Schedulers sleep while they wait, so that an idle server uses no processor time.
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
    )
    (
        cd "$3"
        as rabbitmq env -i PATH="$PATH" "${settings[@]}" setsid /usr/lib/rabbitmq/bin/rabbitmq-server \
            </dev/null >"$3/output" 2>&1 9>&- &
    )
}

rabbitmq_addresses() {
    local name ports=()
    for name in rabbitmq rabbitmq-2 rabbitmq-3; do
        if answers "$(rabbitmq_port $name)"; then ports+=("127.0.0.1:$(rabbitmq_port $name)"); fi
    done
    if ((${#ports[@]})); then echo "RABBITMQ=amqp://guest:guest@${ports[0]}/"; fi
    if answers $(($(rabbitmq_port rabbitmq) + 30)); then
        echo "RABBITMQ_TLS=amqps://guest:guest@127.0.0.1:$(($(rabbitmq_port rabbitmq) + 30))/?cacertfile=$folder/rabbitmq/certificate.pem"
    fi
    if ((${#ports[@]} == 3)); then
        echo "RABBITMQ_CLUSTER=amqp://guest:guest@${ports[0]},${ports[1]},${ports[2]}/"
    fi
}

# After the last node has stopped, end epmd, by which the nodes find each other.
rabbitmq_sweep() {
    ERL_EPMD_PORT=$((first_port + 10)) epmd -kill >/dev/null 2>&1 || true
}
