// The grammar of Xfer. What may stand where is one table in Sema, not the grammar: there is one rule for every block.
// Newlines reach the parser only where they end an item; Parse/NewlineFilter drops the others.
parser grammar XferParser;
options { tokenVocab = XferLexer; }

// An item may be missing, so that the parser can go on behind one that it did not understand.
file : item? (Newline item?)* EOF ;
block : '{' item? (Newline item?)* '}' ;

item
  // Both halves.
  : 'import' (file_name = String | path += name ('.' path += name)*) ('as' alias = name)?           # ImportItem
  | 'const' name (':' type)? '=' expr                                                               # ConstItem
  | 'param' slot (':' type)? ('=' initial = expr)? ('when' condition = expr)?                       # ParamItem
  | 'state' slot (':' type)? ('per' per = name)? ('=' initial = expr)? ('merge' how = name)?
    ('when' condition = expr)?                                                                      # StateItem
  | 'update' slot '=' expr timing?                                                                  # UpdateItem
  | 'let' pattern '=' expr                                                                          # LetItem
  | 'for' pattern 'in' expr block                                                                   # ForItem
  | 'if' expr block ('else' (block | item))?                                                        # IfItem
  | name '=' expr                                                                                   # PartItem
  // Library.
  | 'fn' name '(' formals? ')' ('->' type)? ('=' expr | block)                                      # FnItem
  | 'module' name '(' arguments = formals? ')' '(' inputs = formals? ')' ('->' type)? block         # ModuleItem
  | 'return' expr                                                                                   # ReturnItem
  | 'yield' expr                                                                                    # YieldItem
  | 'next' carry (',' carry)*                                                                       # NextItem
  // Pipeline: nodes.
  | 'domain' slot block                                                                             # DomainItem
  | 'model' slot ('=' expr block? | block)                                                          # ModelItem
  | 'stage' slot ('from' slot)? block                                                               # StageItem
  | 'baseline' name 'of' slot block?                                                                # BaselineItem
  | 'evaluate' source (',' source)* block                                                           # EvaluateItem
  | 'export' name '(' formals? ')' ('->' type)? ('=' expr | block)                                  # ExportItem
  | 'sweep' axis (',' axis)* block                                                                  # SweepItem
  | 'repeat' expr fresh = 'fresh'? block                                                            # RepeatItem
  // Pipeline: clauses.
  | word = ('read' | 'generate' | 'live') (name ':')? expr                                          # OriginItem
  | 'fields' field_type (',' field_type)*                                                           # FieldsItem
  | 'split' field (',' field)* ('of' parent = name)? ('by' by = name)?                              # SplitItem
  | word = ('map' | 'augment') slot (',' slot)* '=' value = expr ('views' views = expr)?            # MappingItem
  | 'hide' fields += name (',' fields += name)* ('in' split = name)?                                # HideItem
  | 'load' expr 'into' slot ('map' '{' key (',' key)* '}')?                                         # LoadItem
  | 'on' source (',' source)*                                                                       # OnItem
  | 'epoch' 'by' name                                                                               # EpochByItem
  | word = ('loss' | 'hold') name '=' expr                                                          # DefinitionItem
  | 'watch' name '=' expr over?                                                                     # WatchItem
  | 'minimize' expr ('over' selectors)? updater?                                                    # MinimizeItem
  | 'apply' expr 'to' selectors updater?                                                            # ApplyItem
  | 'run' expr                                                                                      # RunItem
  | 'freeze' selectors ('until' unit = ('epoch' | 'step') expr)?                                    # FreezeItem
  | 'set' slot 'with' rewrites                                                                      # SetItem
  | 'optimizer' expr ('for' selectors)? rates?                                                      # OptimizerItem
  | word = ('schedule' | 'epochs' | 'steps' | 'memory' | 'precision') expr                          # SettingItem
  | 'keep' ('last' | which = ('best' | 'least') oracle = 'oracle'? expr over?)                       # KeepItem
  | 'stop' 'when' expr over?                                                                        # StopItem
  | 'predict' value = expr ('against' truth = expr)?                                                # PredictItem
  | 'report' figure (',' figure)*                                                                   # ReportItem
  ;

timing
  : 'every' unit = ('epoch' | 'step')                                                               # EveryOne
  | 'every' expr unit = ('epochs' | 'steps')                                                        # EveryFew
  | side = ('before' | 'after') 'stage'                                                             # AroundStage
  ;
over : 'over' expr (',' expr)* ;
source : split = expr ('as' name)? ('by' sampler = expr)? ('batch' batch = expr ('micro' micro = expr)?)?
         ('count' number = expr)? ;
axis : name 'in' expr ;
figure : (name '=')? expr ;
key : from = String '->' (drop = 'drop' | to = String | form = name '(' to = String ')') ;
updater : 'using' expr rates? ;
rates : 'rate' rate (',' rate)* ;
rate : selector ':' factor = expr ('for' pattern 'in' iterable = expr)? ;

selectors : included += selector (',' included += selector)* ('except' excluded += selector (',' excluded += selector)*)?
            ('expect' expr)? ;
selector : segment ('.' segment)* ('is' name)? ;
segment : step step_index* ;
step
  : name                          # NameStep
  | '*'                           # AnyStep
  | '**'                          # DeepStep
  | String                        # StringStep
  | '{' name (',' name)* '}'      # SetStep
  ;
step_index : '[' (any = '*' | expr) ']' ;
rewrites : '{' rewrite (',' rewrite)* '}' ;
rewrite : selector '->' replacement = expr ('expect' number = expr)? ;

slot : name slot_step* ;
slot_step : '.' name | '[' expr (',' expr)* ']' ;
pattern : name (',' name)* ;
formals : formal (',' formal)* ;
formal : given = 'given'? name (':' type)? ('=' expr)? ;
field : name ':' expr ;

type : base_type optional = '?'? ;
base_type
  : 'module' ('(' types? ')' '->' type)?        # ModuleType
  | 'fn' '(' types? ')' '->' type               # FnType
  | 'like' slot                                 # LikeType
  | '(' field_type (',' field_type)* ')'        # RecordType
  | dims                                        # DimsType
  | name ('(' args? ')')? dims?                 # NamedType
  ;
types : type (',' type)* ;
field_type : name ':' type ;
dims : '[' (dim (',' dim)*)? ']' ;
dim
  : '..' name?                                  # RestDim
  | '?'                                         # VariesDim
  | expr                                        # ExtentDim
  ;

expr
  : value = either ('if' condition = either 'else' otherwise = expr)?                               # Choice
  | 'fn' '(' pattern? ')' '=>' expr                                                                 # Lambda
  | 'each' pattern 'in' from = expr ('along' along = expr)? body                                    # EachLoop
  | 'scan' pattern 'in' from = expr ('along' along = expr)? 'from' carry (',' carry)*
    ('while' condition = expr)? body                                                                # ScanLoop
  ;
carry : name '=' expr ;
body : block | '=>' expr ;
either : both ('or' both)* ;
both : negation ('and' negation)* ;
negation
  : 'not' negation                                                                                  # NotTrue
  | sum (op = ('<' | '<=' | '>' | '>=' | '==' | '!=') sum)?                                         # Compare
  ;
sum : product (sum_op product)* ;
sum_op : '+' | '-' ;
product : unary (product_op unary)* ;
product_op : '*' | '/' | '//' | '%' | '@' ;
unary
  : '-' unary                                                                                       # Minus
  | postfix ('**' unary)?                                                                           # Power
  ;
postfix : atom suffix* ('at' slot)? ;
suffix
  : '.' name                                    # MemberSuffix
  | '(' args? ')'                               # CallSuffix
  | '[' index (',' index)* ']'                  # IndexSuffix
  | 'with' rewrites                             # WithSuffix
  ;
atom
  : Int                                         # IntAtom
  | Float                                       # FloatAtom
  | Size                                        # SizeAtom
  | String                                      # StringAtom
  | value = ('true' | 'false')                  # BoolAtom
  | 'none'                                      # NoneAtom
  | name                                        # NameAtom
  | '(' field (',' field)* ')'                  # RecordAtom
  | '(' (expr (commas += ',' (expr (commas += ',' expr)*)?)?)? ')'              # TupleAtom
  | '[' (expr (for_word = 'for' pattern 'in' iterable = expr | (',' expr)*))? ']'    # ListAtom
  ;
args : arg (',' arg)* ;
arg : (name ':')? expr ;
index
  : low = expr (dots = '..' high = expr?)?      # LowIndex
  | '..' high = expr?                           # HighIndex
  ;

// Clause words are names elsewhere; all other words are reserved.
name
  : Identifier | 'in' | 'as' | 'at' | 'by' | 'of' | 'to' | 'is' | 'from' | 'while' | 'when' | 'merge' | 'fresh' | 'views'
  | 'micro' | 'count' | 'expect' | 'read' | 'generate' | 'live' | 'fields' | 'split' | 'map' | 'augment' | 'hide'
  | 'load' | 'drop' | 'on' | 'batch' | 'loss' | 'watch' | 'hold' | 'minimize' | 'apply' | 'run' | 'freeze' | 'set'
  | 'optimizer' | 'rate' | 'schedule' | 'epochs' | 'epoch' | 'steps' | 'step' | 'memory' | 'precision' | 'keep'
  | 'last' | 'best' | 'least' | 'oracle' | 'stop' | 'predict' | 'report' | 'baseline' | 'sweep' | 'repeat' | 'before'
  | 'after' | 'stage'
  ;
