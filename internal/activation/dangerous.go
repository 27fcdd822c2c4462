package activation

import "strings"

// Names that are code, or lead to code, to a shell, a loader, an interpreter or
// an SDK. A definition can be written by somebody who may not run commands here,
// so the hook sets these only if the user's own configuration allows the name.
// They are a switch because a prompt waits, and a compiler sorts better than it.

// Dangerous says why a definition must not set the variable name unless the
// user's configuration allows it, as a phrase that continues "NAME ...". It
// returns "" for all other names.
func Dangerous(name string) string {
	if why := dangerousName(name); why != "" {
		return why
	}
	for _, family := range dangerousFamilies {
		for _, beginning := range family.beginnings {
			if strings.HasPrefix(name, beginning) {
				return family.why
			}
		}
	}
	return ""
}

func dangerousName(name string) string {
	switch name {
	case "PATH", "path", "FPATH", "fpath", "MANPATH", "manpath", "CDPATH", "cdpath", "module_path", "MODULE_PATH", "mailpath", "MAILPATH", "PATHEXT",
		"PSModulePath", "ARGV0":
		return "decides which programs run"
	case "HOME", "ZDOTDIR", "TMPDIR", "TMP", "TEMP", "LOGNAME", "USER":
		return "decides where programs keep their settings"
	case "GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH", "NLSPATH", "HOSTALIASES", "RES_OPTIONS", "LOCALDOMAIN", "TZDIR":
		return "is loaded into every program"
	case "ENV", "SHELL", "SHELLOPTS", "BASHOPTS", "PROMPT_COMMAND", "PROMPT_DIRTRIM", "PS0", "PS1", "PS2", "PS3", "PS4", "prompt", "RPS1", "RPS2",
		"NULLCMD", "READNULLCMD", "IFS", "POSIXLY_CORRECT", "INPUTRC", "SPROMPT", "precmd_functions", "preexec_functions", "chpwd_functions",
		"periodic_functions", "zshexit_functions", "zshaddhistory_functions", "zsh_eval_context", "functions", "aliases", "commands":
		return "is run by shells"
	// Bash computes what its numbers are given: SRANDOM='a[$(command)]'. It
	// cuts the history down to HISTFILESIZE there and then.
	case "HISTFILE", "HISTCONTROL", "HISTCMD", "HISTFILESIZE", "HISTSIZE", "HISTIGNORE", "HISTTIMEFORMAT", "HISTCHARS", "histchars", "SAVEHIST", "SRANDOM",
		"MAILCHECK", "FUNCNEST", "TMOUT", "umask", "config", "ENV_CONVERSIONS":
		return "changes what shells do"
	case "_", "PWD", "OLDPWD", "UID", "EUID", "GID", "EGID", "PPID", "SHLVL", "RANDOM", "SECONDS", "EPOCHSECONDS", "LINENO", "OPTIND", "OPTARG", "REPLY",
		"argv", "status", "pipestatus", "pipeline", "history", "hostname", "USERNAME", "TERM", "COLUMNS", "LINES", "DIRSTACK", "FUNCNAME", "GROUPS",
		"PIPESTATUS":
		return "is set by shells themselves"
	case "NODE_OPTIONS", "NODE_PATH", "PERLLIB", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTS", "JAVA_HOME", "CLASSPATH", "PHPRC",
		"PHP_INI_SCAN_DIR", "TCLLIBPATH", "DOTNET_STARTUP_HOOKS":
		return "is run by an interpreter"
	case "EDITOR", "VISUAL", "PAGER", "MANPAGER", "BROWSER", "LESS", "LESSOPEN", "LESSCLOSE", "SUDO_ASKPASS", "SUDO_EDITOR", "SSH_ASKPASS", "FCEDIT",
		"AWS_PAGER", "BAT_PAGER", "DELTA_PAGER", "PSQL_PAGER", "PSQL_EDITOR", "GH_PAGER", "GH_EDITOR", "GH_BROWSER", "KUBE_EDITOR", "SVN_EDITOR",
		"SVN_SSH", "HGEDITOR", "HGMERGE", "HGRCPATH", "CVSEDITOR", "CVS_RSH", "RSYNC_RSH", "RSYNC_CONNECT_PROG", "TAR_OPTIONS", "RIPGREP_CONFIG_PATH",
		"VIM", "VIMRUNTIME", "TERMCAP", "TEXMFCNF", "VIMINIT", "EXINIT", "GVIMINIT", "EMACSLOADPATH":
		return "is run as a command"
	case "MAKEFLAGS", "MAKEFILES", "GNUMAKEFLAGS", "MFLAGS", "RUSTFLAGS", "CC", "CXX", "LD", "AR", "CFLAGS", "CXXFLAGS", "LDFLAGS", "GOFLAGS", "GOENV",
		"GOPROXY", "GOSUMDB", "GONOSUMDB", "GOTOOLCHAIN", "GOROOT", "GOPATH", "GOBIN", "GOAUTH", "MAVEN_OPTS", "MAVEN_ARGS", "GRADLE_OPTS", "ANT_OPTS",
		"SBT_OPTS":
		return "is run by a build tool"
	case "SSH_AUTH_SOCK", "KUBECONFIG", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY", "http_proxy", "https_proxy", "all_proxy",
		"no_proxy", "ftp_proxy", "GRPC_PROXY", "grpc_proxy":
		return "leads programs to another machine"
	case "SSLKEYLOGFILE", "NODE_EXTRA_CA_CERTS", "NODE_TLS_REJECT_UNAUTHORIZED", "CURL_CA_BUNDLE", "CURL_HOME", "REQUESTS_CA_BUNDLE", "GNUPGHOME",
		"AWS_CA_BUNDLE":
		return "decides whom programs trust"
	case "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_DATA_PATH":
		return "lets the AWS SDKs run a command"
	case "AWS_WEB_IDENTITY_TOKEN_FILE":
		return "leads the AWS SDKs to another machine"
	case "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_SDK_LOAD_CONFIG":
		return "changes how the AWS SDKs sign in"
	}
	return ""
}

// dangerousFamilies are names that have a beginning in common.
var dangerousFamilies = []struct {
	why        string
	beginnings []string
}{
	{"decides which programs run", []string{"fish_"}},
	{"decides where programs keep their settings", []string{"XDG_"}},
	{"is loaded into every program", []string{"LD_", "DYLD_", "MALLOC_"}},
	{"is run by shells", []string{"BASH_", "PROMPT", "RPROMPT"}},
	{"changes what shells do", []string{"NU_"}},
	{"is run by an interpreter", []string{
		"NODE_REPL_", "PYTHON", "PERL5", "PERL_", "RUBY", "GEM_", "BUNDLE_", "LUA_", "DOTNET_",
		"COR_", "CORECLR_", "R_", "JULIA_", "ERL_", "ELIXIR_", "GUILE_",
	}},
	{"is run as a command", []string{"SYSTEMD_", "TERMINFO", "LESSKEY", "FZF_DEFAULT_"}},
	{"is run by git", []string{"GIT_"}},
	{"is run by a build tool", []string{"CMAKE_", "RUSTC", "CARGO_", "npm_", "NPM_CONFIG_", "YARN_", "PIP_", "UV_", "POETRY_"}},
	{"leads programs to another machine", []string{"SSH_AGENT_", "DOCKER_"}},
	{"decides whom programs trust", []string{"SSL_CERT_", "OPENSSL_", "KRB5"}},
	{"leads the AWS SDKs to another machine", []string{"AWS_ENDPOINT_URL", "AWS_CONTAINER_", "AWS_EC2_METADATA_", "AWS_METADATA_", "AWS_IMDSV1_"}},
	{"changes how the AWS SDKs sign in", []string{"AWS_LOGIN_"}},
}
