# beanstalkd; what it has answered for is synced to the disk.

known+=(beanstalkd)
usual+=(beanstalkd)
beanstalkd_packages=(beanstalkd)

beanstalkd_port() {
    echo $((first_port + 8))
}

beanstalkd_pid() {
    cat "$folder/beanstalkd/pid" 2>/dev/null || true
}

beanstalkd_start() {
    local home=$folder/beanstalkd
    [[ -x /usr/bin/beanstalkd ]] || fail "beanstalkd is not installed; run deploy/servers install beanstalkd"
    owned_folder beanstalkd "$home"
    owned_folder beanstalkd "$home/data"
    (
        cd "$home"
        # It writes no file with its number, so the shell that it takes the place of does.
        # shellcheck disable=SC2016
        as beanstalkd setsid bash -c 'echo $$ >pid; exec /usr/bin/beanstalkd -l 127.0.0.1 -p "$1" -b data -f 0' - "$(beanstalkd_port)" \
            </dev/null >"$home/output" 2>&1 9>&- &
    )
    wait_for_port beanstalkd "$(beanstalkd_port)" "$home/output"
}

# After it was killed: its file names a process that is gone.
beanstalkd_bury() {
    rm -f "$folder/beanstalkd/pid"
}

beanstalkd_addresses() {
    if answers "$(beanstalkd_port)"; then echo "BEANSTALKD=beanstalk://127.0.0.1:$(beanstalkd_port)"; fi
}
