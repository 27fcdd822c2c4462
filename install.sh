#!/bin/sh
# Builds escenv and escenv-agent from the source this script stands in and
# puts them into PREFIX. See ./install.sh --help.
set -eu

usage() {
	cat <<'TXT'
usage: [PREFIX=DIR] ./install.sh [--quiet]

Builds escenv and escenv-agent from this source, with the Go on your PATH, and
puts them into PREFIX/bin (default: ~/.local/bin). The part of escenv that no
prompt waits for goes to PREFIX/libexec/escenv. Changes nothing else: the line
for your shell's startup file is printed, for you to add.

  -q, --quiet  say nothing when all is well
  -h, --help   print this

EXIT STATUS
  0 installed, 1 something failed and the old programs are still there,
  2 usage.
TXT
}

die() {
	echo "install.sh: error: $1" >&2
	[ -z "${2-}" ] || echo "install.sh: hint: $2" >&2
	exit 1
}

# revision names the commit, and what was changed since.
revision() {
	[ -e .git ] && commit=$(git rev-parse --short=12 HEAD 2>/dev/null) || return 0
	git diff --quiet HEAD 2>/dev/null || commit=$commit.dirty-$(git diff HEAD | git hash-object --stdin | cut -c1-8)
	echo "$commit"
}

# build PROGRAM FILE TAG puts a program into a file. It is a copy: what the
# linker writes, here and there, Linux holds in memory page by page, and what is
# written from one end to the other in larger pieces, from which a program starts
# a tenth sooner.
build() {
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags "urfave_cli_no_docs $3" \
		-ldflags "-s -w $stamps" -o "$new/linked" "./cmd/$1" || die "$1 does not build"
	cp "$new/linked" "$2" || die "cannot write to $new"
}

# place FILE DIR puts a file into a directory in one step: who runs it has the
# old program or the new one.
place() {
	mv -f "$1" "$2/" || die "cannot write to $2" "PREFIX=\$HOME/.local ./install.sh"
}

# advise says what is left for the person to do.
advise() {
	echo "installed escenv and escenv-agent in $bin"
	case :$PATH: in
	*:"$bin":*) ;;
	*) echo "$bin is not on your PATH: add it before the line below" ;;
	esac
	shell=$(basename "${SHELL:-sh}")
	# shellcheck disable=SC2016 # these lines are for another shell to expand
	case $shell in
	zsh) echo 'add to ~/.zshrc:  eval "$(escenv hook zsh)"' ;;
	fish) echo 'add to ~/.config/fish/config.fish:  escenv hook fish | source' ;;
	bash) echo 'add to ~/.bashrc:  eval "$(escenv hook bash)"' ;;
	*) echo "escenv hooks into bash, zsh and fish; in $shell use: escenv exec -- COMMAND" ;;
	esac
}

main() {
	quiet=
	case ${1-} in
	'') ;;
	-q | --quiet) quiet=1 ;;
	-h | --help) usage && return ;;
	*) usage >&2 && return 2 ;;
	esac

	command -v go >/dev/null 2>&1 || die "go is not on your PATH" "install Go 1.26 or newer from https://go.dev/dl"
	prefix=${PREFIX:-${HOME:?}/.local}
	mkdir -p "$prefix/bin" "$prefix/libexec/escenv" || die "cannot make $prefix/bin" "PREFIX=\$HOME/.local ./install.sh"
	bin=$(cd "$prefix/bin" && pwd)
	libexec=$(cd "$prefix/libexec/escenv" && pwd)
	cd "$(dirname "$0")"

	stamps="-X github.com/escenv/escenv/internal/build.revision=$(revision)"
	new=$(mktemp -d "$bin/.escenv-new.XXXXXX") || die "cannot write to $bin"
	trap 'rm -rf "$new"' EXIT
	trap 'exit 1' HUP INT TERM
	mkdir "$new/whole"
	build escenv "$new/escenv" escenv_light
	build escenv "$new/whole/escenv" ''
	build escenv-agent "$new/escenv-agent" ''
	place "$new/escenv-agent" "$bin"
	place "$new/whole/escenv" "$libexec"
	place "$new/escenv" "$bin"
	[ -n "$quiet" ] || advise
}

main "$@"
