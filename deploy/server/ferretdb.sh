# FerretDB, which speaks MongoDB's protocol over SQLite, built from its Go module: Debian has no package of a MongoDB server.

known+=(ferretdb)
usual+=(ferretdb)
ferretdb_packages=()
ferretdb_version=1.24.0
ferretdb_needs=1.22 # as its go.mod says

ferretdb_port() {
    echo $((first_port + 13))
}

ferretdb_pid() {
    cat "$folder/ferretdb/pid" 2>/dev/null || true
}

ferretdb_program() {
    echo "$cache/ferretdb-$ferretdb_version/ferretdb"
}

ferretdb_install() {
    local program go
    program=$(ferretdb_program)
    if [[ -x $program ]]; then return; fi
    mkdir -p "$cache"
    install_go "$ferretdb_needs" FerretDB
    go=$(go_program "$ferretdb_needs")
    (
        build=$(mktemp -d "$cache/ferretdb-XXXXXX")
        trap 'rm -rf "$build"' EXIT
        export GOTOOLCHAIN=local CGO_ENABLED=0
        cd "$build"
        go_source "$go" "$ferretdb_needs" "github.com/FerretDB/FerretDB@v$ferretdb_version"
        cd source
        printf 'v%s' "$ferretdb_version" >build/version/version.txt # which only releases have
        echo "building FerretDB $ferretdb_version, which takes some minutes"
        nice "$go" build -buildvcs=false -o ../ferretdb ./cmd/ferretdb
        mkdir -p "$(dirname "$program")"
        mv ../ferretdb "$program"
    )
}

ferretdb_start() {
    local home=$folder/ferretdb program
    program=$(ferretdb_program)
    [[ -x $program ]] || fail "FerretDB is not built; run deploy/servers install ferretdb"
    mkdir -p "$home/data"
    (
        cd "$home"
        # No sync at each commit: it still survives its own death, and is fast enough for tests.
        setsid "$program" --handler=sqlite --sqlite-url="file:$home/data/?_pragma=synchronous(normal)" --state-dir="$home" \
            --listen-addr="127.0.0.1:$(ferretdb_port)" --debug-addr=- --telemetry=disable --log-level=WARN \
            </dev/null >"$home/output" 2>&1 9>&- &
        echo $! >"$home/pid"
    )
    wait_for_port ferretdb "$(ferretdb_port)" "$home/output"
}

ferretdb_addresses() {
    if answers "$(ferretdb_port)"; then echo "MONGODB=mongodb://127.0.0.1:$(ferretdb_port)/"; fi
}
