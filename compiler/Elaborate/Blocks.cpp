//===- Blocks.cpp - statements of functions and modules -----------------------------------------------------------===//
//
// `for` and `if` are carried out here, at compile time: a loop is unrolled in place and a `let` of an outer name
// rebinds it. Parameters, states and parts appear where they stand in a module's body, at its first application.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

Value Evaluator::runBody(const dsl::Block &block, const ScopePtr &scope) {
  frames.back().returned = Value::none();
  frames.back().hasReturned = false;
  return runItems(block, scope) ? frames.back().returned : Value();
}

bool Evaluator::runItems(const dsl::Block &block, const ScopePtr &scope) {
  bool ok = true;
  for (const dsl::ItemPtr &item : block.items) {
    ok &= runItem(*item, scope);
    if (frames.back().hasReturned)
      break;
  }
  return ok;
}

/// The name that a part, parameter, state or update of a module is about; null for what may stand in any body.
static const dsl::Name *memberName(const dsl::Item &item) {
  return llvm::TypeSwitch<const dsl::Item *, const dsl::Name *>(&item)
      .Case<dsl::PartItem>([](auto *part) { return &part->name; })
      .Case<dsl::ParamItem, dsl::StateItem, dsl::UpdateItem>([](auto *member) { return &member->slot.base; })
      .Default([](auto *) { return nullptr; });
}

bool Evaluator::runItem(const dsl::Item &item, const ScopePtr &scope) {
  // The text alone tells that there is no module here, and has told of the program's own file.
  if (const dsl::Name *name = memberName(item); name && !frames.back().module) {
    Scope &body = scope->bodyScope();
    (body.barrier ? body : *scope).define(name->text, Value());
    error(llvm::isa<dsl::PartItem>(item) ? name->range : item.keyword, "misplaced-item",
          "'" + name->text + "' would be a member of a module, and there is none here; a value is named by 'let'");
    return false;
  }
  return llvm::TypeSwitch<const dsl::Item *, bool>(&item)
      .Case<dsl::LetItem>([&](auto *let) {
        Value value = evaluate(*let->value, scope);
        bool bound = bindPattern(let->pattern, value, *scope, let->value->range, /*rebind=*/true);
        recordLet(let->pattern, *scope);
        return bound && !value.isPoison();
      })
      .Case<dsl::ReturnItem>([&](auto *item) {
        Value value = evaluate(*item->value, scope);
        frames.back().returned = value;
        frames.back().hasReturned = true;
        return !value.isPoison();
      })
      .Case<dsl::ForItem>([&](auto *loop) {
        std::optional<std::vector<Value>> all = elements(evaluate(*loop->iterable, scope), loop->iterable->range);
        if (!all)
          return false;
        bool ok = true;
        for (auto [i, element] : llvm::enumerate(*all)) {
          ScopePtr inner = Scope::inside(scope);
          if (!bindPattern(loop->pattern, element, *inner, loop->iterable->range))
            return false;
          IterationGuard guard(*this, i);
          ok &= runItems(*loop->body, inner);
          if (frames.back().hasReturned || !ok)
            break;
        }
        return ok;
      })
      .Case<dsl::IfItem>([&](auto *branch) {
        std::optional<bool> chosen = condition(*branch->condition, scope);
        if (!chosen)
          return false;
        const dsl::Block *block = *chosen ? branch->then.get() : branch->otherwise.get();
        return !block || runItems(*block, Scope::inside(scope));
      })
      .Case<dsl::PartItem>([&](auto *part) { return runPart(*part, scope); })
      .Case<dsl::ParamItem>([&](auto *param) {
        return runLeaf(Leaf::Parameter, param->slot, param->type.get(), param->initial.get(), "", param->when.get(),
                       scope, param->range);
      })
      .Case<dsl::StateItem>([&](auto *state) {
        return runLeaf(Leaf::State, state->slot, state->type.get(), state->initial.get(),
                       state->merge ? state->merge->text : "", state->when.get(), scope, state->range);
      })
      .Case<dsl::UpdateItem>([&](auto *update) { return runUpdate(*update, scope); })
      .Case<dsl::NextItem>([&](auto *next) {
        if (!scanning) {
          error(next->keyword, "misplaced-item", "'next' stands in the body of a 'scan'");
          return false;
        }
        // All values are read before any carry changes its name.
        for (const dsl::Carry &carry : next->carries) {
          Value value = evaluate(*carry.value, scope);
          size_t position = 0;
          while (position < scanning->scan->carries.size() &&
                 scanning->scan->carries[position].name.text != carry.name.text)
            ++position;
          if (position == scanning->scan->carries.size()) {
            error(carry.name.range, "unknown-carry", "'" + carry.name.text + "' is not carried by this 'scan'");
            return false;
          }
          if (value.isPoison())
            return false;
          (*scanning->next)[position] = value;
        }
        return true;
      })
      .Case<dsl::YieldItem>([&](auto *item) {
        if (!scanning) {
          error(item->keyword, "misplaced-item", "'yield' stands in the body of a 'scan'");
          return false;
        }
        *scanning->yielded = evaluate(*item->value, scope);
        return !(*scanning->yielded)->isPoison();
      })
      .Case<dsl::FnItem>([](auto *) { return true; }) // a further function of the module: called by name
      .Default([&](auto *other) {
        error(other->keyword, "misplaced-item", "'" + dsl::getSpelling(other->kind) + "' cannot stand here");
        return false;
      });
}

std::optional<std::string> Evaluator::slotName(const dsl::Slot &slot, const ScopePtr &scope) {
  std::string name = slot.base.text;
  for (const dsl::SlotStep &step : slot.steps) {
    if (step.member) {
      name += "." + step.member->text;
      continue;
    }
    for (const dsl::ExprPtr &index : step.indices) {
      Value value = evaluate(*index, scope);
      if (value.isPoison())
        return std::nullopt;
      if (value.isNone())
        continue;
      std::optional<std::string> text = indexText(value);
      if (!text) {
        error(index->range, "bad-index", "an index of a name is a string or an int, found " + value.describe());
        return std::nullopt;
      }
      // Text that begins with '_' goes on with the name: weight["_l" + str(0)] is `weight_l0`, as PyTorch counts.
      name += llvm::StringRef(*text).starts_with("_") ? *text : "[" + *text + "]";
    }
  }
  return name;
}

std::optional<std::string> Evaluator::indexText(const Value &value) {
  if (auto *text = value.text())
    return *text;
  if (auto number = value.asInteger())
    return std::to_string(*number);
  return std::nullopt;
}

/// Defines `slot` in `scope`; one with an index becomes an entry of a record that is read as `name[index]`.
void Evaluator::defineSlot(const dsl::Slot &slot, llvm::StringRef name, Value value, Scope &scope) {
  Scope &body = scope.bodyScope();
  if (slot.steps.empty()) {
    body.define(slot.base.text, value);
    return;
  }
  std::vector<std::pair<std::string, Value>> fields;
  if (const Value *known = body.findHere(slot.base.text); known && known->record())
    fields = known->record()->fields;
  llvm::StringRef key = name.substr(slot.base.text.size());
  llvm::erase_if(fields, [&](auto &field) { return field.first == key; });
  fields.push_back({key.str(), value});
  body.define(slot.base.text, Value::record(std::move(fields)));
}

} // namespace xfer
