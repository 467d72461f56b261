// A sweep inside of a run: its points, what judges them, and what the best one leaves.
#include "runtime/program/Trainer.h"
#include <cmath>

namespace xfer::rt {

static constexpr unsigned everything = Session::Model | Session::ProgramStates | Session::StageStates;

Standing Trainer::standing() const { return {session.snapshot(everything), train.found, train.left, train.baselines}; }

void Trainer::restore(const Standing &standing) {
  session.restore(standing.values);
  train.found = standing.found;
  train.left = standing.left;
  train.baselines = standing.baselines;
}

// What was computed from options alone, ahead of everything, is computed again.
Status Trainer::setSwept(const std::map<int, double> &options) {
  session.swept = options;
  passes.clear();
  if (Status status = passes.runAll(session.manifest.launch, {}); status.failed())
    return status;
  return passes.runAll(session.manifest.load, {});
}

Status Trainer::runSweepItem(const OrderItem &item) {
  switch (item.kind) {
  case OrderItem::SweepBegin: {
    SweepState state;
    state.sweep = item.index;
    state.start = standing();
    state.optionsBefore = session.swept;
    state.result = train.sweepResults.size();
    train.sweepResults.push_back({item.index, {}, none});
    train.sweeps.push_back(std::move(state));
    return Status::success();
  }
  case OrderItem::SweepPoint:
    return enterPoint(item);
  case OrderItem::SweepJudge:
    return judgePoint(item);
  default:
    return leaveSweep(item);
  }
}

Status Trainer::enterPoint(const OrderItem &item) {
  const SweepSpec &spec = session.manifest.sweeps[item.index];
  SweepState &state = train.sweeps.back();
  state.point = item.point;
  state.lost = false;
  restore(state.start);
  std::map<int, double> options = state.optionsBefore;
  for (size_t i = 0; i < spec.options.size(); ++i)
    options[spec.options[i]] = spec.points[item.point][i];
  shown.note(format("point {} of {}: {}", item.point + 1, spec.points.size(),
                    pointText(session.manifest, item.index, item.point)));
  return setSwept(options);
}

Status Trainer::judgePoint(const OrderItem &item) {
  const KeepSpec &keep = session.manifest.sweeps[item.index].keep;
  SweepState &state = train.sweeps.back();
  double value = std::nan("");
  // A model that is not finite does not win, whatever the value makes of it.
  state.lost |= checkParameters().failed();
  diverged = false;
  if (!state.lost) {
    Expected<double> judged = passes.number(keep.value, {});
    passes.clear();
    if (!judged)
      return judged.status();
    value = *judged;
  }
  SweepResult &result = train.sweepResults[state.result];
  double best = state.best == none ? value : result.values[state.best];
  result.values.push_back(value);
  bool better = state.best == none || (keep.mode == KeepSpec::Best ? value > best : value < best);
  if (better && !std::isnan(value)) {
    state.best = item.point;
    state.winner = {}; // gone before the next one is there: a sweep holds two of these at most
    state.winner = standing();
    state.optionsOfBest = session.swept;
  }
  restore(state.start);
  JsonWriter line;
  line.beginObject().key("sweep").value(static_cast<int>(item.index)).key("point").value(item.point);
  writePoint(line, session.manifest, item.index, item.point);
  return metrics->write(line.key("value").value(value).endObject().text());
}

Status Trainer::leaveSweep(const OrderItem &item) {
  SweepState state = std::move(train.sweeps.back());
  train.sweeps.pop_back();
  SweepResult &result = train.sweepResults[state.result];
  if (state.best == none)
    return failure("the sweep has no best point: the value that judges is not a number at all {} of them",
                   result.values.size());
  result.chosen = state.best;
  restore(state.winner);
  std::string text = pointText(session.manifest, item.index, state.best);
  shown.note(format("chosen: {}, value {:.4f}", text, result.values[state.best]));
  JsonWriter line;
  line.beginObject().key("sweep").value(static_cast<int>(item.index)).key("chosen").value(state.best);
  writePoint(line, session.manifest, item.index, state.best);
  line.key("value").value(result.values[state.best]).endObject();
  if (Status status = metrics->write(line.text()); status.failed())
    return status;
  return setSwept(state.optionsOfBest);
}

// A value that is not finite ends a run, but of a sweep only the point: that its rate is too large is what is asked.
bool Trainer::losesPoint(const Status &status) {
  if (train.sweeps.empty() || (status.site() == 0 && !diverged))
    return false;
  diverged = false;
  SweepState &state = train.sweeps.back();
  shown.note(format("point {} is lost: {}", state.point + 1, status.message()));
  state.lost = true;
  const std::vector<OrderItem> &order = session.manifest.order;
  while (order[train.item].kind != OrderItem::SweepJudge || order[train.item].index != state.sweep)
    ++train.item;
  train.stage = StageState();
  train.inStage = false;
  train.mainline.clear();
  restore(state.start);
  passes.clear();
  return true;
}

// "usps.test (lr 0.01, trade 1)": where several points evaluate the same.
std::string Trainer::atPoint(const std::string &name) const {
  return train.sweeps.empty() ? name : name + " (" + pointsText() + ")";
}

// Of all sweeps that are under way.
std::string Trainer::pointsText() const {
  std::string points;
  for (const SweepState &state : train.sweeps)
    points += (points.empty() ? "" : ", ") + pointText(session.manifest, state.sweep, state.point);
  return points;
}

} // namespace xfer::rt
