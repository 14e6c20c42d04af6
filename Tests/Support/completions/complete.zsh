# What zsh would make of a line: complete.zsh SCRIPT WORD... types it into a shell, completes it and prints the words.
emulate zsh
zmodload zsh/zpty || exit 1
folder=$(mktemp -d) || exit 1
trap 'rm -rf $folder' EXIT
zpty shell env HOME=$folder TERM=dumb zsh -f -i
# The completed line is not run but written down.
zpty -w shell "PS1=; autoload -U compinit; compinit -u -d $folder/dump; source ${(q)1}; setopt no_beep
note() { print -r -- \$BUFFER >$folder/line; zle send-break }; zle -N note; bindkey '^T' note; : >$folder/ready"
for attempt in {1..2400}; do [[ -e $folder/ready ]] && break; sleep 0.05; done
zpty -n -w shell "${(j: :)@[2,-1]}"$'\t\x14'
for attempt in {1..2400}; do
    zpty -r -t shell output
    [[ -s $folder/line ]] && break
    sleep 0.05
done
[[ -s $folder/line ]] || { print -u 2 "no line: $output"; exit 1; }
print -rl -- ${(z)"$(<$folder/line)"}
