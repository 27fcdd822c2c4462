# escenv's hook for fish, 3.5 or newer. It starts no process while nothing changes.

# A shell below one that exports everything inherits what is only that one's.
if test "$__escenv_shell" != "$fish_pid"
    set -eg __escenv_state __escenv_pwd __escenv_file __escenv_stamp __escenv_generation __escenv_generation_stamp \
        __escenv_wait __escenv_due __escenv_now __escenv_clock __escenv_watch __escenv_files __escenv_nearer \
        __escenv_words __escenv_warned
    set -gu __escenv_shell $fish_pid
    set -gu __escenv_hold
    builtin status is-interactive; and set -gu __escenv_hold yes # else there will be no prompt
end
set -gx ESCENV_HOOK fish:$fish_pid # so that "escenv status" knows

# Runs at each prompt and, with arguments, after each cd, so that "cd there &&
# command" never runs with what belongs here. One test looks at all there is to
# watch: to start a test costs as much as two or three looks.
function __escenv_update --on-event fish_prompt --on-variable PWD
    builtin test "$__escenv_pwd" != "$PWD" $__escenv_watch; and __escenv_check $argv
end

# Returns if only the directory has changed, or nothing but the clock can tell.
# fish has no clock: a file that is opened for writing, though nothing is
# written, tells the time.
function __escenv_check
    if builtin test "$__escenv_pwd" = "$PWD"; or __escenv_arrive $argv
        if not builtin test -n "" $__escenv_files
            builtin test -z "$__escenv_due"; and return 0
            builtin test "$__escenv_now" -ot "$__escenv_due" >$__escenv_now; and return 0
        end
    end
    __escenv_change $argv
end

# Looks around in another directory. Whether it is still the same .escenv that
# counts, or still none.
function __escenv_arrive
    set -l __escenv_found
    switch "$__escenv_hold"
        case yes
            builtin test -n "$argv"; or set -gu __escenv_hold prompt
        case prompt
            set -gu __escenv_hold
            __escenv_say "$__escenv_words"
    end
    __escenv_look
    builtin test "$__escenv_found" = "$__escenv_file"; or return 1
    builtin test -n "$__escenv_found" -o -z "$ESCENV_FILE"; and __escenv_settle
end

# Remembers where it has looked: until the first prompt is on the screen,
# nowhere, so that the next one comes back for what there is to say. And what to
# compare from now on: what is watched must be as escenv has read it, to the
# nanosecond, and nobody may have asked all shells to look again. When it is time
# to come back the terminal tells, which has just been written to; where it does
# not, each prompt asks the clock.
function __escenv_settle
    set -gu __escenv_pwd $PWD
    builtin test -z "$__escenv_hold"; or set -gu __escenv_pwd
    set -gu __escenv_files $__escenv_nearer
    if builtin test -n "$__escenv_file"
        set -p __escenv_files -o "$__escenv_file" -nt "$__escenv_stamp" -o "$__escenv_file" -ot "$__escenv_stamp" \
            -o "$__escenv_generation" -nt "$__escenv_generation_stamp"
    end
    set -gu __escenv_watch $__escenv_files
    if builtin test -n "$__escenv_clock"
        set -a __escenv_watch -o "$__escenv_clock" -nt "$__escenv_due"
    else if builtin test -n "$__escenv_due"
        set -a __escenv_watch -o -n due
    end
    return 0
end

# Says something, but not before the first prompt is on the screen.
function __escenv_say
    if builtin test -n "$__escenv_hold"
        set -gu __escenv_words "$__escenv_words$argv"
    else if builtin test -n "$argv"
        builtin printf '%s' "$argv" >&2
        set -gu __escenv_words
    end
end

# Looks upward: sets the caller's __escenv_found to the nearest .escenv, and
# __escenv_nearer to the test whether there is a nearer one.
function __escenv_look --no-scope-shadowing
    set __escenv_found
    set -gu __escenv_nearer
    set -l __escenv_dir # never out of a substitution: that splits at newlines
    builtin string match -qr '^(?<__escenv_dir>(?s:.*?))/*\z' -- "$PWD"
    while not builtin test -f "$__escenv_dir/.escenv"
        set -a __escenv_nearer -o -f "$__escenv_dir/.escenv"
        builtin test -n "$__escenv_dir"; or return 0
        builtin string match -qr '^(?<__escenv_dir>(?s:.*))/[^/]*\z' -- "$__escenv_dir"
    end
    set __escenv_found "$__escenv_dir/.escenv"
end

# Has escenv decide, and does what it says.
function __escenv_change
    set -l fish_trace # would show secrets
    set -l __escenv_found
    __escenv_look
    if not builtin test -x @ESCENV@
        __escenv_gone
        return 0
    end
    set -gu __escenv_pwd # should Ctrl-C end it here, the next prompt tries again
    set -l __escenv_text
    set -l __escenv_key # whether a key led here, and no command
    if builtin test -n "$argv"; and builtin status is-interactive
        set __escenv_key (builtin status current-command | builtin string match fish)
    end
    __ESCENV_STATE="$__escenv_state" __ESCENV_SHELL=$fish_pid __ESCENV_HOLD="$__escenv_hold$__escenv_key" \
        __ESCENV_GOMAXPROCS="$GOMAXPROCS" GOMAXPROCS=1 \
        @ESCENV@ export fish | builtin read -z __escenv_text
    builtin test $pipestatus[1] -lt 126; or return 0 # it was killed
    set -gu __escenv_words
    builtin eval "$__escenv_text"
    __escenv_look
    __escenv_settle
    if builtin test -n "$__escenv_key" -a -n "$__escenv_words" -a -z "$__escenv_hold"
        __escenv_say \n"$__escenv_words" # on a line of its own
    end
    return 0
end

# Says once that escenv is not there any more, and leaves no credentials in a
# directory they are not for.
function __escenv_gone --no-scope-shadowing
    if builtin test "$__escenv_found" != "$__escenv_file"
        for __escenv_name in (builtin string split : -- "$ESCENV_VARS") ESCENV_ENV ESCENV_VARS ESCENV_EXPIRES ESCENV_FILE
            builtin string match -qr '^[A-Za-z0-9_]+$' -- "$__escenv_name"; and set -eg $__escenv_name
        end
        set -gu __escenv_file
        set -gu __escenv_state
        set -gu __escenv_generation
        set -gu __escenv_due
        set -gu __escenv_clock
    end
    __escenv_settle
    if builtin test -z "$__escenv_warned"
        set -gu __escenv_warned 1
        __escenv_say "escenv: error: "@ESCENV@" is gone
escenv: hint: install it again, or take its hook out of your config.fish
"
    end
end
