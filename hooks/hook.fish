# escenv's hook for fish, 3.5 or newer. It starts no process while nothing changes.

# A shell below one that exports everything inherits what is only that one's.
if test "$__escenv_shell" != "$fish_pid"
    set -eg __escenv_state __escenv_pwd __escenv_file __escenv_stamp __escenv_generation __escenv_generation_stamp \
        __escenv_wait __escenv_due __escenv_now __escenv_nearer __escenv_warned
    set -gu __escenv_shell $fish_pid
end
set -gx ESCENV_HOOK fish:$fish_pid # so that "escenv status" knows

# Runs at each prompt and after each cd: returns at once if nothing has changed
# since the last look.
function __escenv_update
    if builtin test "$__escenv_pwd" = "$PWD"; and not builtin path is -fq -- $__escenv_nearer
        __escenv_fresh; and return 0
    end
    __escenv_change
end

# Whether the file that is watched is still as escenv has read it, to the
# nanosecond, and nobody has asked all shells to look again. fish has no clock:
# a file that it writes tells the time.
function __escenv_fresh
    builtin test -n "$__escenv_file"; or return 0
    builtin test "$__escenv_file" -nt "$__escenv_stamp"; and return 1
    builtin test "$__escenv_file" -ot "$__escenv_stamp"; and return 1
    builtin test "$__escenv_generation" -nt "$__escenv_generation_stamp"; and return 1
    builtin test "$__escenv_generation" -ot "$__escenv_generation_stamp"; and return 1
    builtin test -n "$__escenv_due"; or return 0
    builtin echo >$__escenv_now
    builtin test "$__escenv_now" -ot "$__escenv_due"
end

# Looks upward: sets the caller's __escenv_found to the nearest .escenv, and
# __escenv_nearer to where a nearer one would be.
function __escenv_look --no-scope-shadowing
    set __escenv_found
    set -gu __escenv_nearer
    set -l __escenv_dir (builtin string trim --right --chars=/ -- "$PWD")
    while not builtin test -f "$__escenv_dir/.escenv"
        set -a __escenv_nearer "$__escenv_dir/.escenv"
        builtin test -n "$__escenv_dir"; or return 0
        set __escenv_dir (builtin string replace --regex '/[^/]*$' '' -- "$__escenv_dir")
    end
    set __escenv_found "$__escenv_dir/.escenv"
end

# Has escenv decide, if it must, and does what it says.
function __escenv_change
    set -l fish_trace # would show secrets
    set -l __escenv_found
    __escenv_look
    if builtin test "$__escenv_found" = "$__escenv_file"
        if builtin test -n "$__escenv_found" -o -z "$ESCENV_FILE"
            if __escenv_fresh
                set -gu __escenv_pwd $PWD
                return 0
            end
        end
    end
    if not builtin test -x @ESCENV@
        __escenv_gone
        return 0
    end
    set -gu __escenv_pwd # should Ctrl-C end it here, the next prompt tries again
    set -l __escenv_text
    __ESCENV_STATE="$__escenv_state" @ESCENV@ export fish | builtin read -z __escenv_text
    builtin test $pipestatus[1] -lt 126; or return 0 # it was killed
    builtin eval "$__escenv_text"
    set -gu __escenv_pwd $PWD
    __escenv_look
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
    end
    set -gu __escenv_pwd $PWD
    if builtin test -z "$__escenv_warned"
        set -gu __escenv_warned 1
        builtin echo "escenv: error: "@ESCENV@" is gone" >&2
        builtin echo "escenv: hint: install it again, or take its hook out of your config.fish" >&2
    end
end

function __escenv_prompt --on-event fish_prompt
    __escenv_update
end

# So that "cd there && command" never runs with what belongs here.
function __escenv_cd --on-variable PWD
    __escenv_update
end
