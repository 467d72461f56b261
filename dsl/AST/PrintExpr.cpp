#include "dsl/AST/Printer.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"

using namespace xfer::dsl;

std::string xfer::dsl::quote(llvm::StringRef text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      (result += '\\') += c;
    else if (c == '\n')
      result += "\\n";
    else if (c == '\t')
      result += "\\t";
    else
      result += c;
  }
  return result + '"';
}

void Printer::print(const Expr &expr) {
  llvm::TypeSwitch<const Expr *>(&expr)
      .Case([&](const IntExpr *e) { os << e->value; })
      .Case([&](const FloatExpr *e) {
        // The shortest text that reads back as the same number, marked as no integer.
        llvm::SmallString<32> text;
        double back = 0;
        for (unsigned digits = 1; digits <= 17; ++digits) {
          text.clear();
          llvm::raw_svector_ostream(text) << llvm::format("%.*g", digits, e->value);
          if (llvm::to_float(text, back) && back == e->value)
            break;
        }
        os << text << (text.find_first_of(".einf") == llvm::StringRef::npos ? ".0" : "");
      })
      .Case([&](const SizeExpr *e) { os << e->bytes << " bytes"; })
      .Case([&](const StringExpr *e) { os << quote(e->value); })
      .Case([&](const BoolExpr *e) { os << (e->value ? "true" : "false"); })
      .Case([&](const NoneExpr *) { os << "none"; })
      .Case([&](const NameExpr *e) { os << e->name; })
      .Case([&](const RecordExpr *e) {
        os << '(';
        list(e->fields);
        os << ')';
      })
      .Case([&](const TupleExpr *e) {
        os << '(';
        list(e->elements);
        os << (e->elements.size() == 1 ? ",)" : ")");
      })
      .Case([&](const ListExpr *e) {
        os << '[';
        list(e->elements);
        os << ']';
      })
      .Case([&](const ComprehensionExpr *e) {
        os << '[';
        print(e->element);
        os << " for ";
        print(e->pattern);
        os << " in ";
        print(e->iterable);
        os << ']';
      })
      .Case([&](const UnaryExpr *e) {
        os << (e->op == UnaryOp::Not ? "(not " : "(-");
        print(e->operand);
        os << ')';
      })
      .Case([&](const BinaryExpr *e) {
        os << '(';
        print(e->lhs);
        os << ' ' << getSpelling(e->op) << ' ';
        print(e->rhs);
        os << ')';
      })
      .Case([&](const ConditionalExpr *e) {
        os << '(';
        print(e->value);
        optional(" if ", e->condition);
        optional(" else ", e->otherwise);
        os << ')';
      })
      .Case([&](const LambdaExpr *e) {
        os << "(fn(";
        print(e->formals);
        os << ") => ";
        print(e->body);
        os << ')';
      })
      .Case([&](const EachExpr *e) {
        os << "(each ";
        print(e->pattern);
        optional(" in ", e->source);
        optional(" along ", e->along);
        body(e->body);
        os << ')';
      })
      .Case([&](const ScanExpr *e) {
        os << "(scan ";
        print(e->pattern);
        optional(" in ", e->source);
        optional(" along ", e->along);
        os << " from ";
        list(e->carries);
        optional(" while ", e->whileCondition);
        body(e->body);
        os << ')';
      })
      .Case([&](const MemberExpr *e) {
        print(e->object);
        os << '.' << e->member.text;
      })
      .Case([&](const CallExpr *e) {
        print(e->callee);
        os << '(';
        list(e->arguments);
        os << ')';
      })
      .Case([&](const IndexExpr *e) {
        print(e->object);
        os << '[';
        list(e->items);
        os << ']';
      })
      .Case([&](const WithExpr *e) {
        os << '(';
        print(e->object);
        os << " with ";
        print(e->rewrites);
        os << ')';
      })
      .Case([&](const AtExpr *e) {
        os << '(';
        print(e->object);
        os << " at ";
        print(e->slot);
        os << ')';
      });
}

void Printer::print(const Type &type) {
  auto dims = [&](const std::vector<Dim> &extents) {
    os << '[';
    list(extents);
    os << ']';
  };
  llvm::TypeSwitch<const Type *>(&type)
      .Case([&](const ModuleType *t) {
        os << "module";
        if (!t->result)
          return;
        os << '(';
        list(t->inputs);
        os << ')';
        optional(" -> ", t->result);
      })
      .Case([&](const FnType *t) {
        os << "fn(";
        list(t->inputs);
        os << ')';
        optional(" -> ", t->result);
      })
      .Case([&](const LikeType *t) {
        os << "like ";
        print(t->slot);
      })
      .Case([&](const RecordType *t) {
        os << '(';
        list(t->fields);
        os << ')';
      })
      .Case([&](const DimsType *t) { dims(t->dims); })
      .Case([&](const NamedType *t) {
        os << t->name.text;
        if (!t->arguments.empty()) {
          os << '(';
          list(t->arguments);
          os << ')';
        }
        if (t->dims)
          dims(*t->dims);
      });
  os << (type.optional ? "?" : "");
}

void Printer::print(const Dim &dim) {
  if (dim.kind == Dim::Kind::Rest) {
    os << "..";
    optional("", dim.name);
  } else if (dim.kind == Dim::Kind::Varies) {
    os << '?';
  } else {
    print(dim.value);
  }
}

void Printer::print(const Slot &slot) {
  os << slot.base.text;
  for (const SlotStep &step : slot.steps) {
    if (step.member) {
      os << '.' << step.member->text;
      continue;
    }
    os << '[';
    list(step.indices);
    os << ']';
  }
}

void Printer::print(const Segment &segment) {
  switch (segment.kind) {
  case Segment::Kind::Name:
    os << segment.names[0].text;
    break;
  case Segment::Kind::Any:
    os << '*';
    break;
  case Segment::Kind::Deep:
    os << "**";
    break;
  case Segment::Kind::String:
    os << quote(segment.names[0].text);
    break;
  case Segment::Kind::Set:
    os << '{';
    list(segment.names);
    os << '}';
    break;
  }
  for (const Segment::Index &index : segment.indices) {
    os << '[';
    if (index.value)
      print(index.value);
    else
      os << '*';
    os << ']';
  }
}

void Printer::print(const Selector &selector) {
  llvm::interleave(selector.segments, [&](const Segment &step) { print(step); }, [&] { os << '.'; });
  optional(" is ", selector.isKind);
}

void Printer::print(const Selectors &selectors) {
  list(selectors.included);
  if (!selectors.except.empty()) {
    os << " except ";
    list(selectors.except);
  }
  optional(" expect ", selectors.expect);
}

void Printer::print(const Rewrite &rule) {
  print(rule.selector);
  optional(" -> ", rule.replacement);
  optional(" expect ", rule.expect);
}

void Printer::print(const Rewrites &rewrites) {
  os << "{ ";
  list(rewrites.rules);
  os << " }";
}

void Printer::print(const Argument &argument) {
  if (argument.name)
    os << argument.name->text << ": ";
  print(argument.value);
}

void Printer::print(const Carry &carry) {
  os << carry.name.text;
  optional(" = ", carry.value);
}

void Printer::print(const Formal &formal) {
  os << (formal.given ? "given " : "") << formal.name.text;
  optional(": ", formal.type);
  optional(" = ", formal.defaultValue);
}

void Printer::print(const IndexExpr::Item &item) {
  if (item.low)
    print(item.low);
  if (item.isRange)
    os << "..";
  if (item.high)
    print(item.high);
}

void Printer::print(const RecordExpr::Field &field) {
  os << field.name.text;
  optional(": ", field.value);
}

void Printer::print(const RecordType::Field &field) {
  os << field.name.text;
  optional(": ", field.type);
}

void Printer::optional(llvm::StringRef before, const ExprPtr &expr) {
  if (!expr)
    return;
  os << before;
  print(expr);
}

void Printer::optional(llvm::StringRef before, const TypePtr &type) {
  if (!type)
    return;
  os << before;
  print(type);
}

void Printer::optional(llvm::StringRef before, const std::optional<Name> &name) {
  if (name)
    os << before << name->text;
}

void Printer::body(const Body &body) {
  optional(" => ", body.value);
  block(body.block.get());
}
