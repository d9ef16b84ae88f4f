# Jetstream, which streams Bluesky's network, and its simulator of a network with 100 accounts, built from its Go module. There are two hosts of
# the same network: one that remembers, and one that forgets after a second. The build takes some minutes, so they run only if they are named.

known+=(jetstream)
jetstream_packages=()
jetstream_version=0.2.0
jetstream_needs=1.26.5 # as its go.mod says

jetstream_port() {
    echo $((first_port + 16))
}

jetstream_pid() {
    cat "$folder/jetstream/pid" 2>/dev/null || true
}

jetstream_programs() {
    echo "$cache/jetstream-$jetstream_version"
}

jetstream_install() {
    local go programs
    programs=$(jetstream_programs)
    if [[ -d $programs ]]; then return; fi
    mkdir -p "$cache"
    install_go "$jetstream_needs" Jetstream
    go=$(go_program "$jetstream_needs")
    (
        build=$(mktemp -d "$cache/jetstream-XXXXXX")
        trap 'rm -rf "$build"' EXIT
        export GOTOOLCHAIN=local CGO_ENABLED=0
        cd "$build"
        go_source "$go" "$jetstream_needs" "github.com/bluesky-social/jetstream@v$jetstream_version"
        cd source
        # Segments are sealed after 256 MiB, of blocks of 4,096 events: tests wait for neither.
        sed -i 's/^const defaultMaxSegmentBytes int64 = 256 << 20$/const defaultMaxSegmentBytes int64 = 32 << 10/' internal/ingest/config.go
        sed -i 's/DefaultMaxEventsPerBlock = 4096$/DefaultMaxEventsPerBlock = 64/' segment/writer.go
        grep -q '32 << 10' internal/ingest/config.go && grep -q 'EventsPerBlock = 64' segment/writer.go || fail "Jetstream's source has changed"
        echo "building Jetstream $jetstream_version, which takes some minutes"
        nice "$go" build -buildvcs=false -o ../programs/ ./cmd/jetstream ./cmd/simulator
        mv -T ../programs "$programs" || [[ -d $programs ]] # atomic: whole or not at all
    )
}

# Start program $1 in a folder of its own, $2, with these options; it ends with the shell whose pid is in the file `pid`.
jetstream_run() {
    local home=$folder/jetstream/$2
    mkdir -p "$home"
    (cd "$home" && exec "$(jetstream_programs)/$1" "${@:3}" </dev/null >output 2>&1) &
}

# Start a host that remembers events for as long as $3 says, in folder $1, on port $2 and one for its own figures.
jetstream_host() {
    local network=http://127.0.0.1:$((first_port + 18))
    jetstream_run jetstream "$1" serve --addr "127.0.0.1:$2" --debug-addr "127.0.0.1:$(($2 + 11))" --data-dir data \
        --relay-url "$network" --plc-url "$network" --cursor-lookback "$3"
}

# A shell that runs the three programs, and ends them when it is ended.
jetstream_start() {
    local home=$folder/jetstream port
    port=$(jetstream_port)
    [[ -d $(jetstream_programs) ]] || fail "Jetstream is not built; run deploy/servers install jetstream"
    mkdir -p "$home"
    (
        exec </dev/null >"$home/output" 2>&1 9>&-
        trap 'kill $(jobs -p) 2>/dev/null; wait; exit' TERM
        echo "$BASHPID" >"$home/pid"
        jetstream_run simulator network serve --addr "127.0.0.1:$((first_port + 18))" --data-dir world --accounts 100 --commits-per-sec 50
        until answers $((first_port + 18)); do sleep 0.2; done
        jetstream_host host "$port" 36h
        jetstream_host forgetful $((port + 1)) 1s
        wait
    ) &
    wait_for_port jetstream "$port" "$home/host/output"
    wait_for_port jetstream $((port + 1)) "$home/forgetful/output"
}

jetstream_addresses() {
    if answers "$(jetstream_port)"; then
        echo "JETSTREAM=bluesky://127.0.0.1:$(jetstream_port)"
        echo "JETSTREAM_FORGETFUL=bluesky://127.0.0.1:$(($(jetstream_port) + 1))"
    fi
}
