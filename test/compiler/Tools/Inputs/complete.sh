# What bash would offer:  complete.sh SCRIPT FOLDER WORDS...   one offer a line; the last word is the one that is typed.
source "$1"
cd "$2" || exit 1
COMP_WORDS=("${@:3}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMPREPLY=()
_xferc
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
