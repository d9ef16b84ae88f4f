# FerretDB, which speaks MongoDB's protocol over SQLite: no MongoDB server is to be had as a package. Built from its Go module.

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

# Go, new enough to build it. Debian 12 has 1.19, and a newer one in its backports.
ferretdb_go() {
    local go found=none
    for go in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go-*/bin/go; do
        [[ -x $go ]] || continue
        found=$(GOTOOLCHAIN=local "$go" env GOVERSION)
        if printf '%s\n' "$ferretdb_needs" "${found#go}" | sort -VC; then
            echo "$go"
            return
        fi
    done
    fail "FerretDB is built with Go $ferretdb_needs or newer, found is $found; install it as https://go.dev/doc/install says (in /usr/local/go)," \
        "or golang-go from Debian's backports"
}

ferretdb_install() {
    local program go module
    program=$(ferretdb_program)
    if [[ -x $program ]]; then return; fi
    go=$(ferretdb_go)
    mkdir -p "$cache"
    (
        build=$(mktemp -d "$cache/ferretdb-XXXXXX")
        trap 'rm -rf "$build"' EXIT
        export GOTOOLCHAIN=local CGO_ENABLED=0
        module=github.com/FerretDB/FerretDB@v$ferretdb_version
        # It can't be built where it is downloaded to: its version is a file that only its releases have.
        printf 'module servers\n\ngo %s\n' "$ferretdb_needs" >"$build/go.mod"
        cd "$build"
        "$go" mod download "$module"
        cp -r "$("$go" list -m -f '{{.Dir}}' "$module")" source
        chmod -R u+w source
        printf 'v%s' "$ferretdb_version" >source/build/version/version.txt
        cd source
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
        # Without a sync at each commit: it survives its own death so, and is fast enough for tests.
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
