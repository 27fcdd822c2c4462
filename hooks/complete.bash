# Completes escenv's command line in bash.
# shellcheck shell=bash

function __escenv_complete {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files)
        compopt -o default
        ;;
      ':command '*)
        __escenv_complete_command "${line#:command }"
        ;;
      *)
        COMPREPLY+=("${line%%$'\t'*}")
        ;;
    esac
  done < <(@ESCENV@ __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}

# Completes the command that begins at a word behind "escenv".
function __escenv_complete_command {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$(($1 + 1))" # bash-completion's
  elif ((COMP_CWORD == $1 + 1)); then
    mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}" | sort -u)
  else
    compopt -o default
  fi
}

complete -F __escenv_complete escenv
