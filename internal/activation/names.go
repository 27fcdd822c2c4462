package activation

import (
	"slices"
	"strings"

	"github.com/escenv/escenv/internal/esc"
)

// dangerous lists names that are code, or lead to code, to a shell, a loader,
// an interpreter or an SDK, and what such names begin with.
// A definition can be written by somebody who may not run commands here, so
// the hook sets these only if the user's own configuration allows the name.
var dangerous = []struct{ why, names, beginnings string }{
	{
		"decides which programs run",
		"PATH path FPATH fpath MANPATH manpath CDPATH cdpath module_path MODULE_PATH mailpath MAILPATH PATHEXT PSModulePath ARGV0",
		"fish_",
	},
	{
		"decides where programs keep their settings",
		"HOME ZDOTDIR TMPDIR TMP TEMP LOGNAME USER",
		"XDG_",
	},
	{
		"is loaded into every program",
		"GCONV_PATH GLIBC_TUNABLES LOCPATH NLSPATH HOSTALIASES RES_OPTIONS LOCALDOMAIN TZDIR",
		"LD_ DYLD_ MALLOC_",
	},
	{
		"is run by shells",
		"ENV SHELL SHELLOPTS BASHOPTS PROMPT_COMMAND PROMPT_DIRTRIM PS0 PS1 PS2 PS3 PS4 prompt RPS1 RPS2 NULLCMD READNULLCMD IFS POSIXLY_CORRECT " +
			"INPUTRC SPROMPT precmd_functions preexec_functions chpwd_functions periodic_functions zshexit_functions " +
			"zshaddhistory_functions zsh_eval_context functions aliases commands",
		"BASH_ PROMPT RPROMPT",
	},
	{
		// Bash computes what its numbers are given: SRANDOM='a[$(command)]'. It
		// cuts the history down to HISTFILESIZE there and then.
		"changes what shells do",
		"HISTFILE HISTCONTROL HISTCMD HISTFILESIZE HISTSIZE HISTIGNORE HISTTIMEFORMAT HISTCHARS histchars SAVEHIST SRANDOM MAILCHECK FUNCNEST " +
			"TMOUT umask config ENV_CONVERSIONS",
		"NU_",
	},
	{
		"is set by shells themselves",
		"_ PWD OLDPWD UID EUID GID EGID PPID SHLVL RANDOM SECONDS EPOCHSECONDS LINENO OPTIND OPTARG REPLY argv status pipestatus pipeline history " +
			"hostname USERNAME TERM COLUMNS LINES DIRSTACK FUNCNAME GROUPS PIPESTATUS",
		"",
	},
	{
		"is run by an interpreter",
		"NODE_OPTIONS NODE_PATH PERLLIB JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS JAVA_OPTS JAVA_HOME CLASSPATH PHPRC PHP_INI_SCAN_DIR " +
			"TCLLIBPATH DOTNET_STARTUP_HOOKS",
		"NODE_REPL_ PYTHON PERL5 PERL_ RUBY GEM_ BUNDLE_ LUA_ DOTNET_ COR_ CORECLR_ R_ JULIA_ ERL_ ELIXIR_ GUILE_",
	},
	{
		"is run as a command",
		"EDITOR VISUAL PAGER MANPAGER BROWSER LESS LESSOPEN LESSCLOSE SUDO_ASKPASS SUDO_EDITOR SSH_ASKPASS FCEDIT AWS_PAGER BAT_PAGER DELTA_PAGER " +
			"PSQL_PAGER PSQL_EDITOR GH_PAGER GH_EDITOR GH_BROWSER KUBE_EDITOR SVN_EDITOR SVN_SSH HGEDITOR HGMERGE HGRCPATH CVSEDITOR CVS_RSH " +
			"RSYNC_RSH RSYNC_CONNECT_PROG TAR_OPTIONS RIPGREP_CONFIG_PATH VIM VIMRUNTIME TERMCAP TEXMFCNF VIMINIT EXINIT GVIMINIT EMACSLOADPATH",
		"SYSTEMD_ TERMINFO LESSKEY FZF_DEFAULT_",
	},
	{
		"is run by git",
		"",
		"GIT_",
	},
	{
		"is run by a build tool",
		"MAKEFLAGS MAKEFILES GNUMAKEFLAGS MFLAGS RUSTFLAGS CC CXX LD AR CFLAGS CXXFLAGS LDFLAGS GOFLAGS GOENV GOPROXY GOSUMDB GONOSUMDB " +
			"GOTOOLCHAIN GOROOT GOPATH GOBIN GOAUTH MAVEN_OPTS MAVEN_ARGS GRADLE_OPTS ANT_OPTS SBT_OPTS",
		"CMAKE_ RUSTC CARGO_ npm_ NPM_CONFIG_ YARN_ PIP_ UV_ POETRY_",
	},
	{
		"leads programs to another machine",
		"SSH_AUTH_SOCK KUBECONFIG HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY FTP_PROXY http_proxy https_proxy all_proxy no_proxy ftp_proxy " +
			"GRPC_PROXY grpc_proxy",
		"SSH_AGENT_ DOCKER_",
	},
	{
		"decides whom programs trust",
		"SSLKEYLOGFILE NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED CURL_CA_BUNDLE CURL_HOME REQUESTS_CA_BUNDLE GNUPGHOME AWS_CA_BUNDLE",
		"SSL_CERT_ OPENSSL_ KRB5",
	},
	{
		"lets the AWS SDKs run a command",
		"AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_DATA_PATH",
		"",
	},
	{
		"leads the AWS SDKs to another machine",
		"AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_ENDPOINT_URL AWS_CONTAINER_ AWS_EC2_METADATA_ AWS_METADATA_ AWS_IMDSV1_",
	},
	{
		"changes how the AWS SDKs sign in",
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS AWS_SDK_LOAD_CONFIG",
		"AWS_LOGIN_",
	},
}

// reserved begins the names that are escenv's own; no configuration allows
// them to a definition.
var reserved = []string{"ESCENV_", "__ESCENV", "__escenv"}

// A Refusal is a variable of an environment that the hook does not set.
type Refusal struct {
	Name     string
	Why      string // continues "Name ..."
	Settable bool   // whether hook.allow in the user's configuration can allow it
}

// refusal says why the hook must not set name to value, or returns nil.
func refusal(name, value string, allowed []string) *Refusal {
	isOurs := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	switch {
	case !esc.IsVariableName(name):
		return &Refusal{Name: name, Why: "is not a variable name"}
	case slices.ContainsFunc(reserved, isOurs):
		return &Refusal{Name: name, Why: "is escenv's own"}
	case strings.IndexByte(value, 0) >= 0:
		return &Refusal{Name: name, Why: "holds a NUL byte, which no variable can"}
	case len(value) > maxValue:
		return &Refusal{Name: name, Why: "is so long that no command could be started"}
	case slices.Contains(allowed, name):
		return nil
	}
	if why := Dangerous(name); why != "" {
		return &Refusal{Name: name, Why: why, Settable: true}
	}
	return nil
}

// maxValue keeps a variable within what the kernel passes to a program.
const maxValue = 96 << 10

// Dangerous says why a definition must not set the variable name unless the
// user's configuration allows it, as a phrase that continues "NAME ...". It
// returns "" for all other names.
func Dangerous(name string) string {
	for _, group := range dangerous {
		if hasWord(group.names, name) {
			return group.why
		}
		for beginning := range strings.FieldsSeq(group.beginnings) {
			if strings.HasPrefix(name, beginning) {
				return group.why
			}
		}
	}
	return ""
}

// hasWord reports whether word is one of those in text. A prompt waits for it, so
// they are not taken apart first.
func hasWord(text, word string) bool {
	for word != "" {
		i := strings.Index(text, word)
		if i < 0 {
			return false
		}
		end := i + len(word)
		if (i == 0 || text[i-1] == ' ') && (end == len(text) || text[end] == ' ') {
			return true
		}
		text = text[i+1:]
	}
	return false
}

// competitors are variables of another identity that some SDK prefers to
// AWS_ACCESS_KEY_ID and its like, or mixes with them. While escenv's
// credentials are loaded they are not, unless the environment sets them.
var competitors = []string{
	"AWS_CREDENTIAL_EXPIRATION", // of other credentials
	"AWS_DEFAULT_PROFILE",       // as AWS_PROFILE
	"AWS_PROFILE",               // the JavaScript SDK takes it before keys
	"AWS_SECURITY_TOKEN",        // the old name; some take it before AWS_SESSION_TOKEN
	"AWS_SESSION_TOKEN",         // would be sent along with keys it is not for
}

// lesser are variables that lead to another identity where there are no keys.
var lesser = []string{
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
}

// Identities returns every variable that leads to another identity, for a
// command that is to have no other.
func Identities() []string { return slices.Concat(competitors, lesser) }
