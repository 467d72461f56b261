//===- XferOps.td - ops of the pipeline -------------------------------------------------------------------------===//

#ifndef XFER_DIALECT_XFER_IR_XFEROPS
#define XFER_DIALECT_XFER_IR_XFEROPS

include "compiler/Dialect/Xfer/IR/XferAttributes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"

class Xfer_Op<string mnemonic, list<Trait> traits = []>
    : Op<Xfer_Dialect, mnemonic, !listconcat(traits, [HasParent<"::mlir::ModuleOp">])> {
  let hasVerifier = 1;
}

class Xfer_ArrayOf<Attr attr, string what> : TypedArrayAttrBase<attr, "list of " # what>;

def Xfer_Fields : Xfer_ArrayOf<Xfer_FieldAttr, "fields">;
def Xfer_Reads : Xfer_ArrayOf<Xfer_ReadAttr, "reads">;
def Xfer_Splits : Xfer_ArrayOf<Xfer_SplitAttr, "splits">;
def Xfer_HiddenFields : Xfer_ArrayOf<Xfer_HiddenAttr, "hidden fields">;
def Xfer_Sources : Xfer_ArrayOf<Xfer_SourceAttr, "sources">;
def Xfer_Phases : Xfer_ArrayOf<Xfer_PhaseAttr, "phases">;
def Xfer_Periodics : Xfer_ArrayOf<Xfer_PeriodicAttr, "periodic passes">;
def Xfer_Watches : Xfer_ArrayOf<Xfer_WatchAttr, "figures to watch">;
def Xfer_Axes : Xfer_ArrayOf<Xfer_AxisAttr, "axes of a sweep">;
def Xfer_Figures : Xfer_ArrayOf<Xfer_FigureAttr, "figures">;
def Xfer_Reports : Xfer_ArrayOf<Xfer_ReportAttr, "reports">;
def Xfer_LoadRules : Xfer_ArrayOf<Xfer_LoadRuleAttr, "rules for keys of a weight file">;

def Xfer_Bounds : Xfer_ArrayOf<Xfer_BoundAttr, "bounds">;

def Xfer_OptionOp : Xfer_Op<"option"> {
  let summary = "an option of the compiled program";
  let description = [{
    A `param` of the program: `--NAME VALUE`. Constraints:
    - (C1) `kind` is `float`, `int`, `bool` or `string`; `default` is of that kind.

    ```mlir
    xfer.option "lr" : float = 1.000000e-02 : f64 help "learning rate"
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$kind, AnyAttr:$default_value, OptionalAttr<StrAttr>:$help,
                       OptionalAttr<Xfer_Bounds>:$bounds);
  let assemblyFormat = "$name `:` custom<Word>($kind) `=` $default_value (`help` $help^)? (`bounds` $bounds^)? attr-dict";
}

def Xfer_ParameterOp : Xfer_Op<"parameter"> {
  let summary = "a trainable tensor under its stable dotted path";
  let description = [{
    `layout` says how other frameworks store it: `plain` (alike), `matrix` ([in, out] here, [out, in] there), `filter`
    ([*window, in, out] here, [out, in, *window] there). `initial` describes where its first value comes from; a pass at
    `init` computes it, unless `value` holds it. Constraints:
    - (C1) the type has static extents;
    - (C2) the layout is one of the three, and fits the rank.

    ```mlir
    xfer.parameter "net.trunk.conv1.weight" : tensor<5x5x1x20xf32> layout "filter" initial "kaiming_uniform"
    ```
  }];
  let arguments = (ins StrAttr:$name, TypeAttrOf<AnyRankedTensor>:$type, DefaultValuedAttr<StrAttr, "\"plain\"">:$layout,
                       OptionalAttr<StrAttr>:$initial, OptionalAttr<ElementsAttr>:$value);
  let assemblyFormat = "$name `:` $type (`layout` $layout^)? (`initial` $initial^)? (`value` $value^)? attr-dict";
}

def Xfer_StateOp : Xfer_Op<"state"> {
  let summary = "a tensor that is not trained: statistics, moments, counters";
  let description = [{
    `owner` is `module`, `program` or `stage:NAME`. A pass at `init`, or the `init` and `before` of the stage, computes
    the first value, unless `value` holds it. Constraints:
    - (C1) the type has static extents, but for a first one with a symbol: a row for each sample of that split, whose
      owner is no module; functions read and write the rows of a batch as `rows`, all at once as `state`;
    - (C2) the owner is one of the three, and the stage exists.

    ```mlir
    xfer.state "net.norm.running_mean" : tensor<16xf32> owner "module"
    ```
  }];
  let arguments = (ins StrAttr:$name, TypeAttrOf<AnyRankedTensor>:$type, StrAttr:$owner, OptionalAttr<ElementsAttr>:$value);
  let assemblyFormat = "$name `:` $type `owner` $owner (`value` $value^)? attr-dict";
}

def Xfer_LoadOp : Xfer_Op<"load"> {
  let summary = "a weight file that gives parameters and module states below a path their first values";
  let description = [{
    `file` is the name of a weight file or #xfer.param of an option that holds it; `layout` says how weights lie in one
    that does not say it itself, `keras`, or as PyTorch has them where it is empty. The first of the `rules` that
    matches a key decides; a key that none matches stands for the path of its own name below `into`. `added` lists
    paths below `into` that the file may lack, because a rewriting put their modules there. Loads run in text order after
    the passes at `init`; MANIFEST.md (Loads) says what must fit. `content` is there when the program takes the file
    along; without it the file is looked up when the program runs. Constraints:
    - (C1) the file is a string or a string option;
    - (C2) a key has balanced, unnested braces, and its target no `*`, one, or as many as the key has wildcards;
    - (C3) there is a parameter or a module's state below `into`, and `added` lists such;
    - (C4) only a file that is named by a string has `content`, at a multiple of 64;
    - (C5) the layout is empty or `keras`; a rule that drops transposes nothing.

    ```mlir
    xfer.load "resnet18.safetensors" into "net.trunk" rules [#xfer.load_rule<"fc.*">]
    ```
  }];
  let arguments = (ins AnyAttr:$file, StrAttr:$into, DefaultValuedAttr<Xfer_LoadRules, "{}">:$rules,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$added, DefaultValuedAttr<StrAttr, "\"\"">:$layout,
                       OptionalAttr<Xfer_ContentAttr>:$content);
  let assemblyFormat = [{ $file `into` $into (`rules` $rules^)? (`added` $added^)? (`layout` $layout^)?
                          (`content` $content^)? attr-dict }];
}

def Xfer_TokenizerOp : Xfer_Op<"tokenizer"> {
  let summary = "how text becomes numbers, when the data is read";
  let description = [{
    `rule` is `words`, `pieces` (WordPiece) or `characters`; a token's number is its place in `vocabulary`. A text has
    `at_most` tokens, or, if `exact`, that many. `first` and `last`, if not -1, are put around it. MANIFEST.md
    (Tokenizers) has the rules. Constraints:
    - (C1) the rule is one of the three; `at_most` is positive;
    - (C2) the vocabulary is not empty, and `first` and `last` are in it.

    ```mlir
    xfer.tokenizer "tokens0" words at_most 60 ["[UNK]", "good", "film"]
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$rule, I64Attr:$at_most, UnitAttr:$exact, UnitAttr:$lower,
                       DefaultValuedAttr<I64Attr, "-1">:$first, DefaultValuedAttr<I64Attr, "-1">:$last,
                       StrArrayAttr:$vocabulary);
  let assemblyFormat = [{
    $name custom<Word>($rule) `at_most` $at_most (`exact` $exact^)? (`lower` $lower^)? (`first` $first^)?
    (`last` $last^)? $vocabulary attr-dict
  }];
}

def Xfer_DomainOp : Xfer_Op<"domain"> {
  let summary = "samples with fields, where they come from and how they are split";
  let description = [{
    Constraints:
    - (C1) names of fields and of splits are unique;
    - (C2) a split is `of` `all`, of one that is read, or of an earlier one, and 0 <= low < high <= 1, or numbers of samples of each value of `within`;
    - (C3) a hidden field is a field.

    ```mlir
    xfer.domain "usps" fields [#xfer.field<"image", "u8" shape = [16, 16, 1]>, #xfer.field<"label", "i32" classes = 10>]
      reads [#xfer.read<"", "idx", {image = "i.gz", label = "l.gz"}>]
      splits [#xfer.split<"train", of = "all", low = 0.0 : f64, high = 9.0e-01 : f64>]
      hidden [#xfer.hidden<"label", "train">]
    ```
  }];
  let arguments = (ins StrAttr:$name, Xfer_Fields:$fields, Xfer_Reads:$reads,
                       DefaultValuedAttr<Xfer_Splits, "{}">:$splits, DefaultValuedAttr<Xfer_HiddenFields, "{}">:$hidden);
  let assemblyFormat = "$name `fields` $fields `reads` $reads (`splits` $splits^)? (`hidden` $hidden^)? attr-dict";
}

def Xfer_SiteOp : Xfer_Op<"site"> {
  let summary = "a numbered place of the program; its location is the place in the source";
  let description = [{
    A status of the runtime carries the number. Constraints:
    - (C1) sites are numbered from 1 in the order of the module (0 means success).

    ```mlir
    xfer.site 1 "the loss 'task' is not finite"
    ```
  }];
  let arguments = (ins I64Attr:$number, StrAttr:$text);
  let assemblyFormat = "$number $text attr-dict";
}

def Xfer_PassOp : Xfer_Op<"pass"> {
  let summary = "everything that is computed outside a training step, in evaluation mode";
  let description = [{
    `function` computes results (`param`, `state`, `hoisted`, `output`, `check`) from parameters and, by `batch`
    arguments with a symbolic leading extent, from whole splits of the `sources`. The pass `cut-whole` gives each source
    the function `rows`, which turns a batch into rows of `whole` values; `function` then takes those. `at` says when it
    runs by itself: `launch`, `init` or `load`; without `at` others name it. Constraints:
    - (C1) source names are unique, batches positive; domains, splits and what samplers go by exist;
    - (C2) there is a function or a source with `rows`;
    - (C3) `at` is one of the three.

    ```mlir
    xfer.pass "parameters" at "init" function @init
    xfer.pass "test" sources [#xfer.source<"usps", domain = "usps", split = "test", batch = 256>] function @test
    ```
  }];
  let arguments = (ins StrAttr:$name, OptionalAttr<StrAttr>:$at, DefaultValuedAttr<Xfer_Sources, "{}">:$sources,
                       OptionalAttr<FlatSymbolRefAttr>:$function);
  let assemblyFormat = "$name (`at` $at^)? (`sources` $sources^)? (`function` $function^)? attr-dict";
}

def Xfer_StageOp : Xfer_Op<"stage"> {
  let summary = "training: sources, step functions by phase, length, and which model it leaves";
  let description = [{
    `epochs` and `steps` are an integer, #xfer.param or #xfer.figure. A run does `init`, `before` (names of passes), the
    steps, the restore of `keep`, `after`; `periodic` before the first step concerned. `epoch_by` names the source that
    sets the length of an epoch (default: the one with most batches). `watch_over` and `stop` are computed after each
    epoch; a `stop` that is not 0 ends the stage. `key` (default: the name) goes into random keys. `memory` is the most
    bytes that the stage may need; where a fused location is given, its last part is the place of that clause.
    Constraints:
    - (C1) source names are unique, batches positive; domains, splits and what samplers go by exist;
    - (C2) there is a phase, and just the last one has no `until`;
    - (C3) one of `epochs` and `steps`;
    - (C4) `keep` other than `last` has a figure; the passes of all figures exist;
    - (C5) `from` names a stage.

    ```mlir
    xfer.stage "adapt" sources [#xfer.source<"mnist", domain = "mnist", split = "all", batch = 64>]
      phases [#xfer.phase<@adapt.step0 until_epoch = 1>, #xfer.phase<@adapt.step1>] epochs #xfer.param<"epochs">
      keep #xfer.keep<"last"> watch ["task", "align"]
    ```
  }];
  let arguments = (ins StrAttr:$name, Xfer_Sources:$sources, Xfer_Phases:$phases, OptionalAttr<AnyAttr>:$epochs,
                       OptionalAttr<AnyAttr>:$steps, OptionalAttr<StrAttr>:$epoch_by,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$init, DefaultValuedAttr<StrArrayAttr, "{}">:$before,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$after, DefaultValuedAttr<Xfer_Periodics, "{}">:$periodic,
                       OptionalAttr<Xfer_KeepAttr>:$keep, OptionalAttr<Xfer_FigureAttr>:$stop,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$watch, DefaultValuedAttr<Xfer_Watches, "{}">:$watch_over,
                       OptionalAttr<StrAttr>:$key, OptionalAttr<StrAttr>:$from, OptionalAttr<I64Attr>:$memory_limit);
  let assemblyFormat = [{
    $name `sources` $sources `phases` $phases (`epochs` $epochs^)? (`steps` $steps^)? (`epoch_by` $epoch_by^)?
    (`init` $init^)? (`before` $before^)? (`after` $after^)? (`periodic` $periodic^)? (`keep` $keep^)? (`stop` $stop^)?
    (`watch` $watch^)? (`watch_over` $watch_over^)? (`key` $key^)? (`from` $from^)? (`memory` $memory_limit^)? attr-dict
  }];
}

def Xfer_BaselineOp : Xfer_Op<"baseline"> {
  let summary = "a reference that evaluations are compared with";
  let description = [{
    With `runs` there is a stage of this name, which starts from the model as the stage `of` found it. Without, the
    reference is the model as the stage `of` left it. Constraints:
    - (C1) the stage `of` exists, and with `runs` the stage of its own name.

    ```mlir
    xfer.baseline "source_only" of "adapt" runs
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$of, UnitAttr:$runs);
  let assemblyFormat = "$name `of` $of (`runs` $runs^)? attr-dict";
}

def Xfer_EvaluationOp : Xfer_Op<"evaluation"> {
  let summary = "what is reported of a pass";
  let description = [{
    Constraints:
    - (C1) the pass exists;
    - (C2) a report's kind is `value` or `gain` of an output of the pass, or `rows` of a whole value of it, of which
      `truth`, too, is one;
    - (C3) a baseline that is named exists;
    - (C4) `features` are whole values of passes of one source: what the page of a run shows of a domain's samples. They
      are wanted only where they are computed sample by sample.

    ```mlir
    xfer.evaluation "usps.test" pass "test" reports [#xfer.report<"accuracy", "value", "accuracy">]
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$pass, Xfer_Reports:$reports, OptionalAttr<Xfer_Figures>:$features);
  let assemblyFormat = "$name `pass` $pass `reports` $reports (`features` $features^)? attr-dict";
}

def Xfer_ExportOp : Xfer_Op<"export"> {
  let summary = "a function that the finished program offers: `predict`, and the C API";
  let description = [{
    Inputs and outputs are declared a sample; the function binds them as `input` and `output` with the leading extent
    `batch`. Constraints:
    - (C1) the batch is positive and every input and output is bound by the function.

    ```mlir
    xfer.export "reader" @export.reader inputs [#xfer.field<"image", "u8" shape = [16, 16, 1]>]
      outputs [#xfer.field<"value", "f32" shape = [10] tag = "prob">] batch 256 like "usps"
    ```
  }];
  let arguments = (ins StrAttr:$name, FlatSymbolRefAttr:$function, Xfer_Fields:$inputs, Xfer_Fields:$outputs,
                       I64Attr:$batch, OptionalAttr<StrAttr>:$domain);
  let assemblyFormat =
    "$name $function `inputs` $inputs `outputs` $outputs `batch` $batch (`like` $domain^)? attr-dict";
}

class Xfer_ActingOp<string mnemonic, list<Trait> traits = []>
    : Op<Xfer_Dialect, mnemonic, !listconcat(traits, [ParentOneOf<["::mlir::ModuleOp", "RepeatOp", "SweepOp"]>])>;

def Xfer_RunOp : Xfer_ActingOp<"run"> {
  let summary = "does something at this place of the program's order: `stage`, `pass` or `evaluation`";
  let description = [{
    The acting ops of the module, in text order, are the program. A stage may run several times.

    ```mlir
    xfer.run stage "adapt"
    xfer.run evaluation "usps.test"
    ```
  }];
  let arguments = (ins StrAttr:$kind, StrAttr:$name);
  let assemblyFormat = "custom<Word>($kind) $name attr-dict";
  let hasVerifier = 1;
}

def Xfer_RepeatOp : Xfer_ActingOp<"repeat", [SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "does its body several times";
  let arguments = (ins ConfinedAttr<I64Attr, [IntPositive]>:$count);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$count $body attr-dict";
}

def Xfer_SweepOp : Xfer_ActingOp<"sweep", [SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "does its body at every point of a grid of options, and leaves the best point's model";
  let description = [{
    The last axis runs fastest. Each point starts from the model as it was before; `keep` judges what it left.
    Constraints:
    - (C1) there is an axis, each has values, and its option is a float, int or bool;
    - (C2) `keep` is `best` or `least` by a figure of a pass that exists.

    ```mlir
    xfer.sweep [#xfer.axis<"lr", [1.0e-02, 3.0e-02]>] keep #xfer.keep<"best" by = #xfer.figure<"judge", "value">> {
      xfer.run stage "adapt"
    }
    ```
  }];
  let arguments = (ins Xfer_Axes:$axes, Xfer_KeepAttr:$keep);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$axes `keep` $keep $body attr-dict";
  let hasVerifier = 1;
}

#endif
