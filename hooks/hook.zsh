# escenv's hook for zsh. It starts no process while nothing changes.

# A shell below one with "setopt allexport" inherits what is only that one's.
if [[ "${__escenv_shell-}" != "$$" ]]; then
  \builtin unset -v __escenv_state __escenv_file __escenv_stamp __escenv_generation __escenv_generation_stamp \
    __escenv_wait __escenv_due __escenv_since __escenv_nearer __escenv_words __escenv_warned
  \builtin typeset -g +x __escenv_shell="$$" __escenv_pwd='' __escenv_hold=yes
  if [[ ! -o interactive ]]; then __escenv_hold=''; fi # there will be no prompt
fi
\builtin export ESCENV_HOOK="zsh:$$" # so that "escenv status" knows
\builtin typeset -ga __escenv_nearer
\builtin typeset -g +x __escenv_candidate='' # not local: that takes as long as all it is for
\builtin zmodload -F zsh/datetime p:EPOCHSECONDS 2>/dev/null || \builtin :

# Runs at each prompt and, with an argument, after each cd: returns at once if
# nothing has changed since the last look. What is watched must be as escenv has
# read it, to the nanosecond, and nobody may have asked all shells to look
# again. For zsh a file that is gone is neither newer nor older than anything.
# A clock that went back is as good a reason as one that went on.
function __escenv_update {
  if [[ "${__escenv_pwd-}" == "${PWD-}" ]] || __escenv_arrive "$@"; then
    if [[ -z "${__escenv_file-}" || (
      -f "$__escenv_file" && -f "$__escenv_stamp" && -f "$__escenv_generation_stamp" &&
      ! "$__escenv_file" -nt "$__escenv_stamp" && ! "$__escenv_file" -ot "$__escenv_stamp" &&
      ! "$__escenv_generation" -nt "$__escenv_generation_stamp" &&
      ( -z "${__escenv_due-}" || ( ${EPOCHSECONDS:-$SECONDS} -lt $__escenv_due && ${EPOCHSECONDS:-$SECONDS} -ge $__escenv_since ) ) ) ]]; then
      if [[ -z "${__escenv_nearer-}" ]]; then \return 0; fi
      __escenv_candidate=''
      for __escenv_candidate in "${__escenv_nearer[@]}"; do
        if [[ -f "$__escenv_candidate" ]]; then \break; fi
      done
      if [[ ! -f "$__escenv_candidate" ]]; then \return 0; fi
    fi
  fi
  __escenv_change
}

# Looks around in another directory. Whether it is still the same .escenv that
# counts, or still none.
function __escenv_arrive {
  \builtin emulate -L zsh
  \builtin setopt no_xtrace
  \builtin local __escenv_found=''
  case "$__escenv_hold" in
    yes) if (( $# == 0 )); then __escenv_hold=prompt; fi ;;
    prompt)
      __escenv_hold=''
      __escenv_say "${__escenv_words-}"
      ;;
  esac
  __escenv_look
  [[ "$__escenv_found" == "${__escenv_file-}" ]] && [[ -n "$__escenv_found" || -z "${ESCENV_FILE-}" ]] && __escenv_settle
}

# Remembers where it has looked: until the first prompt is on the screen,
# nowhere, so that the next one comes back for what there is to say.
function __escenv_settle { \builtin typeset -g +x __escenv_pwd="${__escenv_hold:-$PWD}" }

# Says something, but not before the first prompt is on the screen: instant
# prompts have no room for it.
function __escenv_say {
  if [[ -n "$__escenv_hold" ]]; then
    \builtin typeset -g +x __escenv_words="${__escenv_words-}$1"
  elif [[ -n "$1" ]]; then
    \builtin print -rnu2 -- "$1"
    \builtin typeset -g +x __escenv_words=''
  fi
}

# Looks upward: sets the caller's __escenv_found to the nearest .escenv, and
# __escenv_nearer to where a nearer one would be.
function __escenv_look {
  \builtin local __escenv_dir="${PWD%/}"
  __escenv_nearer=() __escenv_found=''
  while [[ ! -f "$__escenv_dir/.escenv" ]]; do
    __escenv_nearer+=("$__escenv_dir/.escenv")
    [[ "$__escenv_dir" == */* ]] || \return 0
    __escenv_dir="${__escenv_dir%/*}"
  done
  __escenv_found="$__escenv_dir/.escenv"
}

# Has escenv decide, and does what it says.
function __escenv_change {
  # From here on no option of the user's applies, not even xtrace, which would
  # show secrets.
  \builtin emulate -L zsh
  \builtin setopt no_xtrace
  \builtin local __escenv_found='' __escenv_text='' __escenv_status=0 __escenv_hush="${ESCENV_QUIET-}" __escenv_pid="$$"
  __escenv_look
  if [[ ! -x @ESCENV@ ]]; then
    __escenv_gone
    \return 0
  fi
  if (( ZSH_SUBSHELL > 0 )); then # ( cd elsewhere && command )
    __escenv_hush=1
    if \builtin zmodload -F zsh/system p:sysparams 2>/dev/null; then __escenv_pid="${sysparams[pid]}"; fi
  fi
  \builtin typeset -g +x __escenv_pwd='' # should Ctrl-C end it here, the next prompt tries again
  \builtin typeset -g +x __escenv_since="${EPOCHSECONDS:-$SECONDS}"
  {
    __escenv_text="$(PWD="$PWD" ESCENV_QUIET="$__escenv_hush" __ESCENV_STATE="${__escenv_state-}" \
      __ESCENV_SHELL="$__escenv_pid" __ESCENV_HOLD="$__escenv_hold${WIDGET-}" \
      __ESCENV_GOMAXPROCS="${GOMAXPROCS-}" GOMAXPROCS=1 @ESCENV@ export zsh)" || __escenv_status=$?
    if (( __escenv_status < 126 )); then # else it was killed
      \builtin typeset -g +x __escenv_words='' __escenv_due=''
      \builtin eval "$__escenv_text" || \builtin :
      if [[ -n "${__escenv_wait-}" ]]; then __escenv_due=$(( __escenv_since + __escenv_wait )); fi
      __escenv_settle
      __escenv_look
      if [[ -n "${WIDGET-}" && -z "$__escenv_hold" && -n "$__escenv_words" ]]; then # a key led here
        \builtin zle -I 2>/dev/null || \builtin : # what is said gets a line of its own
        __escenv_say "$__escenv_words"
        \builtin zle -R 2>/dev/null || \builtin :
      fi
    fi
  } always {
    # zsh shows the next prompt without trying again first.
    if [[ -z "$__escenv_pwd" && "$__escenv_found" != "${__escenv_file-}" ]]; then __escenv_drop; fi
  }
}

# Takes credentials away by the names that are exported.
function __escenv_drop {
  \builtin local __escenv_name
  for __escenv_name in "${(@s.:.)ESCENV_VARS-}" ESCENV_ENV ESCENV_VARS ESCENV_EXPIRES ESCENV_FILE; do
    [[ -z "$__escenv_name" || "$__escenv_name" == *[^A-Za-z0-9_]* || "${(tP)__escenv_name-}" == *readonly* ]] || \builtin unset -v "$__escenv_name"
  done
  \builtin typeset -g +x __escenv_file='' __escenv_state=''
}

# Says once that escenv is not there any more, and leaves no credentials in a
# directory they are not for.
function __escenv_gone {
  if [[ "$__escenv_found" != "${__escenv_file-}" ]]; then __escenv_drop; fi
  __escenv_settle
  if [[ -z "${__escenv_warned-}" ]]; then
    \builtin typeset -g +x __escenv_warned=1
    __escenv_say "escenv: error: "@ESCENV@" is gone"$'\n'"escenv: hint: install it again, or take its hook out of your .zshrc"$'\n'
  fi
}

function __escenv_chpwd { __escenv_update cd }

\builtin typeset -ga precmd_functions chpwd_functions
if (( ! ${precmd_functions[(I)__escenv_update]} )); then
  precmd_functions=(__escenv_update "${precmd_functions[@]}")
fi
if (( ! ${chpwd_functions[(I)__escenv_chpwd]} )); then
  chpwd_functions=(__escenv_chpwd "${chpwd_functions[@]}")
fi
