# escenv's hook for bash. It starts no process while nothing changes.
# shellcheck shell=bash
# shellcheck disable=SC2154 # escenv export assigns what the hook compares

# A shell below one with "set -a" inherits what is only that one's.
if [[ ${__escenv_shell-} != "$$" ]]; then
  \builtin unset -v __escenv_{state,file,stamp,generation,generation_stamp,wait,due,since,nearer,words,warned,last}
  \builtin export -n __escenv_shell=$$ __escenv_pwd='' __escenv_hold=yes
  if [[ $- != *i* ]]; then __escenv_hold=''; fi # there will be no prompt
fi
# shellcheck disable=SC2034 # "escenv status" looks at it
\builtin export ESCENV_HOOK="bash:$$"

# Runs at each prompt and, with an argument, after each cd: does nothing if
# nothing has changed since the last look. What is watched must be as escenv has
# read it, to the nanosecond, and nobody may have asked all shells to look
# again. A clock that went back is as good a reason as one that went on.
function __escenv_update {
  __escenv_last=$? # not local: that takes as long as to compare the directory
  if [[ ${__escenv_pwd-} != "${PWD-}" ]] && ! __escenv_arrive "$@"; then
    __escenv_change
  elif [[ -n ${__escenv_file-} && (
    $__escenv_file -nt $__escenv_stamp || $__escenv_file -ot $__escenv_stamp ||
    $__escenv_generation -nt $__escenv_generation_stamp ||
    (-n ${__escenv_due-} && (${EPOCHSECONDS:-$SECONDS} -ge $__escenv_due || ${EPOCHSECONDS:-$SECONDS} -lt $__escenv_since))) ]]; then
    __escenv_change
  elif [[ -n ${__escenv_nearer-} ]] && __escenv_appeared; then
    __escenv_change
  fi
  if [[ $__escenv_last == 0 || $- == *e* ]] || __escenv_alone; then \return 0; fi
  \return "$__escenv_last" # so that what stands behind this in one string sees $? as it was
}

# Whether this is one of the prompt's commands and not a part of one: then bash
# keeps $? by itself, and would take another status for a failure, with a trap.
function __escenv_alone {
  \builtin local __escenv_candidate
  for __escenv_candidate in "${PROMPT_COMMAND[@]}"; do
    if [[ $__escenv_candidate == __escenv_update ]]; then \return 0; fi
  done
  \return 1
}

# Whether there is a .escenv now where there was none.
function __escenv_appeared {
  \builtin local __escenv_candidate
  for __escenv_candidate in "${__escenv_nearer[@]}"; do
    if [[ -f $__escenv_candidate ]]; then \return 0; fi
  done
  \return 1
}

# Looks around in another directory. Whether it is still the same .escenv that
# counts, or still none.
function __escenv_arrive {
  \builtin local __escenv_found
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then
    \builtin local -
    \builtin set +aeuvx
  fi
  case $__escenv_hold in
    yes) if (($# == 0)); then __escenv_hold=prompt; fi ;;
    prompt)
      __escenv_hold=''
      __escenv_say "${__escenv_words-}"
      ;;
  esac
  __escenv_look
  [[ $__escenv_found == "${__escenv_file-}" && (-n $__escenv_found || -z ${ESCENV_FILE-}) ]] && __escenv_settle
}

# Remembers where it has looked: until the first prompt is on the screen,
# nowhere, so that the next one comes back for what there is to say.
function __escenv_settle { __escenv_pwd=${__escenv_hold:-$PWD}; }

# Says something, but not before the first prompt is on the screen.
function __escenv_say {
  if [[ -n $__escenv_hold ]]; then
    __escenv_words+=$1
  elif [[ -n $1 ]]; then
    \builtin printf '%s' "$1" >&2
    __escenv_words=''
  fi
}

# Looks upward: sets the caller's __escenv_found to the nearest .escenv, and
# __escenv_nearer to where a nearer one would be.
function __escenv_look {
  \builtin local "__escenv_dir=${PWD%/}"
  __escenv_nearer=() __escenv_found=''
  while [[ ! -f $__escenv_dir/.escenv ]]; do
    __escenv_nearer+=("$__escenv_dir/.escenv")
    [[ $__escenv_dir == */* ]] || \return 0
    __escenv_dir=${__escenv_dir%/*}
  done
  __escenv_found=$__escenv_dir/.escenv
}

# Has escenv decide, and does what it says.
function __escenv_change {
  \builtin local __escenv_found __escenv_text __escenv_status=0 "__escenv_hush=${ESCENV_QUIET-}" "__escenv_pid=${BASHPID:-$$}"
  # From here on nothing the user has set applies: not -a, -e, -u and not -x,
  # which would show secrets.
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then
    \builtin local -
    \builtin set +aeuvx
  fi
  __escenv_look
  if [[ ! -x @ESCENV@ ]]; then
    __escenv_gone
    \return 0
  fi
  if ((BASH_SUBSHELL > 0)); then __escenv_hush=1; fi # ( cd elsewhere && command )
  __escenv_pwd='' # should Ctrl-C end it here, the next prompt tries again
  __escenv_since=${EPOCHSECONDS:-$SECONDS}
  # shellcheck disable=SC2097,SC2098 # the one is what the other was
  __escenv_text=$(PWD=$PWD ESCENV_QUIET=$__escenv_hush __ESCENV_STATE=${__escenv_state-} \
    __ESCENV_SHELL=$__escenv_pid __ESCENV_HOLD=$__escenv_hold \
    __ESCENV_GOMAXPROCS=${GOMAXPROCS-} GOMAXPROCS=1 @ESCENV@ export bash) || __escenv_status=$?
  if ((__escenv_status < 126)); then # else it was killed
    __escenv_words=''
    \builtin eval "$__escenv_text" || \builtin :
    __escenv_due=''
    if [[ -n ${__escenv_wait-} ]]; then __escenv_due=$((__escenv_since + __escenv_wait)); fi
    __escenv_settle
    __escenv_look
  fi
}

# Says once that escenv is not there any more, and leaves no credentials in a
# directory they are not for.
function __escenv_gone {
  if [[ $__escenv_found != "${__escenv_file-}" ]]; then
    \builtin local __escenv_name IFS=: -
    \builtin set -f
    for __escenv_name in ${ESCENV_VARS-} ESCENV_ENV ESCENV_VARS ESCENV_EXPIRES ESCENV_FILE; do
      [[ $__escenv_name == *[!A-Za-z0-9_]* ]] || \builtin unset -v "$__escenv_name"
    done
    __escenv_file='' __escenv_state=''
  fi
  __escenv_settle
  if [[ -z ${__escenv_warned-} ]]; then
    __escenv_warned=1
    __escenv_say 'escenv: error: '@ESCENV@' is gone
escenv: hint: install it again, or take its hook out of your .bashrc
'
  fi
}

# So that "cd there && command" never runs with what belongs here. Functions of
# the user's own stay; the next prompt sees to it then.
if ! \builtin declare -F cd >/dev/null; then
  function cd { \builtin cd "$@" && __escenv_update cd; }
fi
if ! \builtin declare -F pushd >/dev/null; then
  function pushd { \builtin pushd "$@" && __escenv_update cd; }
fi
if ! \builtin declare -F popd >/dev/null; then
  function popd { \builtin popd "$@" && __escenv_update cd; }
fi

# shellcheck disable=SC2030,SC2031,SC2128,SC2178 # a string in one bash, an array in another
if [[ ${PROMPT_COMMAND[*]-} != *__escenv_update* ]]; then
  if ! (PROMPT_COMMAND='') 2>/dev/null; then
    \builtin printf 'escenv: error: PROMPT_COMMAND is readonly, so the hook follows cd alone\n' >&2
  elif [[ ${PROMPT_COMMAND-} == *__bp_install* ]]; then
    # bash-preexec, which is yet to install itself, knows strings alone, and takes
    # what comes behind it for what the user types.
    PROMPT_COMMAND="__escenv_update"$'\n'"$PROMPT_COMMAND"
  elif ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
    # Between the commands of an array bash keeps $? and PIPESTATUS.
    PROMPT_COMMAND=(__escenv_update ${PROMPT_COMMAND[@]+"${PROMPT_COMMAND[@]}"})
  else
    # Last, so that the others see PIPESTATUS.
    PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__escenv_update"
  fi
fi
