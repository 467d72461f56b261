#include "xfer/rt/LoadCheck.h"
#include "runtime/weights/LoadPlan.h"

namespace xfer::rt {

Expected<LoadContent> checkLoad(const std::string &path, const LoadClause &clause,
                                const std::vector<LoadVariable> &variables) {
  Expected<WeightFile> file = WeightFile::open(path);
  if (!file)
    return file.status();
  LoadRequest request{clause.into, clause.layout == "keras", {}, clause.added};
  for (const LoadRuleText &rule : clause.rules)
    request.rules.push_back({rule.key, rule.target, rule.transposed});
  std::vector<LoadTarget> targets;
  for (const LoadVariable &variable : variables) {
    std::optional<ElementType> type = elementTypeOf(variable.type);
    std::optional<WeightLayout> layout = weightLayoutOf(variable.layout);
    if (!type || !layout)
      return failure("'{}' has the type '{}' and the layout '{}', which no weight file can fill", variable.path,
                     variable.type, variable.layout);
    targets.push_back({variable.path, *type, *layout, variable.shape, variable.isParameter});
  }
  Expected<std::vector<PlannedTensor>> plan = planLoad(*file, request, targets);
  if (!plan)
    return plan.status();
  const Bytes &content = file->content();
  return LoadContent{content.data, content.size, content.owner};
}

} // namespace xfer::rt
