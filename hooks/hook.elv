# escenv's hook for elvish. It starts no process outside projects. elvish has no
# clock and does not know when a file was changed, so inside one each prompt
# starts one escenv.
use path
use str

{
  var seen = [&] # what escenv has said to compare: state, file, ...
  var saved = [&] # what variables were before
  var nearer = [] # where a nearer .escenv would be
  var looked = '' # the directory of the last look
  var warned = $false
  var program = @ESCENV@

  # Looks upward for the nearest .escenv.
  fn look {
    set nearer = []
    var at = (str:trim-right $pwd /)
    while $true {
      if (path:is-regular &follow-symlink=$true $at/.escenv) {
        put $at/.escenv
        return
      }
      set nearer = [$@nearer $at/.escenv]
      if (eq $at '') {
        put ''
        return
      }
      set at = $at[..(str:last-index $at /)]
    }
  }

  fn get {|key| if (has-key $seen $key) { put $seen[$key] } else { put '' } }

  fn restore {|name|
    if (has-key $saved $name) {
      set-env $name $saved[$name]
      set saved = (dissoc $saved $name)
    } else {
      unset-env $name
    }
  }

  fn apply {|change|
    var op name = $change[op] $change[name]
    if (eq $op set) {
      set seen[$name] = $change[value]
    } elif (eq $op export) {
      set-env $name $change[value]
    } elif (eq $op unset) {
      unset-env $name
    } elif (and (eq $op save) (has-env $name)) {
      set saved[$name] = (get-env $name)
    } elif (eq $op restore) {
      restore $name
    } elif (eq $op forget) {
      set saved = (dissoc $saved $name)
    }
  }

  # Says once that escenv is not there any more, and leaves no credentials in a
  # directory they are not for.
  fn gone {|found|
    if (not-eq $found (get __escenv_file)) {
      if (has-env ESCENV_VARS) { str:split : (get-env ESCENV_VARS) | each $unset-env~ }
      each $unset-env~ [ESCENV_ENV ESCENV_VARS ESCENV_EXPIRES ESCENV_FILE]
      set seen = [&]
    }
    set looked = $pwd
    if (not $warned) {
      set warned = $true
      echo 'escenv: error: '$program' is gone' >&2
      echo 'escenv: hint: install it again, or take its hook out of your rc.elv' >&2
    }
  }

  # Has escenv decide, and does what it says.
  fn change {|found|
    set looked = '' # should Ctrl-C end it here, the next prompt tries again
    set-env __ESCENV_STATE (get __escenv_state)
    set-env __ESCENV_SHELL $pid
    var changes = []
    try {
      (external $program) export elvish | from-json | each {|change| set changes = [$@changes $change] }
    } catch e {
      nop # it has said what is wrong, or was killed
    } finally {
      unset-env __ESCENV_STATE
      unset-env __ESCENV_SHELL
    }
    if (not-eq $changes []) {
      each $apply~ $changes
      set looked = $pwd
    }
  }

  # Runs at each prompt and after each cd.
  fn escenv-update {|@_|
    if (and (eq $looked $pwd) (eq (get __escenv_file) '') (not (or (each {|file| path:is-regular &follow-symlink=$true $file } $nearer)))) {
      return
    }
    var found = (look)
    if (and (eq $found '') (eq (get __escenv_file) '') (not (has-env ESCENV_FILE))) {
      set looked = $pwd
    } elif (not (path:is-regular &follow-symlink=$true $program)) {
      gone $found
    } else {
      change $found
    }
  }

  if (not (or (each {|f| and (has-key $f def) (str:contains $f[def] escenv-update) } $after-chdir))) {
    set after-chdir = [$@after-chdir {|dir| escenv-update $dir }]
    set edit:before-readline = [$@edit:before-readline { escenv-update }]
  }
  set-env ESCENV_HOOK elvish:$pid # so that "escenv status" knows
}
