//===- XferAttributes.td - attributes of the pipeline -----------------------------------------------------------===//

#ifndef XFER_DIALECT_XFER_IR_XFERATTRIBUTES
#define XFER_DIALECT_XFER_IR_XFERATTRIBUTES

include "compiler/Dialect/Xfer/IR/XferDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class Xfer_Attr<string name, string attrMnemonic> : AttrDef<Xfer_Dialect, name> {
  let mnemonic = attrMnemonic;
}

// The kinds are those of the manifest (runtime/include/xfer/rt/MANIFEST.md), where each is described.
def Xfer_BindKind : I32Enum<"BindKind", "where an argument comes from, or where a result goes", [
    I32EnumCase<"Param", 0, "param">,       // PATH: a parameter
    I32EnumCase<"State", 1, "state">,       // PATH: a state
    I32EnumCase<"Batch", 2, "batch">,       // "source.field": the leading extent is the batch, or a whole split
    I32EnumCase<"Index", 3, "index">,       // "source": the numbers of the samples, i32[n]
    I32EnumCase<"Key", 4, "key">,           // "source": random keys a sample, i32[n, 4]
    I32EnumCase<"StepKey", 5, "stepkey">,   // "": the random key of the step, i32[4]
    I32EnumCase<"Option", 6, "option">,     // NAME: an option of the program
    I32EnumCase<"Counter", 7, "counter">,   // step, epoch, steps, epochs, progress, stale
    I32EnumCase<"Hoisted", 8, "hoisted">,   // ID: computed once by a launch, load or hoist pass
    I32EnumCase<"Whole", 9, "whole">,       // ID: a row a sample, materialised over a split
    I32EnumCase<"Column", 10, "column">,    // "source.field": a raw field of all samples
    I32EnumCase<"Extent", 11, "extent">,    // DOMAIN.SPLIT: the number of its samples, as a value
    I32EnumCase<"Input", 12, "input">,      // NAME: an input of an export
    I32EnumCase<"Watch", 13, "watch">,      // NAME: a figure of the step
    I32EnumCase<"Check", 14, "check">,      // SITE: a value that must be finite
    I32EnumCase<"Field", 15, "field">,      // NAME: a field of a generated sample
    I32EnumCase<"Output", 16, "output">,    // NAME: a result of a pass or export
    I32EnumCase<"Sum", 17, "sum">,          // ID: a row a sample, of which the sum over a split is kept
    I32EnumCase<"Rows", 18, "rows">         // "PATH per SOURCE": of a state with a row a sample those of the samples
  ]> {
  let cppNamespace = "::xfer::pipeline";
}

def Xfer_BindAttr : Xfer_Attr<"Bind", "bind"> {
  let summary = "where a function's argument comes from, or where its result goes";
  let description = [{
    `#xfer.bind<param, "net.weight">`. The same kind and name on a result and an argument of one function means that
    the function replaces the value. `draw` numbers the batches of one step (`repeat k fresh`). `views`, of a key, says
    that a sample has so many keys, which take turns from epoch to epoch; 0: another one in each epoch.
  }];
  let parameters = (ins EnumParameter<Xfer_BindKind>:$kind, StringRefParameter<"what it is bound to">:$name,
                        DefaultValuedParameter<"int64_t", "0">:$draw, DefaultValuedParameter<"int64_t", "0">:$views);
  let assemblyFormat = "`<` $kind `,` $name (`draw` `=` $draw^)? (`views` `=` $views^)? `>`";
  let builders = [AttrBuilder<(ins "::xfer::pipeline::BindKind":$kind, "::llvm::StringRef":$name), [{
    return $_get($_ctxt, kind, name, 0, 0);
  }]>];
}

def Xfer_OptionRefAttr : Xfer_Attr<"OptionRef", "param"> {
  let summary = "the value of an option, where a number or string may stand";
  let parameters = (ins StringRefParameter<>:$name);
  let assemblyFormat = "`<` $name `>`";
}

def Xfer_FigureAttr : Xfer_Attr<"Figure", "figure"> {
  let summary = "an output of a pass";
  let parameters = (ins StringRefParameter<>:$pass, StringRefParameter<>:$output);
  let assemblyFormat = "`<` $pass `,` $output `>`";
}

def Xfer_WatchAttr : Xfer_Attr<"Watch", "watch"> {
  let summary = "a figure that is shown after each epoch, and the name it is shown under";
  let parameters = (ins StringRefParameter<>:$name, "::xfer::pipeline::FigureAttr":$figure);
  let assemblyFormat = "`<` $name `,` $figure `>`";
}

def Xfer_FieldAttr : Xfer_Attr<"Field", "field"> {
  let summary = "a field of a domain, or an input or output of an export";
  let description = [{
    `element` is the type of an element as the manifest names it: `u8 bool i32 f32 f64 bf16`; `tag` the language's tag
    (`class`, `prob`, `logits`, ...) or empty; `classes` the count of a class or token, else 0. `bound`, if not 0, says
    that the field is the length of a bounded dimension of so many entries. `text` names the field of text, and `tokens`
    the #xfer.tokenizer, that the runtime makes this field from: the numbers of its tokens, or without a shape how many
    there are.
  }];
  let parameters = (ins StringRefParameter<>:$name, StringRefParameter<>:$element,
                        OptionalArrayRefParameter<"int64_t">:$shape, DefaultValuedParameter<"int64_t", "0">:$classes,
                        OptionalParameter<"::mlir::StringAttr">:$tag, DefaultValuedParameter<"int64_t", "0">:$bound,
                        OptionalParameter<"::mlir::StringAttr">:$text, OptionalParameter<"::mlir::StringAttr">:$tokens);
  let assemblyFormat = [{
    `<` $name `,` $element (`shape` `=` `[` $shape^ `]`)? (`classes` `=` $classes^)? (`tag` `=` $tag^)?
    (`bound` `=` $bound^)? (`text` `=` $text^)? (`tokens` `=` $tokens^)? `>`
  }];
  let builders = [AttrBuilder<(ins "::llvm::StringRef":$name, "::llvm::StringRef":$element,
                                   "::llvm::ArrayRef<int64_t>":$shape, "int64_t":$classes, "::mlir::StringAttr":$tag), [{
    return $_get($_ctxt, name, element, shape, classes, tag, 0, ::mlir::StringAttr(), ::mlir::StringAttr());
  }]>];
}

def Xfer_ReadAttr : Xfer_Attr<"Read", "read"> {
  let summary = "where samples of a domain come from";
  let description = [{
    `split` is the name of what is read, empty where the clause names none. `reader` is a reader of the runtime with
    `arguments` (a dictionary of strings, numbers, booleans and #xfer.param), or `generate` with the arguments `count`
    (an integer, #xfer.param or #xfer.figure), `batch` and `function` (`index` and `key` of the source `""` to a
    `field` for each field).
  }];
  let parameters = (ins StringRefParameter<>:$split, StringRefParameter<>:$reader, "::mlir::DictionaryAttr":$arguments);
  let assemblyFormat = "`<` $split `,` $reader `,` $arguments `>`";
}

def Xfer_SplitAttr : Xfer_Attr<"Split", "split"> {
  let summary = "a part of a domain, by the hash of the sample's number or of the field `by`; or of each value of `within`";
  let description = [{`low` and `high` are shares, or with `counts` numbers of samples of each value of `within`.}];
  let parameters = (ins StringRefParameter<>:$name, StringRefParameter<>:$of, "::mlir::FloatAttr":$low,
                        "::mlir::FloatAttr":$high, OptionalParameter<"::mlir::StringAttr">:$by,
                        OptionalParameter<"::mlir::StringAttr">:$within,
                        DefaultValuedParameter<"bool", "false">:$counts);
  let assemblyFormat = [{
    `<` $name `,` `of` `=` $of `,` `low` `=` $low `,` `high` `=` $high (`by` `=` $by^)? (`within` `=` $within^)?
    (`counts` `=` $counts^)? `>`
  }];
}

def Xfer_HiddenAttr : Xfer_Attr<"Hidden", "hidden"> {
  let summary = "a field that training may not read; split empty: in every split";
  let parameters = (ins StringRefParameter<>:$field, StringRefParameter<>:$split);
  let assemblyFormat = "`<` $field `,` $split `>`";
}

def Xfer_SamplerAttr : Xfer_Attr<"Sampler", "sampler"> {
  let summary = "how the elements of a source's batches are drawn";
  let description = [{
    `kind` and what belongs to each kind stand in the manifest's page (Samplers). `symbol` is that of the number of rows
    that a pass draws. `weights` is a `whole` value of a pass. `#xfer.sampler<"groups", "user", size = 64>`
  }];
  let parameters = (ins StringRefParameter<>:$kind, StringRefParameter<"may be empty">:$field,
                        DefaultValuedParameter<"int64_t", "0">:$size, DefaultValuedParameter<"int64_t", "0">:$ways,
                        DefaultValuedParameter<"int64_t", "0">:$shots, DefaultValuedParameter<"int64_t", "0">:$queries,
                        DefaultValuedParameter<"int64_t", "0">:$count, OptionalParameter<"::mlir::StringAttr">:$symbol,
                        OptionalParameter<"::xfer::pipeline::FigureAttr">:$weights);
  let assemblyFormat = [{
    `<` $kind `,` $field (`size` `=` $size^)? (`ways` `=` $ways^)? (`shots` `=` $shots^)? (`queries` `=` $queries^)?
    (`count` `=` $count^)? (`symbol` `=` $symbol^)? (`weights` `=` $weights^)? `>`
  }];
}

def Xfer_SourceAttr : Xfer_Attr<"Source", "source"> {
  let summary = "a split that a stage or pass draws batches from, under the name that binds use";
  let description = [{
    `rows`, of a pass only, is the function that turns a batch into the rows of `whole` values (see `cut-whole`).
    With a `sampler`, `batch` counts its elements; where they are made of parts, binds name `source.part`.
  }];
  let parameters = (ins StringRefParameter<>:$name, StringRefParameter<>:$domain, StringRefParameter<>:$split,
                        "int64_t":$batch, OptionalParameter<"::mlir::FlatSymbolRefAttr">:$rows,
                        OptionalParameter<"::xfer::pipeline::SamplerAttr">:$sampler);
  let assemblyFormat = [{
    `<` $name `,` `domain` `=` $domain `,` `split` `=` $split `,` `batch` `=` $batch (`by` $sampler^)?
    (`rows` `=` $rows^)? `>`
  }];
}

def Xfer_PhaseAttr : Xfer_Attr<"Phase", "phase"> {
  let summary = "the step function of the epochs and steps below `until_epoch` and `until_step`; -1: to the end";
  let parameters = (ins "::mlir::FlatSymbolRefAttr":$function, DefaultValuedParameter<"int64_t", "-1">:$untilEpoch,
                        DefaultValuedParameter<"int64_t", "-1">:$untilStep,
                        OptionalParameter<"::mlir::ArrayAttr">:$hoist);
  let assemblyFormat = [{
    `<` $function (`until_epoch` `=` $untilEpoch^)? (`until_step` `=` $untilStep^)? (`hoist` `=` $hoist^)? `>`
  }];
}

def Xfer_PeriodicAttr : Xfer_Attr<"Periodic", "periodic"> {
  let summary = "a pass that runs before the first step of every `every` steps or epochs";
  let parameters = (ins StringRefParameter<>:$pass, "int64_t":$every, StringRefParameter<"steps or epochs">:$unit);
  let assemblyFormat = "`<` $pass `,` `every` `=` $every $unit `>`";
}

def Xfer_KeepAttr : Xfer_Attr<"Keep", "keep"> {
  let summary = "which model a stage leaves: `last`, or the `best` or `least` by a figure";
  let parameters = (ins StringRefParameter<>:$mode, OptionalParameter<"::xfer::pipeline::FigureAttr">:$by,
                        DefaultValuedParameter<"bool", "false">:$oracle);
  let assemblyFormat = "`<` $mode (`by` `=` $by^)? (`oracle` `=` $oracle^)? `>`";
}

def Xfer_AxisAttr : Xfer_Attr<"Axis", "axis"> {
  let summary = "an option that a sweep sets, and its values";
  let parameters = (ins StringRefParameter<>:$option, "::mlir::ArrayAttr":$values);
  let assemblyFormat = "`<` $option `,` $values `>`";
}

def Xfer_BoundAttr : Xfer_Attr<"Bound", "bound"> {
  let summary = "what an option must be, as a sentence and as limits: `least`, `most`, `above`, `below`";
  let description = [{
    A program that is given another value says the sentence and the value before it opens its data.
    `#xfer.bound<"the rate of adam is 0 or more", {least = 0.0}>`
  }];
  let parameters = (ins StringRefParameter<>:$rule, "::mlir::DictionaryAttr":$limits);
  let assemblyFormat = "`<` $rule `,` $limits `>`";
}

def Xfer_ReportAttr : Xfer_Attr<"Report", "report"> {
  let summary = "a figure of an evaluation: `value`, `gain` over a baseline, or `rows` of a whole value";
  let description = [{
    Rows may have a `tag`, which says what their numbers are, and may be compared with the rows `truth`, which are the
    field `labels` if that is given. Rows with a truth are wanted only where they are computed sample by sample.
    `#xfer.report<"predictions", "rows", "p" tag = "prob" truth = "y" labels = "label">`
  }];
  let parameters = (ins StringRefParameter<>:$name, StringRefParameter<>:$kind, StringRefParameter<>:$output,
                        OptionalParameter<"::mlir::StringAttr">:$baseline, OptionalParameter<"::mlir::StringAttr">:$tag,
                        OptionalParameter<"::mlir::StringAttr">:$truth, OptionalParameter<"::mlir::StringAttr">:$labels);
  let builders = [AttrBuilder<(ins "::llvm::StringRef":$name, "::llvm::StringRef":$kind, "::llvm::StringRef":$output), [{
    return $_get($_ctxt, name, kind, output, ::mlir::StringAttr(), ::mlir::StringAttr(), ::mlir::StringAttr(),
                 ::mlir::StringAttr());
  }]>];
  let assemblyFormat = [{
    `<` $name `,` $kind `,` $output (`over` `=` $baseline^)? (`tag` `=` $tag^)? (`truth` `=` $truth^)?
    (`labels` `=` $labels^)? `>`
  }];
}

def Xfer_LoadRuleAttr : Xfer_Attr<"LoadRule", "load_rule"> {
  let summary = "where the keys of a weight file that match go; without a target they are dropped";
  let description = [{
    In `key`, `*` stands for any characters and `{a, b}` for one of these. In `target`, a path below the load's `into`,
    the only `*` stands for what the wildcards matched, from the first to the last; several `*`, as many as the key has
    wildcards, stand for one each, in order; `[*]` for every index that there is.
    `transposed`: the file has the axes of these matrices the other way round than its layout says.
    `#xfer.load_rule<"module.*" -> "*">`, `#xfer.load_rule<"fc.*">`, `#xfer.load_rule<"c_fc.*" -> "*" transposed = true>`
  }];
  let parameters = (ins StringRefParameter<>:$key, OptionalParameter<"::mlir::StringAttr">:$target,
                        DefaultValuedParameter<"bool", "false">:$transposed);
  let assemblyFormat = "`<` $key (`->` $target^)? (`transposed` `=` $transposed^)? `>`";
}

def Xfer_ContentAttr : Xfer_Attr<"Content", "content"> {
  let summary = "where a file lies among those that the program takes along, and what it holds";
  let description = [{
    `offset` counts from the first of these files, `hash` is XXH64 of the `bytes` bytes as 16 hexadecimal digits.
    `#xfer.content<0, 4096, "0123456789abcdef">`
  }];
  let parameters = (ins "int64_t":$offset, "int64_t":$bytes, StringRefParameter<>:$hash);
  let assemblyFormat = "`<` $offset `,` $bytes `,` $hash `>`";
}

#endif
