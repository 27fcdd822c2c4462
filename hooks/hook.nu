# escenv's hook for nushell. It starts no process while nothing changes.

# Whether a file is as escenv has read it, to the nanosecond.
def __escenv_is [path: string, stamp: string] {
    try {
        let file = ($path | path expand)
        let modified = (ls --directory $file | get 0.modified | into int)
        $modified == ($stamp | path basename | into int)
    } catch { false }
}

# Whether what is watched is as it was, and it is not time to come back. A clock
# that went back is as good a reason as one that went on.
def __escenv_fresh [] {
    let seen = $env.__escenv.seen
    if ($seen.__escenv_file? | is-empty) { return true }
    if not (__escenv_is $seen.__escenv_file $seen.__escenv_stamp) { return false }
    if not (__escenv_is $seen.__escenv_generation $seen.__escenv_generation_stamp) { return false }
    if ($env.__escenv.due == null) { return true }
    let now = (date now)
    $now < $env.__escenv.due and $now >= $env.__escenv.since
}

# Looks upward: the nearest .escenv, and where a nearer one would be.
def __escenv_look [] {
    mut at = ($env.PWD | str trim --right --char '/')
    mut nearer = []
    loop {
        let candidate = $"($at)/.escenv"
        if (__escenv_file $candidate) { return {found: $candidate, nearer: $nearer} }
        $nearer = ($nearer | append $candidate)
        if ($at | is-empty) { return {found: "", nearer: $nearer} }
        $at = ($at | str substring 0..<($at | str index-of --end '/'))
    }
}

def __escenv_file [path: string] {
    ($path | path exists) and ($path | path expand | path type) == "file"
}

# Does what escenv says.
def --env __escenv_apply [changes: list<any>] {
    mut state = $env.__escenv
    mut give = {}
    mut take = []
    for change in $changes {
        let name = $change.name
        match $change.op {
            "set" => { $state.seen = ($state.seen | upsert $name $change.value) }
            "export" => { $give = ($give | upsert $name $change.value) }
            "save" => { if ($name in $env) { $state.saved = ($state.saved | upsert $name ($env | get $name)) } }
            "forget" => { $state.saved = ($state.saved | reject --optional $name) }
            "unset" => { $take = ($take | append $name) }
            "restore" => {
                if ($name in $state.saved) {
                    $give = ($give | upsert $name ($state.saved | get $name))
                    $state.saved = ($state.saved | reject $name)
                } else {
                    $take = ($take | append $name)
                }
            }
        }
    }
    let wait = $state.seen.__escenv_wait?
    $state.since = (date now)
    $state.due = if ($wait | is-empty) { null } else { $state.since + (($wait | into int) - 1 | into duration --unit sec) } # rather too early
    load-env $give
    hide-env --ignore-errors ...$take
    $env.__escenv = $state
}

# Says once that escenv is not there any more, and leaves no credentials in a
# directory they are not for.
def --env __escenv_gone [found: string] {
    if $found != ($env.__escenv.seen.__escenv_file? | default "") {
        let names = ($env.ESCENV_VARS? | default "" | split row ":" | where {|name| $name =~ '^[A-Za-z0-9_]+$' })
        hide-env --ignore-errors ...$names ESCENV_ENV ESCENV_VARS ESCENV_EXPIRES ESCENV_FILE
        $env.__escenv.seen = {}
    }
    $env.__escenv.pwd = $env.PWD
    if not $env.__escenv.warned {
        $env.__escenv.warned = true
        print --stderr $"escenv: error: (@ESCENV@) is gone"
        print --stderr "escenv: hint: install it again, or remove escenv.nu from your autoload directory"
    }
}

# Has escenv decide, if it must, and does what it says.
def --env __escenv_change [] {
    let look = (__escenv_look)
    $env.__escenv.nearer = $look.nearer
    let loaded = ($env.__escenv.seen.__escenv_file? | default "")
    if $look.found == $loaded and ($look.found != "" or ($env.ESCENV_FILE? | is-empty)) and (__escenv_fresh) {
        $env.__escenv.pwd = $env.PWD
        return
    }
    if not (@ESCENV@ | path exists) {
        __escenv_gone $look.found
        return
    }
    $env.__escenv.pwd = "" # should Ctrl-C end it here, the next prompt tries again
    let state = ($env.__escenv.seen.__escenv_state? | default "")
    let run = (with-env {__ESCENV_STATE: $state, __ESCENV_SHELL: ($nu.pid | into string)} { ^@ESCENV@ export nu | complete })
    if ($run.stderr | is-not-empty) { print --stderr --no-newline $run.stderr }
    if $run.exit_code < 0 or $run.exit_code >= 126 { return } # it was killed
    __escenv_apply ($run.stdout | lines | each { from json })
    $env.__escenv.pwd = $env.PWD
    $env.__escenv.nearer = (__escenv_look).nearer
}

# Runs at each prompt and after each cd: returns at once if nothing has changed
# since the last look.
def --env __escenv_update [] {
    let known = $env.__escenv.pwd == $env.PWD
    if $known and not ($env.__escenv.nearer | any { path exists }) and (__escenv_fresh) { return }
    __escenv_change
}

# So that "cd there; command" never runs with what belongs here.
alias __escenv_cd = cd
def --env cd [
    path?: directory # the path to change to
    --physical (-P) # use the physical directory structure; resolve symbolic links
] {
    if $path == null {
        __escenv_cd
    } else if $physical {
        __escenv_cd --physical $path
    } else {
        __escenv_cd $path
    }
    __escenv_update
}

# A record never reaches children. A shell that was started here has none.
if ("__escenv" not-in $env) {
    $env.__escenv = {pwd: "", seen: {}, saved: {}, nearer: [], due: null, since: null, warned: false}
    $env.config.hooks.pre_prompt = ($env.config.hooks.pre_prompt? | default [] | append {|| __escenv_update })
}
$env.ESCENV_HOOK = $"nu:($nu.pid)" # so that "escenv status" knows
