# escenv's hook for tcsh, whose only functions are aliases of one line. It starts
# no process while nothing changes.

set __escenv_newline = '\
'
set __escenv_self = @ESCENV@
foreach __escenv_name (state pwd file stamp generation generation_stamp wait due ids warned)
    eval 'if ( ! $?__escenv_'$__escenv_name' ) set __escenv_'$__escenv_name' = ""'
end
unset __escenv_name
if ( ! $?__escenv_nearer ) set __escenv_nearer = ()
setenv ESCENV_HOOK "tcsh:$$" # so that "escenv status" knows

# Runs at each prompt and after each cd: does nothing if nothing has changed
# since the last look.
alias __escenv_update 'set __escenv_status = $status; set __escenv_changed = 0; if ( "$__escenv_pwd:q" != "$cwd:q" ) set __escenv_changed = 1; set __escenv_left = ( $__escenv_nearer:q ); __escenv_appeared; if ( "$__escenv_file:q" != "" ) eval __escenv_compare; if ( $__escenv_changed ) eval __escenv_change; set status = $__escenv_status'

# Whether there is a .escenv now where there was none.
alias __escenv_appeared 'if ( $#__escenv_left ) eval '"'"'if ( -f $__escenv_left[1]:q ) set __escenv_changed = 1; shift __escenv_left; __escenv_appeared'"'"

# Whether what is watched is as it was when escenv has read it, and it is not
# time to come back. A clock that went back is as good a reason as one that went
# on.
alias __escenv_compare '__escenv_identify; if ( "$__escenv_now_ids:q" != "$__escenv_ids:q" || "$__escenv_stamp:q" == "" ) set __escenv_changed = 1; if ( "$__escenv_due" != "" ) eval __escenv_hurry'
alias __escenv_hurry '__escenv_clock; @ __escenv_rest = $__escenv_due - $__escenv_time; if ( $__escenv_rest <= 0 || $__escenv_rest > $__escenv_wait ) set __escenv_changed = 1'

# tcsh tells the seconds of a file alone, so it looks at all else that changes
# with it, too.
alias __escenv_identify '@ __escenv_m = -M $__escenv_file:q; @ __escenv_c = -C $__escenv_file:q; @ __escenv_i = -I $__escenv_file:q; @ __escenv_z = -Z $__escenv_file:q; @ __escenv_g = -M $__escenv_generation:q; @ __escenv_gc = -C $__escenv_generation:q; set __escenv_now_ids = "$__escenv_m $__escenv_c $__escenv_i $__escenv_z $__escenv_g $__escenv_gc"'

# It has no clock: a file that it writes tells the time.
alias __escenv_clock 'if ( -w $__escenv_generation:h:q ) : >! "$__escenv_generation:h:q/now"; @ __escenv_time = -M "$__escenv_generation:h:q/now"'

# Looks upward: sets __escenv_found to the nearest .escenv, and __escenv_nearer
# to where a nearer one would be.
alias __escenv_look 'set __escenv_nearer = (); set __escenv_found = ""; set __escenv_at = $cwd:q; if ( "$__escenv_at:q" == "/" ) set __escenv_at = ""; __escenv_up'
alias __escenv_up 'if ( -f "$__escenv_at:q/.escenv" ) set __escenv_found = "$__escenv_at:q/.escenv"; if ( "$__escenv_found:q" == "" ) eval __escenv_higher'
alias __escenv_higher 'set __escenv_nearer = ( $__escenv_nearer:q "$__escenv_at:q/.escenv" ); if ( "$__escenv_at:q" != "" ) eval __escenv_parent'
alias __escenv_parent 'set __escenv_parent = $__escenv_at:h:q; if ( "$__escenv_parent:q" == "$__escenv_at:q" ) set __escenv_parent = ""; set __escenv_at = $__escenv_parent:q; __escenv_up'

# Has escenv decide, if it must. What it says is not echoed: it has secrets.
alias __escenv_change 'set __escenv_echo = ( $?echo $?verbose ); unset echo verbose; __escenv_look; set __escenv_must = 1; if ( "$__escenv_found:q" == "$__escenv_file:q" ) eval __escenv_same; if ( $__escenv_must && ! -x $__escenv_self:q ) eval __escenv_gone; if ( $__escenv_must ) eval __escenv_ask; if ( $__escenv_echo[1] ) set echo; if ( $__escenv_echo[2] ) set verbose'
alias __escenv_same 'set __escenv_changed = 0; if ( "$__escenv_found:q" == "" && $?ESCENV_FILE ) set __escenv_changed = 1; if ( "$__escenv_found:q" != "" ) eval __escenv_compare; if ( ! $__escenv_changed ) set __escenv_must = 0; if ( ! $__escenv_changed ) set __escenv_pwd = $cwd:q'

# Should Ctrl-C end it here, the next prompt tries again.
alias __escenv_ask 'set __escenv_pwd = ""; setenv __ESCENV_STATE "$__escenv_state:q"; setenv __ESCENV_SHELL $$; set __escenv_text = ( "`$__escenv_self:q export tcsh`" ); unsetenv __ESCENV_STATE; unsetenv __ESCENV_SHELL; if ( $#__escenv_text ) eval __escenv_apply; unset __escenv_text'
alias __escenv_apply 'eval $__escenv_text:q; set __escenv_pwd = $cwd:q; set __escenv_due = ""; set __escenv_ids = ""; if ( "$__escenv_file:q" != "" ) eval __escenv_remember; __escenv_look'

# A second that is not over yet may bring another change that does not show.
alias __escenv_remember '__escenv_identify; set __escenv_ids = "$__escenv_now_ids:q"; __escenv_clock; @ __escenv_recent = $__escenv_time - 1; if ( $__escenv_c >= $__escenv_recent || $__escenv_gc >= $__escenv_recent ) set __escenv_ids = recent; if ( "$__escenv_wait" != "" ) @ __escenv_due = $__escenv_time + $__escenv_wait'

# Says once that escenv is not there any more, and leaves no credentials in a
# directory they are not for.
alias __escenv_gone 'set __escenv_must = 0; set __escenv_pwd = $cwd:q; if ( "$__escenv_found:q" != "$__escenv_file:q" ) eval __escenv_drop; if ( "$__escenv_warned" == "" ) eval __escenv_warn'
alias __escenv_drop 'set __escenv_left = (); if ( $?ESCENV_VARS ) set __escenv_left = ( $ESCENV_VARS:as/:/ / ); set __escenv_left = ( $__escenv_left:q ESCENV_ENV ESCENV_VARS ESCENV_EXPIRES ESCENV_FILE ); __escenv_shed; set __escenv_file = ""; set __escenv_state = ""'
alias __escenv_shed 'if ( $#__escenv_left ) eval '"'"'if ( "$__escenv_left[1]:q" !~ *[^A-Za-z0-9_]* ) unsetenv $__escenv_left[1]:q; shift __escenv_left; __escenv_shed'"'"
alias __escenv_warn 'set __escenv_warned = 1; echo "escenv: error: $__escenv_self:q is gone" >! /dev/stderr; echo "escenv: hint: install it again, or take its hook out of your .tcshrc" >! /dev/stderr'

# Behind what is there already.
set __escenv_old = "`alias precmd`"
if ( "$__escenv_old:q" !~ *__escenv_update* ) alias precmd "$__escenv_old:q; __escenv_update"
set __escenv_old = "`alias cwdcmd`"
if ( "$__escenv_old:q" !~ *__escenv_update* ) alias cwdcmd "$__escenv_old:q; __escenv_update"
unset __escenv_old
