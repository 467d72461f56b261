#include "compiler/Support/Headers.h"
