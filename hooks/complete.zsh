# Completes escenv's command line in zsh.

function _escenv {
  local line
  local -a lines found
  lines=("${(@f)$(@ESCENV@ __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  case "${lines[1]}" in
    :files)
      _files
      ;;
    ':command '*)
      integer before="${lines[1]#:command } + 1"
      shift before words
      (( CURRENT -= before ))
      _normal
      ;;
    ?*)
      for line in "${lines[@]}"; do
        found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
      done
      _describe escenv found
      ;;
  esac
}

if (( $+functions[compdef] )); then
  compdef _escenv escenv
else
  print -ru2 -- 'escenv: error: completion needs compinit'
  print -ru2 -- 'escenv: hint: autoload -Uz compinit && compinit, in .zshrc before the line for escenv'
fi
