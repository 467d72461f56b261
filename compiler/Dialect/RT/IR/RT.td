//===- RT.td - calls of the runtime and views of its buffers ----------------------------------------------------===//

#ifndef XFER_DIALECT_RT_IR_RT
#define XFER_DIALECT_RT_IR_RT

include "mlir/Dialect/LLVMIR/LLVMTypes.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def RT_Dialect : Dialect {
  let name = "rt";
  let cppNamespace = "::xfer::rtir";
  let summary = "Calls of the runtime's ABI and views of its buffers";
  let description = [{
    What a function of the compiled program does, in the terms of `runtime/include/xfer/rt/abi.h`: one op for each entry
    of `entries.def`, and the few that turn buffers, arena, constants and extents into addresses and numbers. A function
    has the signature of `xfer_function_t`:

    ```mlir
    func.func @step(%context: !llvm.ptr, %queue: i16, %buffers: !llvm.ptr, %arena: !llvm.ptr, %extents: !llvm.ptr) -> i32 {
      %x = rt.buffer %buffers[0]
      %y = rt.buffer %buffers[1]
      %chunks = arith.constant 4 : i64
      %status = rt.parallel @kernel(%x, %y) chunks %chunks extents %extents in %context on %queue
      rt.check %status
      %ok = arith.constant 0 : i32
      return %ok : i32
    }
    ```

    Addresses are `!llvm.ptr`: types and extents are gone. An op of an entry gives the entry's status; `rt.check` ends the
    function with a status that is not 0.
  }];
}

class RT_Op<string mnemonic, list<Trait> traits = []> : Op<RT_Dialect, mnemonic, traits>;

// Addresses are in the default address space, so that no op needs to print their type.
def Address : Type<CPred<"$_self == ::mlir::LLVM::LLVMPointerType::get($_self.getContext())">, "address",
                   "::mlir::LLVM::LLVMPointerType">,
              BuildableType<"::mlir::LLVM::LLVMPointerType::get($_builder.getContext())">;

def RT_BufferOp : RT_Op<"buffer", [Pure]> {
  let summary = "The address of the function's buffer number `index`, or of the arena (index 0 of its own pointer)";
  let arguments = (ins Address:$buffers, I64Attr:$index);
  let results = (outs Address:$address);
  let assemblyFormat = "$buffers `[` $index `]` attr-dict";
  let builders = [OpBuilder<(ins "::mlir::Value":$buffers, "int64_t":$index),
    "build($_builder, $_state, ::mlir::LLVM::LLVMPointerType::get($_builder.getContext()), buffers, index);">];
}

def RT_ExtentOp : RT_Op<"extent", [Pure]> {
  let summary = "The value of the function's dynamic extent number `index`";
  let arguments = (ins Address:$extents, I64Attr:$index);
  let results = (outs I64:$value);
  let assemblyFormat = "$extents `[` $index `]` attr-dict";
}

def RT_SelectExtentsOp : RT_Op<"select_extents", [Pure]> {
  let summary = "The values of some of the function's dynamic extents, in another order, as a kernel expects them";
  let arguments = (ins Address:$extents, DenseI64ArrayAttr:$indices);
  let results = (outs Address:$address);
  let assemblyFormat = "$extents $indices attr-dict";
}

def RT_OffsetOp : RT_Op<"offset", [Pure]> {
  let summary = "The address `bytes` after `base`";
  let arguments = (ins Address:$base, I64:$bytes);
  let results = (outs Address:$address);
  let assemblyFormat = "$base `,` $bytes attr-dict";
  let builders = [OpBuilder<(ins "::mlir::Value":$base, "::mlir::Value":$bytes),
    "build($_builder, $_state, ::mlir::LLVM::LLVMPointerType::get($_builder.getContext()), base, bytes);">];
}

def RT_ConstantOp : RT_Op<"constant", [Pure]> {
  let summary = "The address of a place in the program's constants";
  let arguments = (ins I64Attr:$offset);
  let results = (outs Address:$address);
  let assemblyFormat = "$offset attr-dict";
  let builders = [OpBuilder<(ins "int64_t":$offset),
    "build($_builder, $_state, ::mlir::LLVM::LLVMPointerType::get($_builder.getContext()), offset);">];
}

def RT_CopyOp : RT_Op<"copy", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Copies `bytes` bytes; the two places do not overlap unless they are the same";
  let arguments = (ins Address:$target, Address:$source, I64:$bytes);
  let assemblyFormat = "$source `to` $target `,` $bytes attr-dict";
}

def RT_ClearOp : RT_Op<"clear", [MemoryEffects<[MemWrite]>]> {
  let summary = "Sets `bytes` bytes to zero";
  let arguments = (ins Address:$target, I64:$bytes);
  let assemblyFormat = "$target `,` $bytes attr-dict";
}

def RT_StoreIndexOp : RT_Op<"store_index", [MemoryEffects<[MemWrite]>]> {
  let summary = "Writes the number of a loop's step as an i32";
  let arguments = (ins Address:$target, I64:$index);
  let assemblyFormat = "$index `to` $target attr-dict";
}

def RT_LoadFlagOp : RT_Op<"load_flag", [MemoryEffects<[MemRead]>]> {
  let summary = "Reads a truth value of one byte";
  let arguments = (ins Address:$source);
  let results = (outs I1:$value);
  let assemblyFormat = "$source attr-dict";
}

def RT_CheckOp : RT_Op<"check", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Ends the function with this status unless it is 0";
  let arguments = (ins I32:$status);
  let assemblyFormat = "$status attr-dict";
}

class RT_EntryOp<string mnemonic> : RT_Op<mnemonic, [MemoryEffects<[MemRead, MemWrite]>]> {
  let results = (outs I32:$status);
}

def RT_ParallelOp : RT_EntryOp<"parallel"> {
  let summary = "xfer_parallel: all chunks of a kernel, on the threads of the queue's device";
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<Address>:$buffers, I64:$chunks, Address:$extents,
                       Address:$runtime, I16:$queue);
  let assemblyFormat = [{
    $kernel `(` $buffers `)` `chunks` $chunks `extents` $extents `in` $runtime `on` $queue attr-dict
  }];
}

def RT_SortOp : RT_EntryOp<"sort"> {
  let summary = "xfer_sort_f32, xfer_sort_i32: a stable sort along the middle axis of [outer, extent, inner]";
  let arguments = (ins TypeAttr:$element, Address:$x, Address:$values, Address:$indices, I64:$outer, I64:$extent,
                       I64:$inner, Address:$runtime, I16:$queue);
  let assemblyFormat = [{
    $element $x `to` $values `,` $indices `[` $outer `,` $extent `,` $inner `]` `in` $runtime `on` $queue attr-dict
  }];
}

def RT_CholeskyOp : RT_EntryOp<"cholesky"> {
  let summary = "xfer_cholesky_f32: lower factors of [batch, n, n]";
  let arguments = (ins Address:$a, Address:$l, I64:$batch, I64:$n, Address:$runtime, I16:$queue);
  let assemblyFormat = [{
    $a `to` $l `[` $batch `,` $n `]` `in` $runtime `on` $queue attr-dict
  }];
}

def RT_TriangularSolveOp : RT_EntryOp<"triangular_solve"> {
  let summary = "xfer_triangular_solve_f32: solutions of l x = b, or of l^T x = b";
  let arguments = (ins Address:$l, Address:$b, Address:$x, I64:$batch, I64:$n, I64:$m, UnitAttr:$transposed,
                       Address:$runtime, I16:$queue);
  let assemblyFormat = [{
    $l `,` $b `to` $x `[` $batch `,` $n `,` $m `]` (`transposed` $transposed^)? `in` $runtime `on` $queue attr-dict
  }];
}

#endif
