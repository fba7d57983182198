/* `completion`: what a shell, or kubectl, has to be told to complete our words. All of it asks `__complete`. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "plugin/command.h"

static const char bash[] =
    "# bash completion for kubectl-glr: source <(kubectl-glr completion bash)\n"
    "_kubectl_glr() {\n"
    "\tlocal lines last\n"
    "\tmapfile -t lines < <(kubectl-glr __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2> /dev/null)\n"
    "\t[ ${#lines[@]} -gt 0 ] || return\n"
    "\tlast=${lines[-1]}\n"
    "\tunset 'lines[-1]'\n"
    "\tCOMPREPLY=(\"${lines[@]%%$'\\t'*}\")\n"
    "\t[ \"$last\" != :0 ] || compopt -o default\n"
    "}\n"
    "complete -F _kubectl_glr kubectl-glr\n";

static const char zsh[] =
    "#compdef kubectl-glr\n"
    "# zsh completion for kubectl-glr: source <(kubectl-glr completion zsh)\n"
    "_kubectl_glr() {\n"
    "\tlocal -a lines described\n"
    "\tlocal line last\n"
    "\tlines=(\"${(@f)$(kubectl-glr __complete \"${(@)words[2,CURRENT]}\" 2> /dev/null)}\")\n"
    "\tlast=${lines[-1]}\n"
    "\tfor line in \"${(@)lines[1,-2]}\"; do\n"
    "\t\tdescribed+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "\tdone\n"
    "\t[[ $#described == 0 ]] || _describe 'kubectl glr' described\n"
    "\t[[ $last != :0 ]] || _files\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _kubectl-glr ]; then _kubectl_glr; else compdef _kubectl_glr kubectl-glr; fi\n";

static const char fish[] = "# fish completion for kubectl-glr: kubectl-glr completion fish | source\n"
                           "function __kubectl_glr\n"
                           "\tset -l words (commandline -opc) (commandline -ct)\n"
                           "\tset -l lines (kubectl-glr __complete $words[2..-1] 2> /dev/null)\n"
                           "\tset -q lines[1]; or return\n"
                           "\tif test $lines[-1] = :0\n"
                           "\t\t__fish_complete_path (commandline -ct)\n"
                           "\tend\n"
                           "\tset -e lines[-1]\n"
                           "\tstring join \\n -- $lines\n"
                           "end\n"
                           "complete -c kubectl-glr -f -a '(__kubectl_glr)'\n";

/* kubectl runs a program of this name, and passes its output on to whichever shell. */
static const char kubectl[] =
    "#!/bin/sh\n"
    "# Completion of `kubectl glr` by kubectl's own: keep this as kubectl_complete-glr, executable, in PATH.\n"
    "exec kubectl-glr __complete \"$@\"\n";

static enum plugin_exit run_completion(struct plugin_call *call)
{
    static const struct {
        const char *name, *text;
    } scripts[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}, {"kubectl", kubectl}};

    for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
        if (strcmp(call->args[0], scripts[i].name) == 0) {
            fputs(scripts[i].text, stdout);
            return EXIT_GOOD;
        }
    fprintf(stderr, "completion: %s: must be bash, zsh, fish or kubectl\n", call->args[0]);
    return EXIT_COULD_NOT;
}

const struct plugin_command completion_command = {
    .name = "completion",
    .args = "bash|zsh|fish|kubectl",
    .summary = "the script by which a shell, or kubectl, completes these words",
    .about = "Prints a script for kubectl-glr in this shell. kubectl: a program that completes `kubectl glr` wherever "
             "kubectl's\nown completion works; krew cannot install it, so it is put into PATH by hand.",
    .example = "completion bash > ~/.local/share/bash-completion/completions/kubectl-glr\n"
               "completion kubectl > ~/.local/bin/kubectl_complete-glr && chmod +x ~/.local/bin/kubectl_complete-glr",
    .rights = "none; to complete names: list gitlabrunners, list namespaces",
    .takes = TAKES_NO_CLUSTER,
    .args_min = 1,
    .args_max = 1,
    .offline = true,
    .run = run_completion,
};
