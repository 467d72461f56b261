//===- AST.h - all of the AST -------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_AST_AST_H
#define XFER_DSL_AST_AST_H

#include "dsl/AST/Clause.h"

#endif // XFER_DSL_AST_AST_H
