# Completes escenv's command line in fish.

function __escenv_complete
    set -l line (commandline -opc) (commandline -ct)
    set -l lines (@ESCENV@ __complete $line[2..-1] 2>/dev/null)
    switch "$lines[1]"
        case :files
            __fish_complete_path "$line[-1]"
        case ':command *'
            set -l begin (math (string replace ':command ' '' -- $lines[1]) + 2)
            set -l before (string escape -- $line[$begin..-2])
            complete -C (string join ' ' -- $before "$line[-1]")
        case '*'
            test -n "$lines"; and printf '%s\n' $lines
    end
end

complete -c escenv -e
complete -c escenv -f -a '(__escenv_complete)'
