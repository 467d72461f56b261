// The scripts are made of the options that the command line itself declares, so that they cannot lag behind it.
#include "compiler/Tools/CompletionCommand.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace xfer {

/// Text between single quotes, with what has a meaning there or to the shell's completion replaced.
static std::string quoted(StringRef text, StringRef escaped = "") {
  std::string result;
  for (char c : text) {
    if (c == '\'')
      result += "'\\''";
    else if (escaped.contains(c))
      result += std::string("\\") + c;
    else
      result += c;
  }
  return result;
}

static std::string join(const std::vector<std::string> &words) { return llvm::join(words, " "); }

static void printBash(raw_ostream &os, const std::vector<CompletedCommand> &commands) {
  os << "# Completion of xferc for bash:  source <(xferc completion bash)\n"
        "_xferc() {\n"
        "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words= files= i\n"
        "  COMPREPLY=()\n"
        "  # bash makes three words of --option=value.\n"
        "  if [ \"$cur\" = = ]; then cur=; elif [ \"$prev\" = = ]; then prev=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
        "  # What stands behind -- belongs to the program.\n"
        "  for ((i = 1; i < COMP_CWORD; i++)); do [ \"${COMP_WORDS[i]}\" = -- ] && return; done\n"
        "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "    words='--help --version";
  for (const CompletedCommand &command : commands)
    os << " " << command.name;
  os << "'\n  else\n    case \"${COMP_WORDS[1]} $prev\" in\n";
  for (const CompletedCommand &command : commands)
    for (const CompletedOption &option : command.options) {
      std::string pattern = "'" + command.name + " " + option.name + "'";
      if (option.name == "--output")
        pattern += " | '" + command.name + " -o'";
      if (!option.values.empty())
        os << "      " << pattern << ") words='" << join(option.values) << "' ;;\n";
      else if (option.takesFile)
        os << "      " << pattern << ") files=all ;;\n";
      else if (option.takesValue)
        os << "      " << pattern << ") return ;;\n";
    }
  os << "      *)\n        case \"${COMP_WORDS[1]}\" in\n";
  for (const CompletedCommand &command : commands) {
    std::vector<std::string> names;
    for (const CompletedOption &option : command.options)
      names.push_back(option.name);
    os << "          " << command.name << ") case \"$cur\" in -*) words='" << join(names) << "' ;; *) words='"
       << join(command.words) << "'"
       << (command.takesPrograms ? " files=programs"
           : command.takesFiles  ? " files=all"
                                 : "")
       << " ;; esac ;;\n";
  }
  os << "        esac ;;\n    esac\n  fi\n"
        "  [ -z \"$words\" ] || mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
        "  if [ \"$files\" = all ]; then mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); fi\n"
        "  if [ \"$files\" = programs ]; then\n"
        "    mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -d -- \"$cur\"; compgen -f -X '!*.xfer' -- "
        "\"$cur\")\n"
        "  fi\n"
        "  [ -z \"$files\" ] || compopt -o filenames 2>/dev/null\n"
        "}\n"
        "complete -o bashdefault -o default -F _xferc xferc\n";
}

static void printZsh(raw_ostream &os, const std::vector<CompletedCommand> &commands) {
  os << "#compdef xferc\n"
        "# Completion of xferc for zsh:  xferc completion zsh > a folder of $fpath, as _xferc\n"
        "_xferc() {\n  local -a commands\n  commands=(\n";
  for (const CompletedCommand &command : commands)
    os << "    '" << command.name << ":" << quoted(command.help, ":") << "'\n";
  os << "  )\n  if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
        "  local command=${words[2]}\n  shift words; (( CURRENT-- ))\n  case $command in\n";
  for (const CompletedCommand &command : commands) {
    os << "    " << command.name << ") _arguments";
    for (const CompletedOption &option : command.options) {
      os << " \\\n      '" << option.name << (option.takesValue ? "=" : "") << "[" << quoted(option.help, "[]:") << "]";
      if (option.takesValue)
        os << ":value:" << (option.takesFile ? "_files" : "(" + join(option.values) + ")");
      os << "'";
    }
    if (!command.words.empty())
      os << " \\\n      '*:name:(" << join(command.words) << ")'";
    else if (command.takesPrograms)
      os << " \\\n      '*:program:_files -g \"*.xfer\"'";
    else if (command.takesFiles)
      os << " \\\n      '*:file:_files'";
    os << " ;;\n";
  }
  os << "  esac\n}\n_xferc \"$@\"\n";
}

static void printFish(raw_ostream &os, const std::vector<CompletedCommand> &commands) {
  os << "# Completion of xferc for fish:  xferc completion fish > ~/.config/fish/completions/xferc.fish\n";
  for (const CompletedCommand &command : commands)
    os << "complete -c xferc -n __fish_use_subcommand -f -a " << command.name << " -d '" << quoted(command.help)
       << "'\n";
  for (const CompletedCommand &command : commands) {
    std::string line = "complete -c xferc -n '__fish_seen_subcommand_from " + command.name + "'";
    for (const CompletedOption &option : command.options) {
      os << line << " -l " << StringRef(option.name).drop_front(2);
      if (option.name == "--output")
        os << " -s o";
      if (option.takesFile)
        os << " -r -F";
      else if (option.takesValue)
        os << " -x" << (option.values.empty() ? "" : " -a '" + join(option.values) + "'");
      os << " -d '" << quoted(option.help) << "'\n";
    }
    if (!command.words.empty())
      os << line << (command.takesPrograms ? "" : " -f") << " -a '" << join(command.words) << "'\n";
    else if (!command.takesPrograms && !command.takesFiles)
      os << line << " -f\n";
  }
}

bool printCompletion(const std::string &shell, const std::vector<CompletedCommand> &commands) {
  if (shell == "bash")
    printBash(outs(), commands);
  else if (shell == "zsh")
    printZsh(outs(), commands);
  else if (shell == "fish")
    printFish(outs(), commands);
  else
    return false;
  return true;
}

} // namespace xfer
