# Completion of make's goals and of RECIPE=, RUN=, PROFILE=, TABLE= and FORMAT= in a Recipebook checkout or project:
#   source commands/recipebook.bash
_recipebook_python=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.venv/bin/python
_recipebook_words() { "$_recipebook_python" -m recipebook words "$1" 2>/dev/null; }

_recipebook_make() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} name
    COMPREPLY=()
    [ -x "$_recipebook_python" ] && [ -d recipes ] || return 0
    # `=` splits words: RECIPE=rob arrives as RECIPE, =, rob.
    if [ "$word" = "=" ]; then name=$before word=""; elif [ "$before" = "=" ]; then name=${COMP_WORDS[COMP_CWORD-2]}; fi
    case ${name-} in
        RECIPE) mapfile -t COMPREPLY < <(compgen -W "$(_recipebook_words recipes)" -- "$word") ;;
        RUN | RUNS) mapfile -t COMPREPLY < <(compgen -W "$(_recipebook_words runs)" -- "$word") ;;
        PROFILE) mapfile -t COMPREPLY < <(compgen -W "$(_recipebook_words profiles)" -- "$word") ;;
        TABLE) mapfile -t COMPREPLY < <(compgen -W "$(_recipebook_words tables)" -- "$word") ;;
        FORMAT) mapfile -t COMPREPLY < <(compgen -W "$(_recipebook_words forms)" -- "$word") ;;
        "") mapfile -t COMPREPLY < <(compgen -W "$(_recipebook_words commands) RECIPE= RUN= RUNS= PROFILE= SET= GPUS= TABLE= FORMAT=" -- "$word")
            [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace ;;
    esac
}
complete -F _recipebook_make make
