# What fish would offer: complete.fish SCRIPT WORD... prints one candidate a line, for the last word.
source $argv[1]; or exit 1
complete -C (string join ' ' -- (string escape -- $argv[2..-2]) $argv[-1]) | string replace -r '\t.*' ''
exit 0
