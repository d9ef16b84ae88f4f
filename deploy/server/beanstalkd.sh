# beanstalkd, which syncs to the disk before it answers.

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
        # It writes no pid file: the shell writes its own pid, then becomes beanstalkd.
        # shellcheck disable=SC2016
        as beanstalkd setsid bash -c 'echo $$ >pid; exec /usr/bin/beanstalkd -l 127.0.0.1 -p "$1" -b data -f 0' - "$(beanstalkd_port)" \
            </dev/null >"$home/output" 2>&1 9>&- &
    )
    wait_for_port beanstalkd "$(beanstalkd_port)" "$home/output"
}

# The pid file names a process that is gone.
beanstalkd_bury() {
    rm -f "$folder/beanstalkd/pid"
}

beanstalkd_addresses() {
    if answers "$(beanstalkd_port)"; then echo "BEANSTALKD=beanstalk://127.0.0.1:$(beanstalkd_port)"; fi
}
