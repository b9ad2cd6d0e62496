# For scripts that run suites of tests: a suite that fails does not hide what the next ones would say.

failed=

# Runs the command of a suite.
suite() {
    "$@" || failed="$failed
  $*"
}

# Names the suites that failed, and exits with 1 if there are any.
all_passed() {
    [ -z "$failed" ] && return
    echo "failed:$failed" >&2
    exit 1
}
