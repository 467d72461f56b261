#include "compiler/Schedule/ContractionForm.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace xfer;

/// Elements of a staged copy that still fit onto the stack of a thread; a larger image is read in place, row by row.
static constexpr int64_t maximalStage = 1 << 18;

int64_t ContractionForm::outerProduct() const {
  int64_t product = 1;
  for (unsigned i : outer)
    product *= axis(i).extent;
  return product;
}

int64_t ContractionForm::reductionProduct() const {
  int64_t product = 1;
  for (unsigned i : reductions)
    product *= axis(i).extent;
  return product;
}

int64_t ContractionForm::stagedElements(int64_t count) const {
  return staged.empty() ? 0 : staged.front().pitch * staged.front().places(count);
}

int64_t ContractionForm::packedElements(int64_t lanes) const {
  if (!pack)
    return 0;
  int64_t product = alignTo(columns(), lanes);
  for (const PackedAxis &axis : packed)
    product *= axis.extent;
  return product;
}

/// True if every place that the window reaches lies inside of the image.
static bool isInside(const ContractionProblem &problem, const ContractionWindow &window) {
  int64_t taps = problem.axes[window.tap].extent, outers = problem.axes[window.outer].extent;
  if (taps == 0 || outers == 0)
    return true;
  int64_t last = (outers - 1) * window.outerStep + std::max<int64_t>(0, (taps - 1) * window.tapStep) - window.low;
  return window.first(0, taps) >= 0 && last < window.extent;
}

static bool inWindow(const ContractionProblem &problem, unsigned axis) {
  return any_of(problem.windows, [&](const ContractionWindow &w) { return w.outer == axis || w.tap == axis; });
}

/// The last parallel axis whose elements are neighbours in the result. Of a convolution no spatial axis, and groups
/// only where a group is one channel on both sides (depthwise). `padded`: taps reach beyond the lhs; as that is told of
/// the lhs alone, it stays the lhs, so that no axis that only it has can be the column.
static unsigned chooseColumn(const ContractionProblem &problem, bool convolution, bool padded) {
  unsigned last = 0;
  std::optional<unsigned> column;
  for (auto [i, axis] : enumerate(problem.axes)) {
    if (axis.reduction)
      continue;
    last = i;
    bool groups = axis.lhs != 0 && axis.rhs != 0 && (axis.lhs != 1 || axis.rhs != 1);
    if (axis.result == 1 && axis.extent > 1 && !(convolution && (groups || inWindow(problem, i))) &&
        !(padded && axis.rhs == 0))
      column = i;
  }
  return column.value_or(last);
}

static void swapOperands(ContractionForm &form) {
  for (ContractionAxis &axis : form.problem.axes)
    std::swap(axis.lhs, axis.rhs);
  std::swap(form.problem.lhsOffset, form.problem.rhsOffset);
  form.swapped = true;
}

/// Sums along a contiguous reduction axis pay where vectors of columns would be nearly empty, or would need a
/// transposed copy of the rhs that too few rows share.
static bool prefersDot(const ContractionForm &form, int64_t lanes) {
  const ContractionAxis &column = form.axis(form.column);
  if (column.lhs != 0 && column.extent > 1)
    return false;
  bool contiguous = false;
  int64_t sharing = 1;
  for (auto [i, axis] : enumerate(form.problem.axes)) {
    contiguous |= axis.reduction && axis.lhs == 1 && axis.rhs == 1 && axis.extent >= 4 && !inWindow(form.problem, i);
    if (!axis.reduction && axis.rhs == 0)
      sharing *= axis.extent;
  }
  bool transposed = column.extent > 1 && column.rhs != 1;
  return contiguous && (column.extent * 4 <= lanes || (transposed && sharing < 16));
}

/// Replaces the lhs by the copy with zeros around it. The last window needs no further care; along the others, taps
/// that would read nothing but zeros are still left out.
static void stageLhs(ContractionForm &form) {
  ContractionProblem &problem = form.problem;
  form.stage = true;
  form.stageOffset = problem.lhsOffset;
  for (auto [i, axis] : enumerate(problem.axes))
    if (!inWindow(problem, i)) {
      bool run = axis.lhs == 1 && axis.extent > 1 && (axis.reduction || i == form.column);
      if (run)
        form.stagedRun = axis.extent;
      else
        axis.source = std::exchange(axis.lhs, 0);
    }
  int64_t pitch = form.stagedRun;
  for (const ContractionWindow &window : reverse(problem.windows)) {
    ContractionAxis &outer = problem.axes[window.outer], &tap = problem.axes[window.tap];
    StagedAxis staged{window.lhsStride, window.extent, pitch,
                      window.outerStep, window.low,    std::max<int64_t>(tap.extent - 1, 0) * window.tapStep,
                      outer.extent};
    outer.lhs = window.outerStep * pitch;
    tap.lhs = window.tapStep * pitch;
    pitch *= staged.places(outer.extent);
    form.stageOffset += window.low * window.lhsStride;
    form.staged.insert(form.staged.begin(), staged);
  }
  form.stageBlock = problem.windows.front().outer;
  problem.lhsOffset = 0;
  problem.windows.pop_back();
}

/// Whether to give every tap of the last window its own rows: all rows fit into a tile, and one in fifteen products or
/// more would be with a zero.
static bool prefersRowCut(const ContractionForm &form, int64_t tileRows) {
  if (form.dot || form.lhsVector || form.scalar)
    return false;
  const ContractionWindow &window = form.problem.windows.back();
  int64_t rows = form.axis(window.outer).extent, taps = form.axis(window.tap).extent, met = 0;
  if (rows > tileRows || rows < 4)
    return false;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t tap = 0; tap < taps; ++tap) {
      int64_t place = row * window.outerStep + tap * window.tapStep - window.low;
      met += place >= 0 && place < window.extent;
    }
  return met * 15 <= rows * taps * 14;
}

/// Replaces the rhs by its copy in panels of columns.
static void packRhs(ContractionForm &form, int64_t lanes) {
  ContractionProblem &problem = form.problem;
  form.pack = true;
  form.packOffset = std::exchange(problem.rhsOffset, 0);
  form.packSourceColumn = form.axis(form.column).rhs;
  for (auto [i, axis] : enumerate(problem.axes))
    if (axis.reduction || (axis.rhs != 0 && i != form.column))
      form.packed.push_back({axis.rhs, axis.extent, axis.reduction});
  int64_t rows = 1;
  for (ContractionAxis &axis : reverse(problem.axes))
    if (axis.reduction) {
      axis.rhs = rows;
      rows *= axis.extent;
    }
  int64_t whole = rows * alignTo(form.columns(), lanes);
  for (unsigned i = problem.axes.size(); i-- > 0;)
    if (ContractionAxis &axis = problem.axes[i]; !axis.reduction && axis.rhs != 0 && i != form.column) {
      axis.rhs = whole;
      whole *= axis.extent;
    }
  problem.axes[form.column].rhs = 1;
}

/// Gives every axis that the form names its new number.
static void renumberAxes(ContractionForm &form, function_ref<void(unsigned &)> renumber) {
  for (ContractionWindow &window : form.problem.windows) {
    renumber(window.outer);
    renumber(window.tap);
  }
  for (ResultCoordinate &coordinate : form.problem.coordinates)
    for (CoordinateTerm &term : coordinate.terms)
      renumber(term.axis);
  renumber(form.column);
  if (form.stageBlock)
    renumber(*form.stageBlock);
}

/// Removes axis `i`, to whose terms `rewrite` has seen already.
static void removeAxis(ContractionForm &form, unsigned i) {
  form.problem.axes.erase(form.problem.axes.begin() + i);
  renumberAxes(form, [i](unsigned &axis) { axis -= axis > i; });
}

static void dropUnitAxes(ContractionForm &form) {
  for (unsigned i = form.problem.axes.size(); i-- > 0;) {
    if (form.axis(i).extent != 1 || i == form.column || inWindow(form.problem, i))
      continue;
    for (ResultCoordinate &coordinate : form.problem.coordinates)
      erase_if(coordinate.terms, [&](const CoordinateTerm &term) { return term.axis == i; });
    if (form.stageBlock == i)
      form.stageBlock = std::nullopt;
    removeAxis(form, i);
  }
}

static bool composes(const ContractionAxis &outer, const ContractionAxis &inner) {
  return outer.reduction == inner.reduction && outer.lhs == inner.extent * inner.lhs &&
         outer.rhs == inner.extent * inner.rhs && outer.result == inner.extent * inner.result &&
         outer.source == inner.extent * inner.source;
}

/// Makes axis `from` the one at `to`, behind those that were between.
static void moveInward(ContractionForm &form, unsigned from, unsigned to) {
  auto begin = form.problem.axes.begin();
  std::rotate(begin + from, begin + from + 1, begin + to + 1);
  renumberAxes(form, [=](unsigned &axis) { axis = axis == from ? to : axis - (axis > from && axis <= to); });
}

/// A tile of one vector loads a scalar for every multiply-add. With the taps along its rows innermost, and unrolled,
/// row r at tap t reads what row r + 1 reads at tap t - 1.
static void moveTapsInnermost(ContractionForm &form) {
  ContractionProblem &problem = form.problem;
  std::optional<unsigned> last;
  for (auto [i, axis] : enumerate(problem.axes))
    if (axis.reduction && axis.extent > 1 && !inWindow(problem, i))
      last = i;
  auto isTapOfRow = [&](unsigned i) {
    const ContractionAxis &tap = problem.axes[i];
    return tap.reduction && tap.extent > 1 && tap.extent <= 5 && tap.lhs != 0 && !inWindow(problem, i) &&
           any_of(enumerate(problem.axes), [&](auto entry) {
             const ContractionAxis &row = entry.value();
             return !row.reduction && row.rhs == 0 && row.lhs == tap.lhs && row.extent > 1 &&
                    !inWindow(problem, entry.index());
           });
  };
  for (unsigned i = 0; last && i < *last; ++i)
    if (isTapOfRow(i))
      return moveInward(form, i, *last);
}

/// Merges axis i into axis i + 1 wherever one index can count both.
static void mergeAxes(ContractionForm &form) {
  ContractionProblem &problem = form.problem;
  for (unsigned i = problem.axes.size(); i-- > 0;) {
    if (i + 1 >= problem.axes.size() || !composes(problem.axes[i], problem.axes[i + 1]) || i == form.column ||
        i + 1 == form.column || inWindow(problem, i) || inWindow(problem, i + 1) || form.stageBlock == i ||
        form.stageBlock == i + 1)
      continue;
    int64_t inner = problem.axes[i + 1].extent;
    for (ResultCoordinate &coordinate : problem.coordinates)
      for (CoordinateTerm &term : coordinate.terms) {
        if (term.axis == i + 1 && term.modulus == 0)
          term.modulus = inner / term.divisor;
        if (term.axis == i) {
          term.divisor *= inner;
          term.axis = i + 1;
        }
      }
    problem.axes[i + 1].extent *= problem.axes[i].extent;
    removeAxis(form, i);
  }
}

/// The axis whose sums share vectors of the rhs: the innermost one that is long enough, or else the longest.
static std::optional<unsigned> chooseRow(const ContractionForm &form) {
  std::optional<unsigned> row;
  for (unsigned i = form.problem.axes.size(); i-- > 0;) {
    const ContractionAxis &axis = form.axis(i);
    if (axis.reduction || axis.rhs != 0 || i == form.column || axis.source != 0 || inWindow(form.problem, i))
      continue;
    if (!row || (form.axis(*row).extent < 6 && axis.extent > form.axis(*row).extent))
      row = i;
  }
  return row;
}

ContractionForm xfer::contractionForm(const ContractionProblem &problem, const FormOptions &options) {
  int64_t lanes = options.lanes;
  ContractionForm form;
  form.problem = problem;
  if (all_of(problem.axes, [](const ContractionAxis &axis) { return axis.reduction; }))
    form.problem.axes.push_back({1, false, 0, 0, 1}); // one sum is one column
  ContractionProblem &p = form.problem;
  bool tapsReduce = any_of(p.windows, [&](const ContractionWindow &w) { return p.axes[w.tap].reduction; });
  bool padded = tapsReduce && !all_of(p.windows, [&](const ContractionWindow &w) { return isInside(p, w); });
  form.column = chooseColumn(p, options.convolution, padded);
  if (!padded)
    erase_if(p.windows, [&](const ContractionWindow &w) { return isInside(p, w); });
  if (form.axis(form.column).rhs == 0 && form.axis(form.column).lhs != 0)
    swapOperands(form);

  const ContractionAxis column = form.axis(form.column);
  bool vectorLhs = column.lhs != 0 && column.extent > 1;
  form.dot = prefersDot(form, lanes);
  form.scalar = !form.dot && vectorLhs && (column.lhs != 1 || (column.rhs != 1 && column.rhs != 0));
  form.lhsVector = !form.dot && vectorLhs;
  bool transposed = column.extent > 1 && column.rhs != 1;
  if (tapsReduce && !p.windows.empty() && prefersRowCut(form, options.tileRows)) {
    form.rowCut = p.windows.size() - 1;
  } else if (tapsReduce && !p.windows.empty()) {
    ContractionForm copied = form;
    stageLhs(copied);
    if (copied.stagedElements(1) <= maximalStage)
      form = std::move(copied);
  }
  if (options.tapsInnermost && !form.dot && !form.scalar && !vectorLhs && column.extent <= lanes)
    moveTapsInnermost(form);
  if (!form.dot && !form.scalar && (transposed || (options.pack && column.extent > 1)))
    packRhs(form, lanes);
  dropUnitAxes(form);
  mergeAxes(form);
  form.row = form.rowCut ? p.windows[*form.rowCut].outer : chooseRow(form);
  for (auto [i, axis] : enumerate(p.axes)) {
    if (axis.reduction)
      form.reductions.push_back(i);
    else if (i != form.column && form.row != i)
      form.outer.push_back(i);
  }
  auto contiguous =
      find_if(form.reductions, [&](unsigned i) { return form.axis(i).lhs == 1 && form.axis(i).rhs == 1; });
  if (form.dot && contiguous != form.reductions.end())
    std::rotate(contiguous, contiguous + 1, form.reductions.end());
  return form;
}
