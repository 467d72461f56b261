#include "compiler/Elaborate/FunctionBuilder.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Elaborate/Emit.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace xfer {

static pipeline::BindKind bindKind(const Leaf &leaf) {
  return leaf.kind == Leaf::Parameter ? pipeline::BindKind::Param : pipeline::BindKind::State;
}

FunctionBuilder::FunctionBuilder(ModuleOp module, llvm::StringRef name, Location location)
    : builder(module.getContext()) {
  builder.setInsertionPointToEnd(module.getBody());
  function = func::FuncOp::create(builder, location, name, builder.getFunctionType({}, {}));
  body = function.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  builder.setListener(&counter);
}

mlir::Value FunctionBuilder::argument(pipeline::BindKind kind, llvm::StringRef name, RankedTensorType type,
                                      int64_t draw, int64_t views) {
  mlir::Value &value = argumentOf[{kind, name.str(), draw, views}];
  if (!value) {
    value = body->addArgument(type, function.getLoc());
    arguments.push_back({kind, name.str(), value, draw, views});
  }
  return value;
}

bool FunctionBuilder::isSample(mlir::Value value) const {
  return llvm::any_of(arguments, [&](const Bound &bound) {
    return bound.value == value && (bound.kind == pipeline::BindKind::Batch || bound.kind == pipeline::BindKind::Key ||
                                    bound.kind == pipeline::BindKind::Index || bound.kind == pipeline::BindKind::Rows);
  });
}

llvm::StringRef FunctionBuilder::optionOf(mlir::Value value) const {
  while (auto convert = value.getDefiningOp<nn::ConvertOp>())
    value = convert.getX();
  for (const Bound &bound : arguments)
    if (bound.value == value && bound.kind == pipeline::BindKind::Option)
      return bound.name;
  return "";
}

std::string FunctionBuilder::describeHidden(mlir::Value value) const {
  llvm::DenseSet<mlir::Value> behind = valuesBehind(value);
  for (const Bound &bound : arguments)
    if ((bound.kind == pipeline::BindKind::Batch || bound.kind == pipeline::BindKind::Rows) &&
        behind.contains(bound.value) && meaningOf(bound.value).hidden)
      return "'" + bound.name + "', which is hidden here";
  return "a value that is hidden here";
}

mlir::Value FunctionBuilder::stepKey() {
  return argument(pipeline::BindKind::StepKey, "", RankedTensorType::get({4}, builder.getI32Type()));
}

Tensor FunctionBuilder::read(const Leaf &leaf) {
  if (readsFound)
    return Tensor{argument(bindKind(leaf), leaf.path, leaf.type), leaf.axes};
  mlir::Value &value = current[leaf.path];
  if (!value)
    value = argument(bindKind(leaf), leaf.path, leaf.type);
  return Tensor{value, leaf.axes};
}

/// What a clause left is a point to the clauses below: no derivative goes through the step that led there.
static mlir::Value asPoint(OpBuilder &builder, mlir::Value value) {
  if (llvm::isa<FloatType>(llvm::cast<RankedTensorType>(value.getType()).getElementType()))
    return nn::StopGradientOp::create(builder, value.getLoc(), value);
  return value;
}

Tensor FunctionBuilder::readRows(const std::string &name, RankedTensorType type, llvm::ArrayRef<AxisId> axes,
                                 int64_t draw) {
  auto known = current.find(name);
  mlir::Value value =
      known != current.end() && !readsFound ? known->second : argument(pipeline::BindKind::Rows, name, type, draw);
  return {value, llvm::SmallVector<AxisId>(axes)};
}

void FunctionBuilder::writeRows(const std::string &name, mlir::Value value) {
  current[name] = asPoint(builder, value);
  ++version;
  writtenRows.insert(name);
}

void FunctionBuilder::write(const Leaf &leaf, mlir::Value value) {
  current[leaf.path] = asPoint(builder, value);
  ++version;
  if (!llvm::is_contained(written, &leaf))
    written.push_back(&leaf);
}

void FunctionBuilder::initialise(const Leaf &leaf, mlir::Value value) {
  current[leaf.path] = value; // a later first value may read it
  result(bindKind(leaf), leaf.path, value);
}

bool FunctionBuilder::propose(const Leaf &leaf, llvm::StringRef site, mlir::Value value, int64_t count) {
  auto &entry = proposals[leaf.path];
  entry.leaf = &leaf;
  for (auto &[known, first] : entry.bySite)
    if (known == site)
      return true;
  entry.bySite.push_back({site.str(), value});
  entry.count += count;
  return entry.bySite.size() == 1 || !leaf.merge.empty();
}

void FunctionBuilder::commitProposals() {
  for (auto &[path, entry] : proposals) {
    mlir::Value merged = entry.bySite.front().second;
    Location location = merged.getLoc();
    for (auto &[site, value] : llvm::drop_begin(entry.bySite)) {
      if (entry.leaf->merge == "max")
        merged = nn::MaxOp::create(builder, location, merged, value);
      else
        merged = nn::AddOp::create(builder, location, merged, value);
    }
    if (entry.leaf->merge == "average" && entry.count > 1) {
      auto type = llvm::cast<RankedTensorType>(merged.getType());
      auto count = builder.getFloatAttr(type.getElementType(), static_cast<double>(entry.count));
      auto plain = RankedTensorType::get(type.getShape(), type.getElementType());
      mlir::Value divisor = nn::ConstantOp::create(builder, location, DenseElementsAttr::get(plain, count));
      merged = nn::DivOp::create(builder, location, merged, divisor);
    }
    write(*entry.leaf, merged);
  }
  proposals.clear();
}

std::set<pipeline::BindKind> FunctionBuilder::kindsRead() const {
  std::set<pipeline::BindKind> kinds;
  for (const Bound &bound : arguments)
    kinds.insert(bound.kind);
  return kinds;
}

void FunctionBuilder::result(pipeline::BindKind kind, llvm::StringRef name, mlir::Value value) {
  results.push_back({kind, name.str(), value});
}

func::FuncOp FunctionBuilder::finish() {
  commitProposals();
  std::vector<Bound> all;
  for (const Leaf *leaf : written)
    all.push_back({bindKind(*leaf), leaf->path, current[leaf->path]});
  for (const std::string &name : writtenRows)
    all.push_back({pipeline::BindKind::Rows, name, current[name]});
  all.insert(all.end(), results.begin(), results.end());
  if (all.empty()) {
    erase();
    return nullptr;
  }
  SmallVector<mlir::Value> operands;
  for (Bound &bound : all) {
    // A written leaf keeps its declared type: what was computed may know more or less of its meaning.
    mlir::Value value = bound.value;
    RankedTensorType plain = nn::withoutMeaning(value.getType());
    if ((bound.kind == pipeline::BindKind::Param || bound.kind == pipeline::BindKind::State ||
         bound.kind == pipeline::BindKind::Rows) &&
        value.getType() != plain)
      value = nn::AnnotateOp::create(builder, value.getLoc(), plain, value);
    operands.push_back(value);
  }
  func::ReturnOp::create(builder, function.getLoc(), operands);

  // An argument that nothing reads any more needs no source: a definition may name more than it uses.
  IRRewriter rewriter(builder);
  (void)mlir::runRegionDCE(rewriter, function->getRegions());
  for (unsigned i = body->getNumArguments(); i-- > 0;)
    if (body->getArgument(i).use_empty()) {
      body->eraseArgument(i);
      arguments.erase(arguments.begin() + i);
    }
  function.setType(builder.getFunctionType(body->getArgumentTypes(), ValueRange(operands).getTypes()));
  auto bind = [&](const Bound &bound) {
    return builder.getDictionaryAttr(builder.getNamedAttr(
        "xfer.bind", pipeline::BindAttr::get(builder.getContext(), bound.kind, bound.name, bound.draw, bound.views)));
  };
  SmallVector<Attribute> argumentAttributes, resultAttributes;
  for (Bound &bound : arguments)
    argumentAttributes.push_back(bind(bound));
  for (Bound &bound : all)
    resultAttributes.push_back(bind(bound));
  function.setArgAttrsAttr(builder.getArrayAttr(argumentAttributes));
  function.setResAttrsAttr(builder.getArrayAttr(resultAttributes));
  return function;
}

void FunctionBuilder::erase() { function.erase(); }

} // namespace xfer
